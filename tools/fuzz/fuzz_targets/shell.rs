//! See `emocue_fuzz::SHELL`.

#![no_main]

emocue_fuzz::libfuzzer!(SHELL);
