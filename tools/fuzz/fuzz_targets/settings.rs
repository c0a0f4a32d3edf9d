//! See `emocue_fuzz::SETTINGS`.

#![no_main]

emocue_fuzz::libfuzzer!(SETTINGS);
