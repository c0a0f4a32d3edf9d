//! See `emocue_fuzz::BUNDLE`.

#![no_main]

emocue_fuzz::libfuzzer!(BUNDLE);
