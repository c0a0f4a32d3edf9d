//! See `emocue_fuzz::MANIFEST`.

#![no_main]

emocue_fuzz::libfuzzer!(MANIFEST);
