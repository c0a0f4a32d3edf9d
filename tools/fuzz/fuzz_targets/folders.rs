//! See `emocue_fuzz::FOLDERS`.

#![no_main]

emocue_fuzz::libfuzzer!(FOLDERS);
