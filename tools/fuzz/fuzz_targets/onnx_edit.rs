//! See `emocue_fuzz::ONNX_EDIT`.

#![no_main]

emocue_fuzz::libfuzzer!(ONNX_EDIT);
