//! See `emocue_fuzz::KERNELS`.

#![no_main]

emocue_fuzz::libfuzzer!(KERNELS);
