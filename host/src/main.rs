//! `emocue`, the host's binary.

fn main() {}
