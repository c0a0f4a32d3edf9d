//! A program's requirements on its system, from the output of `readelf`.

use std::fmt;

/// A version of the GNU C library, which is compatible upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glibc(pub(crate) u32, pub(crate) u32);

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The glibc version that programs for boards are linked against: that of the oldest system in [`RELEASES`].
pub(crate) const OLDEST: Glibc = Glibc(2, 27);

/// The newest glibc version that programs for computers may require: that of Debian 12.
pub(crate) const COMPUTERS: Glibc = Glibc(2, 36);

/// An operating system of boards.
pub(crate) struct Release {
    pub(crate) name: &'static str,
    pub(crate) glibc: Glibc,
    /// Whether it exists for 32-bit processors.
    pub(crate) has_32_bit: bool,
}

/// Newest first.
pub(crate) const RELEASES: &[Release] = &[
    Release { name: "Raspberry Pi OS 13 (trixie)", glibc: Glibc(2, 41), has_32_bit: true },
    Release { name: "JetPack 7 (Ubuntu 24.04)", glibc: Glibc(2, 39), has_32_bit: false },
    Release { name: "Raspberry Pi OS 12 (bookworm)", glibc: Glibc(2, 36), has_32_bit: true },
    Release { name: "JetPack 6 (Ubuntu 22.04)", glibc: Glibc(2, 35), has_32_bit: false },
    Release { name: "Raspberry Pi OS 11 (bullseye)", glibc: Glibc(2, 31), has_32_bit: true },
    Release { name: "JetPack 5 (Ubuntu 20.04)", glibc: Glibc(2, 31), has_32_bit: false },
    Release {
        name: "JetPack 4 (Ubuntu 18.04), the last one for Jetson Nano",
        glibc: Glibc(2, 27),
        has_32_bit: false,
    },
];

/// The newest glibc version that a program's symbols require, from `readelf --version-info --wide`.
pub(crate) fn glibc(readelf: &str) -> Option<Glibc> {
    let version = |text: &str| {
        let number = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (major, minor) = text.split_once('.')?;
        let minor = &minor[..number(minor)];
        Some(Glibc(major.parse().ok()?, minor.parse().ok()?))
    };
    readelf.split("GLIBC_").skip(1).filter_map(version).max()
}

/// The libraries that a program is linked to, from `readelf --dynamic --wide`.
pub(crate) fn libraries(readelf: &str) -> Vec<&str> {
    let name = |line: &'_ str| -> Option<(usize, usize)> {
        line.contains("(NEEDED)").then_some(())?;
        Some((line.find('[')? + 1, line.rfind(']')?))
    };
    readelf
        .lines()
        .filter_map(|line| name(line).and_then(|(from, to)| line.get(from..to)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: &str = "\
Version needs section '.gnu.version_r' contains 2 entries:
  000000: Version: 1  File: libc.so.6  Cnt: 3
  0x0010:   Name: GLIBC_2.17  Flags: none  Version: 5
  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 4
  0x0030:   Name: GLIBC_2.4   Flags: none  Version: 3
  0x0040: Version: 1  File: libgcc_s.so.1  Cnt: 1
  0x0050:   Name: GCC_4.2.0  Flags: none  Version: 2
";

    #[test]
    fn the_newest_symbol_decides_and_digits_are_numbers() {
        assert_eq!(glibc(VERSIONS), Some(Glibc(2, 34)));
        assert!(Glibc(2, 4) < Glibc(2, 34));
        assert_eq!(glibc("Name: GCC_4.2.0"), None);
        assert_eq!(glibc("GLIBC_PRIVATE GLIBC_2.2.5)"), Some(Glibc(2, 2)));
    }

    #[test]
    fn programs_are_linked_for_the_oldest_system() {
        assert_eq!(RELEASES.iter().map(|release| release.glibc).min(), Some(OLDEST));
    }

    #[test]
    fn needed_libraries_are_found() {
        let text = " 0x1 (NEEDED)   Shared library: [libgcc_s.so.1]\n\
                    0x1 (NEEDED)   Shared library: [libc.so.6]\n\
                    0xe (SONAME)   Library soname: [me.so]\n";
        assert_eq!(libraries(text), ["libgcc_s.so.1", "libc.so.6"]);
    }
}
