//! See `emocue_fuzz::LINK_INBOX`.

#![no_main]

emocue_fuzz::libfuzzer!(LINK_INBOX);
