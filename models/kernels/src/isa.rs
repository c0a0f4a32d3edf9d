//! Which instruction set is used.

use std::fmt;
use std::sync::OnceLock;

use crate::error::IsaError;

/// The environment variable that names an instruction set, for tests and measurements.
pub const VARIABLE: &str = "EMOCUE_ISA";

/// An instruction set that this processor has: a value exists only after it was detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
#[cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]
pub(crate) enum Kind {
    Portable,
    Neon,
    NeonDot,
    Avx2,
    AvxVnni,
    Avx512Vnni,
}

/// From the slowest to the fastest.
const ALL: [(&str, Kind); 6] = [
    ("portable", Kind::Portable),
    ("neon", Kind::Neon),
    ("neon-dot", Kind::NeonDot),
    ("avx2", Kind::Avx2),
    ("avx-vnni", Kind::AvxVnni),
    ("avx512-vnni", Kind::Avx512Vnni),
];

impl Isa {
    /// The reference, which every processor has.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The instruction sets of this processor, from the slowest to the fastest.
    pub fn available() -> impl Iterator<Item = Self> {
        ALL.into_iter().filter(|(_, kind)| kind.is_supported()).map(|(_, kind)| Self(kind))
    }

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::PORTABLE)
    }

    /// The instruction set of this name.
    ///
    /// # Errors
    /// When there is none of that name, or this processor does not have it.
    pub fn named(name: &str) -> Result<Self, IsaError> {
        let Some((_, kind)) = ALL.into_iter().find(|(known, _)| *known == name) else {
            let known = ALL.map(|(name, _)| name).join(", ");
            return Err(IsaError::Unknown { name: name.to_owned(), known });
        };
        if !kind.is_supported() {
            let available: Vec<_> = Self::available().map(Self::name).collect();
            let available = available.join(", ");
            return Err(IsaError::Unsupported { name: name.to_owned(), available });
        }
        Ok(Self(kind))
    }

    /// The instruction set of this process: the one that [`VARIABLE`] names, else the best. It is chosen at the first
    /// call.
    ///
    /// # Errors
    /// When the variable's value is not an instruction set of this processor.
    pub fn chosen() -> Result<Self, IsaError> {
        static CHOSEN: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        let choose = || match std::env::var_os(VARIABLE) {
            Some(name) => Self::named(&name.to_string_lossy()),
            None => Ok(Self::best()),
        };
        CHOSEN.get_or_init(choose).clone()
    }

    /// As [`Isa::named`] accepts it.
    pub fn name(self) -> &'static str {
        ALL.into_iter().find(|(_, kind)| *kind == self.0).map_or("", |(name, _)| name)
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }

    /// Runs a pass, compiled for these instructions.
    #[inline(always)]
    pub(crate) fn run(self, pass: impl Pass) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a value of `Isa` exists only where the processor has these instructions.
            #[allow(unsafe_code)]
            Kind::Avx2 | Kind::AvxVnni => unsafe { avx2(pass) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[allow(unsafe_code)]
            Kind::Avx512Vnni => unsafe { avx512(pass) },
            // Every 64-bit ARM processor has NEON, so the portable code is compiled for it.
            _ => pass.run(),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Plain code that is compiled once for each instruction set. Its `run`, and what that calls, is `#[inline(always)]`.
pub(crate) trait Pass {
    fn run(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(pass: impl Pass) {
    pass.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn avx512(pass: impl Pass) {
    pass.run();
}

impl Kind {
    #[cfg(target_arch = "x86_64")]
    fn is_supported(self) -> bool {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma");
        let avx512 = avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512dq");
        let vnni = avx512 && has!("avx512vl") && has!("avx512vnni");
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2,
            Self::AvxVnni => (avx2 && has!("avxvnni")) || vnni,
            Self::Avx512Vnni => vnni,
            Self::Neon | Self::NeonDot => false,
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_supported(self) -> bool {
        use std::arch::is_aarch64_feature_detected as has;
        match self {
            Self::Portable => true,
            Self::Neon => has!("neon"),
            Self::NeonDot => has!("neon") && has!("dotprod"),
            Self::Avx2 | Self::AvxVnni | Self::Avx512Vnni => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_supported(self) -> bool {
        self == Self::Portable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_has_a_name_that_finds_it() {
        assert_eq!(Isa::available().next(), Some(Isa::PORTABLE));
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        assert_eq!(Isa::available().last(), Some(Isa::best()));
    }

    #[test]
    fn a_wrong_name_and_a_missing_set_are_told_apart() {
        let unknown = Isa::named("sse9").unwrap_err().to_string();
        assert!(unknown.contains("\"sse9\" is not an instruction set"), "{unknown}");
        let missing = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
        let error = Isa::named(missing).unwrap_err();
        assert!(matches!(error, IsaError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("portable"), "{error}");
    }
}
