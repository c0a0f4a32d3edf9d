//! See `emocue_fuzz::SLOT_POINTER`.

#![no_main]

emocue_fuzz::libfuzzer!(SLOT_POINTER);
