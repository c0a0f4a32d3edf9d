//! See `emocue_fuzz::PICTURE`.

#![no_main]

emocue_fuzz::libfuzzer!(PICTURE);
