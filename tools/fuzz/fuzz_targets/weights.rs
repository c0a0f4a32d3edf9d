//! See `emocue_fuzz::WEIGHTS`.

#![no_main]

emocue_fuzz::libfuzzer!(WEIGHTS);
