//! Boards whose wiring is known.

/// A board, or a use of any board, and its profile.
#[derive(Clone, Copy, Debug)]
pub struct BoardProfile {
    /// Its name in configurations.
    pub name: &'static str,
    /// Parts of its `/proc/device-tree/model`, any of which identifies it. Empty for a profile that suits any board.
    pub models: &'static [&'static str],
    /// Lines of the default chip that the panel's I2C bus needs.
    pub i2c_lines: &'static [u32],
    /// Its profile, in the syntax of a configuration.
    pub profile: &'static str,
}

/// Every board that `board = "…"` may name.
pub const BOARDS: [BoardProfile; 7] = [
    BoardProfile {
        name: "pi-zero-2w",
        models: &["Raspberry Pi Zero 2"],
        i2c_lines: &[2, 3],
        profile: include_str!("../../boards/pi-zero-2w.toml"),
    },
    BoardProfile {
        name: "pi-3",
        models: &["Raspberry Pi 3"],
        i2c_lines: &[2, 3],
        profile: include_str!("../../boards/pi-3.toml"),
    },
    BoardProfile {
        name: "pi-4",
        models: &["Raspberry Pi 4"],
        i2c_lines: &[2, 3],
        profile: include_str!("../../boards/pi-4.toml"),
    },
    BoardProfile {
        name: "pi-5",
        models: &["Raspberry Pi 5"],
        i2c_lines: &[2, 3],
        profile: include_str!("../../boards/pi-5.toml"),
    },
    BoardProfile {
        name: "jetson-nano",
        models: &["Jetson Nano"],
        i2c_lines: &[],
        profile: include_str!("../../boards/jetson-nano.toml"),
    },
    BoardProfile {
        name: "jetson-orin",
        models: &["Orin Nano", "Orin NX"],
        i2c_lines: &[],
        profile: include_str!("../../boards/jetson-orin.toml"),
    },
    BoardProfile {
        name: "classroom",
        models: &[],
        i2c_lines: &[],
        profile: include_str!("../../boards/classroom.toml"),
    },
];

impl BoardProfile {
    /// The board of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }
}

/// All names, for errors and help.
pub(crate) fn names() -> String {
    BOARDS.map(|board| board.name).join(", ")
}
