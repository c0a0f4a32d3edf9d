//! The machine that a program is built for.

use std::fmt;

/// A kind of processor, as in the header of an ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `e_machine`.
    number: u16,
    /// Whether its addresses have 64 bits.
    wide: bool,
}

/// Bytes of a header that [`Machine::of`] reads.
pub const HEADER: usize = 20;

const ARM: u16 = 40;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;

impl Machine {
    /// The machine of the ELF file that begins with `header`; `None` when it is not a little-endian ELF file.
    pub fn of(header: &[u8]) -> Option<Self> {
        let header = header.first_chunk::<HEADER>()?;
        let [b'\x7f', b'E', b'L', b'F', class @ 1..=2, 1, ..] = *header else {
            return None;
        };
        Some(Self { number: u16::from_le_bytes([header[18], header[19]]), wide: class == 2 })
    }

    /// The machine of a kernel whose `uname -m` is `name`.
    pub fn of_uname(name: &str) -> Option<Self> {
        let (number, wide) = match name {
            "aarch64" | "arm64" => (AARCH64, true),
            "x86_64" => (X86_64, true),
            "riscv64" => (243, true),
            "i686" | "i586" | "i386" => (3, false),
            name if name.starts_with("armv") => (ARM, false),
            _ => return None,
        };
        Some(Self { number, wide })
    }

    /// The command that builds for it.
    pub fn build_hint(self) -> &'static str {
        match (self.number, self.wide) {
            (AARCH64, true) => "`cargo xtask cross --profile dist`.",
            (ARM, false) => "`cargo xtask cross --profile dist --target armv7`.",
            (X86_64, true) => "`cargo build --release`, on such a computer.",
            _ => {
                "boards of this kind have not been tried; `cargo build --release --target ...` may do."
            }
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number, self.wide) {
            (AARCH64, true) => f.write_str("64-bit ARM (aarch64)"),
            (ARM, false) => f.write_str("32-bit ARM (armv7l)"),
            (X86_64, true) => f.write_str("64-bit PCs (x86_64)"),
            (243, true) => f.write_str("64-bit RISC-V (riscv64)"),
            (3, false) => f.write_str("32-bit PCs (i686)"),
            (number, wide) => {
                let bits = if wide { 64 } else { 32 };
                write!(f, "{bits}-bit machines of ELF number {number}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(class: u8, order: u8, machine: u8) -> Vec<u8> {
        let mut header = vec![0x7f, b'E', b'L', b'F', class, order, 1];
        header.resize(HEADER, 0);
        header[18] = machine;
        header
    }

    #[test]
    fn tells_machines_apart() {
        let name = |class, machine| Machine::of(&header(class, 1, machine)).unwrap().to_string();
        assert_eq!(name(2, 183), "64-bit ARM (aarch64)");
        assert_eq!(name(1, 40), "32-bit ARM (armv7l)");
        assert_eq!(name(2, 62), "64-bit PCs (x86_64)");
        assert_eq!(name(2, 8), "64-bit machines of ELF number 8");
    }

    #[test]
    fn kernels_have_names() {
        for name in ["aarch64", "armv7l", "armv6l", "x86_64", "riscv64"] {
            let shown = Machine::of_uname(name).unwrap().to_string();
            assert!(shown.contains(&name.replace("armv6", "armv7")), "{name}: {shown}");
        }
        assert_eq!(Machine::of_uname("vax"), None);
    }

    #[test]
    fn knows_what_is_no_program() {
        let short = &header(2, 1, 183)[..HEADER - 1];
        for bytes in [short, b"#!/bin/sh\necho this is a script\n", &header(2, 2, 183), &[]] {
            assert_eq!(Machine::of(bytes), None);
        }
    }
}
