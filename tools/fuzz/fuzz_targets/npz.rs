//! See `emocue_fuzz::NPZ`.

#![no_main]

emocue_fuzz::libfuzzer!(NPZ);
