//! See `emocue_fuzz::ANNOTATIONS`.

#![no_main]

emocue_fuzz::libfuzzer!(ANNOTATIONS);
