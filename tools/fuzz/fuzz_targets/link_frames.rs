//! See `emocue_fuzz::LINK_FRAMES`.

#![no_main]

emocue_fuzz::libfuzzer!(LINK_FRAMES);
