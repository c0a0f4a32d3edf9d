//! See `emocue_fuzz::TABLE`.

#![no_main]

emocue_fuzz::libfuzzer!(TABLE);
