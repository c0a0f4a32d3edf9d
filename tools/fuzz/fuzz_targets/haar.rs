//! See `emocue_fuzz::HAAR`.

#![no_main]

emocue_fuzz::libfuzzer!(HAAR);
