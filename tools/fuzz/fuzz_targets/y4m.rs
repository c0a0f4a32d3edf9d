//! See `emocue_fuzz::Y4M`.

#![no_main]

emocue_fuzz::libfuzzer!(Y4M);
