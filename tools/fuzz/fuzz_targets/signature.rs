//! See `emocue_fuzz::SIGNATURE`.

#![no_main]

emocue_fuzz::libfuzzer!(SIGNATURE);
