//! See `emocue_fuzz::ONNX`.

#![no_main]

emocue_fuzz::libfuzzer!(ONNX);
