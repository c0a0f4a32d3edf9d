//! What a badge requires of a bundle before it accepts it, regardless of its signer. Host and badge share this check.

use std::time::Duration;

use emocue_models::bundle::Bundle;
use emocue_models::failure::{Failure, exit};
use emocue_models::label::LabelSet;

use crate::{Classifier as _, Networks, RunError, SelfTestError, self_test};

/// The classifier's classes cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the classes of label set {set} are not all expressions")]
pub struct UnshowableLabels {
    set: &'static str,
}

impl Failure for UnshowableLabels {
    fn help(&self) -> Option<String> {
        Some("Use a bundle with fer-7 or ferplus-8.".to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::NETWORK
    }
}

/// Checks that every class is an expression, which a badge can show.
///
/// # Errors
/// [`UnshowableLabels`] when one is not.
pub fn showable(labels: LabelSet) -> Result<(), UnshowableLabels> {
    match (0..labels.len()).all(|index| labels.expression(index).is_some()) {
        true => Ok(()),
        false => Err(UnshowableLabels { set: labels.id }),
    }
}

/// Why a badge refuses a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Unacceptable {
    /// It has no model card.
    #[error("it has no model card")]
    NoCard,
    /// Its networks do not run.
    #[error(transparent)]
    Network(#[from] RunError),
    /// Its classes cannot be shown.
    #[error(transparent)]
    Labels(#[from] UnshowableLabels),
    /// Its networks fail the self-test.
    #[error("it fails the self-test: {0}")]
    SelfTest(#[from] SelfTestError),
}

impl Failure for Unacceptable {
    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoCard => {
                "Pack it again with a model card (`emocue bundle pack --card CARD.md`).".to_owned()
            }
            Self::Network(_) => "Pack it again with another network.".to_owned(),
            Self::Labels(error) => return error.help(),
            Self::SelfTest(_) => {
                "It has to find the one face of each embedded portrait, and to recognize the smile: check its labels, its preprocessing and its threshold."
                    .to_owned()
            }
        })
    }

    fn exit_code(&self) -> u8 {
        exit::NETWORK
    }
}

/// Checks a bundle as a badge does that has not run it before; returns the time that one picture of the self-test took.
///
/// # Errors
/// [`Unacceptable`] when a badge would refuse it.
pub fn check(bundle: &Bundle<'_>) -> Result<Duration, Unacceptable> {
    let manifest = bundle.manifest();
    if !manifest.has_card() {
        return Err(Unacceptable::NoCard);
    }
    let Networks { mut detector, mut classifier } = Networks::from_bundle(bundle, None)?;
    showable(classifier.labels())?;
    let threshold = manifest.classifier.threshold;
    Ok(self_test(detector.as_mut(), &mut classifier, threshold, false)?)
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::{DEFAULT, Manifest};

    use super::*;

    fn checked(change: impl FnOnce(&mut Manifest)) -> Result<Duration, Unacceptable> {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        change(&mut manifest);
        let payloads: Vec<_> = bundle.payloads().collect();
        let packed = Bundle::pack(manifest, &payloads).unwrap();
        check(&Bundle::read(&packed).unwrap())
    }

    #[test]
    fn what_a_badge_refuses_is_refused_here() {
        assert!(checked(|_| {}).is_ok());
        let no_card = checked(|manifest| manifest.card = " \n".to_owned());
        assert!(matches!(no_card, Err(Unacceptable::NoCard)));
        let unsure = checked(|manifest| manifest.classifier.threshold = 1.0);
        assert!(matches!(unsure, Err(Unacceptable::SelfTest(_))), "{unsure:?}");
    }
}
