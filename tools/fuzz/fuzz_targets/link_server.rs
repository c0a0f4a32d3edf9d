//! See `emocue_fuzz::LINK_SERVER`.

#![no_main]

emocue_fuzz::libfuzzer!(LINK_SERVER);
