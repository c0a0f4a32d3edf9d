//! See `emocue_fuzz::SOURCE`.

#![no_main]

emocue_fuzz::libfuzzer!(SOURCE);
