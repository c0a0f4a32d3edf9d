//! See `emocue_fuzz::CONFIG`.

#![no_main]

emocue_fuzz::libfuzzer!(CONFIG);
