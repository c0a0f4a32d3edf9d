//! See `emocue_fuzz::LANGUAGE`.

#![no_main]

emocue_fuzz::libfuzzer!(LANGUAGE);
