//! See `emocue_fuzz::JOURNAL`.

#![no_main]

emocue_fuzz::libfuzzer!(JOURNAL);
