//! Speeds of serial ports.

/// The baud rates that a port may be opened with, bits per second.
pub const BAUDS: [u32; 18] = [
    9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000,
    1_152_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000, 4_000_000,
];
