//! See `emocue_fuzz::LINK_CLIENT`.

#![no_main]

emocue_fuzz::libfuzzer!(LINK_CLIENT);
