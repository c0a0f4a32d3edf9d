//! `emocue-badge`, the badge's binary.

fn main() {}
