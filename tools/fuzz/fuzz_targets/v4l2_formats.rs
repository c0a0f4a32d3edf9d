//! See `emocue_fuzz::V4L2_FORMATS`.

#![no_main]

emocue_fuzz::libfuzzer!(V4L2_FORMATS);
