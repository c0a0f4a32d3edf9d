//! Questions that a wearer answers before a badge does what a host requests, and the code that is compared on host and
//! panel.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Domain separation of the hash.
const CONTEXT: &[u8] = b"emocue consent 1\0";

/// Codes are below this: 16 decimal digits, 53 bits.
const CODES: u64 = 10_000_000_000_000_000;

/// How the wearer answers a question.
pub const HOW_TO_ANSWER: &str = "If its panel shows the same code, hold its button for 3 s. If not, press it briefly: that refuses.";

/// A host's request that only the wearer can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ask {
    /// Accept bundles of the key that signed this one; it is the first key that the badge trusts.
    NewMaker,
    /// Use new settings.
    NewSettings,
    /// Roll back to the previous bundle.
    OlderBundle,
}

impl Ask {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NewMaker, Self::NewSettings, Self::OlderBundle];

    /// The question, as panel and host show it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NewMaker => "Trust new maker?",
            Self::NewSettings => "Use new settings?",
            Self::OlderBundle => "Return to older?",
        }
    }
}

/// A question that waits for the wearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What the host requests.
    pub ask: Ask,
    /// The key that signed the bundle; zeros where there is none.
    pub key: [u8; 32],
    /// SHA-256 of the received file; zeros where there is none.
    pub sha256: [u8; 32],
    /// A random number of the badge for this question.
    pub number: [u8; 16],
}

impl Question {
    /// The code that panel and host show. It covers everything in the question, so it is the same on both only where
    /// the badge received what the host sent.
    pub fn code(&self) -> Code {
        let mut hasher = Sha256::new_with_prefix(CONTEXT);
        hasher.update([self.ask as u8]);
        hasher.update(self.key);
        hasher.update(self.sha256);
        hasher.update(self.number);
        let hash: [u8; 32] = hasher.finalize().into();
        // The whole hash modulo the number of codes, so that all codes are equally likely.
        let byte = |code: u64, byte: &u8| (code * 256 + u64::from(*byte)) % CODES;
        Code(hash.iter().fold(0, byte))
    }
}

/// 16 digits in groups of four: `"0123 4567 8901 2345"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(u64);

impl Code {
    /// The code of these digits; only the last 16 count.
    pub const fn new(digits: u64) -> Self {
        Self(digits % CODES)
    }

    /// Its four groups of digits.
    pub fn groups(self) -> [String; 4] {
        [1_000_000_000_000, 100_000_000, 10_000, 1]
            .map(|unit| format!("{:04}", self.0 / unit % 10_000))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.groups().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_sixteen_digits_in_groups_of_four() {
        assert_eq!(Code::new(123_456_789_012_345).to_string(), "0123 4567 8901 2345");
        assert_eq!(Code::new(7).to_string(), "0000 0000 0000 0007");
    }

    #[test]
    fn a_code_is_the_same_in_every_release() {
        let question =
            Question { ask: Ask::NewMaker, key: [1; 32], sha256: [2; 32], number: [3; 16] };
        assert_eq!(question.code().to_string(), "0714 1487 0319 1405");
    }

    proptest! {
        #[test]
        fn a_code_covers_every_bit_of_its_question(
            ask in prop::sample::select(&Ask::ALL[..]),
            key in any::<[u8; 32]>(),
            sha256 in any::<[u8; 32]>(),
            number in any::<[u8; 16]>(),
            byte in 0..80_usize,
            bit in 0..8_u32,
        ) {
            let question = Question { ask, key, sha256, number };
            let mut other = question;
            let flipped = match byte {
                0..32 => &mut other.key[byte],
                32..64 => &mut other.sha256[byte - 32],
                _ => &mut other.number[byte - 64],
            };
            *flipped ^= 1 << bit;
            prop_assert_ne!(question.code(), other.code());
            for ask in Ask::ALL.into_iter().filter(|ask| *ask != question.ask) {
                prop_assert_ne!(Question { ask, ..question }.code(), question.code());
            }
        }
    }
}
