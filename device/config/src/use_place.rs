//! Where the badge is used, and why its camera may be used there.

use serde::{Deserialize, Serialize};

/// Where the badge is used. In schools and at work the badge stores nothing about anybody, and its camera games need a
/// [`Reason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsePlace {
    /// By a person for themselves, at home or elsewhere.
    #[default]
    Private,
    /// In a school or another place of education.
    School,
    /// At work.
    Workplace,
}

impl UsePlace {
    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::School => "school",
            Self::Workplace => "workplace",
        }
    }

    /// Whether Article 5(1)(f) of Regulation (EU) 2024/1689 names it: there, systems that infer emotions are prohibited
    /// except for medical and safety reasons.
    pub const fn is_restricted(self) -> bool {
        !matches!(self, Self::Private)
    }
}

/// Why the camera may be used in a school or at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// None was recorded.
    #[default]
    None,
    /// A medical reason, such as a therapy that uses the badge.
    Medical,
    /// A safety reason.
    Safety,
    /// The badge is used in a country where Article 5(1)(f) of Regulation (EU) 2024/1689 does not apply.
    OutsideEu,
}

impl Reason {
    /// Those that a configuration may record.
    pub const ALL: [Self; 3] = [Self::Medical, Self::Safety, Self::OutsideEu];

    /// As the configuration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Medical => "medical",
            Self::Safety => "safety",
            Self::OutsideEu => "outside-eu",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_configuration_s() {
        for place in [UsePlace::Private, UsePlace::School, UsePlace::Workplace] {
            assert_eq!(toml::Value::try_from(place).unwrap().as_str(), Some(place.name()));
        }
        for reason in Reason::ALL.into_iter().chain([Reason::None]) {
            assert_eq!(toml::Value::try_from(reason).unwrap().as_str(), Some(reason.name()));
        }
    }
}
