//! See `emocue_fuzz::RAW_FRAMES`.

#![no_main]

emocue_fuzz::libfuzzer!(RAW_FRAMES);
