//! See `emocue_fuzz::DISK`.

#![no_main]

emocue_fuzz::libfuzzer!(DISK);
