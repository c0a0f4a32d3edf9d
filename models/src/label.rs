//! Expressions and label sets: which classes a network or a dataset has, and in which order.
//!
//! Sets are mapped by name, never by position, since every dataset orders its classes differently.

mod order;

use serde::{Deserialize, Serialize};

pub use order::{LIST_RUNTIME, LabelError};

/// An apparent facial expression. Words describe how a face looks, not what the person feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expression {
    /// Relaxed, no particular expression.
    Neutral,
    /// Smiling.
    Happiness,
    /// Raised brows, open mouth.
    Surprise,
    /// Drooping corners, raised inner brows.
    Sadness,
    /// Lowered brows, pressed or bared mouth.
    Anger,
    /// Wrinkled nose, raised upper lip.
    Disgust,
    /// Raised and drawn brows, stretched mouth.
    Fear,
    /// One corner of the mouth raised.
    Contempt,
}

impl Expression {
    /// All eight, in FER+ order.
    pub const ALL: [Self; 8] = [
        Self::Neutral,
        Self::Happiness,
        Self::Surprise,
        Self::Sadness,
        Self::Anger,
        Self::Disgust,
        Self::Fear,
        Self::Contempt,
    ];

    /// The noun that label sets use: `"happiness"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happiness => "happiness",
            Self::Surprise => "surprise",
            Self::Sadness => "sadness",
            Self::Anger => "anger",
            Self::Disgust => "disgust",
            Self::Fear => "fear",
            Self::Contempt => "contempt",
        }
    }

    /// The adjective after "looks": `"happy"`.
    pub fn adjective(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happiness => "happy",
            Self::Surprise => "surprised",
            Self::Sadness => "sad",
            Self::Anger => "angry",
            Self::Disgust => "disgusted",
            Self::Fear => "afraid",
            Self::Contempt => "scornful",
        }
    }

    /// By noun, adjective or a dataset's own spelling, case ignored (`"Happy"`, `"happiness"`, `"angry"`).
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |other: &str| other.eq_ignore_ascii_case(name.trim());
        let own = |e: &Self| is(e.name()) || is(e.adjective());
        let spelled = || SPELLINGS.iter().find(|(other, _)| is(other)).map(|(_, e)| *e);
        Self::ALL.into_iter().find(own).or_else(spelled)
    }
}

/// What datasets and detectors call expressions besides the noun and the adjective, in lower case.
const SPELLINGS: &[(&str, Expression)] = &[
    ("joy", Expression::Happiness),
    ("suprise", Expression::Surprise),
    ("disgusting", Expression::Disgust),
    ("fearful", Expression::Fear),
    ("scared", Expression::Fear),
    ("contemptuous", Expression::Contempt),
];

/// A set of classes in index order: a published one, or one that a list names ([`LabelSet::parse`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LabelSet {
    /// Identifier, as in manifests: `"ferplus-8"`, or the names joined by commas.
    pub id: &'static str,
    /// Class names in index order.
    pub names: &'static [&'static str],
}

/// Every published label set.
pub const LABEL_SETS: &[LabelSet] = &[FER_7, FERPLUS_8, AFFECTNET_8, RAF_7, CK_7, VALENCE_3];

/// FER2013 (Goodfellow et al. 2013), the order of `fer2013.csv`.
pub const FER_7: LabelSet = LabelSet {
    id: "fer-7",
    names: &["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"],
};

/// FER+ (Barsoum et al. 2016), the order of `fer2013new.csv` without `unknown` and `NF`.
pub const FERPLUS_8: LabelSet = LabelSet {
    id: "ferplus-8",
    names: &["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"],
};

/// AffectNet (Mollahosseini et al. 2017), its eight discrete classes.
pub const AFFECTNET_8: LabelSet = LabelSet {
    id: "affectnet-8",
    names: &["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"],
};

/// RAF-DB's basic expressions (Li et al. 2017), the order of `list_patition_label.txt`, which counts from 1.
pub const RAF_7: LabelSet = LabelSet {
    id: "raf-7",
    names: &["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"],
};

/// Extended Cohn-Kanade (Lucey et al. 2010), as the 981-frame collection orders it.
pub const CK_7: LabelSet = LabelSet {
    id: "ck-7",
    names: &["anger", "disgust", "fear", "happiness", "sadness", "surprise", "contempt"],
};

/// Valence in three classes.
pub const VALENCE_3: LabelSet =
    LabelSet { id: "valence-3", names: &["positive", "neutral", "negative"] };

impl LabelSet {
    /// As [`LabelSet::parse`], where the reason does not matter.
    pub fn by_id(id: &str) -> Option<Self> {
        Self::parse(id).ok()
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the set has no class; none of the known ones is empty.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Index of a class name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| *n == name)
    }

    /// Index of the class that a dataset's own word means: by name or by [`Expression::from_name`], case ignored.
    pub fn class_of(&self, word: &str) -> Option<usize> {
        let word = word.trim().to_ascii_lowercase();
        self.index_of(&word).or_else(|| self.index_of(Expression::from_name(&word)?.name()))
    }

    /// The expression at `index`; `None` past the end and for classes that are not expressions.
    pub fn expression(&self, index: usize) -> Option<Expression> {
        self.names.get(index).and_then(|name| Expression::from_name(name))
    }

    /// For each class of this set its index in `target`; `None` where `target` has no class for it.
    ///
    /// Classes are mapped by name, and to `valence-3` by [`valence`].
    pub fn mapping_to(&self, target: &Self) -> Vec<Option<usize>> {
        let to = |(index, name): (usize, &&str)| {
            target.index_of(name).or_else(|| {
                let name = valence(self.expression(index)?)?;
                target.index_of(name)
            })
        };
        self.names.iter().enumerate().map(to).collect()
    }
}

/// The `valence-3` class of an expression; `None` for surprise, which can be positive or negative.
pub fn valence(expression: Expression) -> Option<&'static str> {
    match expression {
        Expression::Happiness => Some("positive"),
        Expression::Neutral => Some("neutral"),
        Expression::Surprise => None,
        Expression::Sadness
        | Expression::Anger
        | Expression::Disgust
        | Expression::Fear
        | Expression::Contempt => Some("negative"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_by_name_not_by_position() {
        let map = FER_7.mapping_to(&FERPLUS_8);
        assert_eq!(map, [4, 5, 6, 1, 3, 2, 0].map(Some));
        let map = FERPLUS_8.mapping_to(&FER_7);
        assert_eq!(map, [Some(6), Some(3), Some(5), Some(4), Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn maps_to_valence() {
        let map = FERPLUS_8.mapping_to(&VALENCE_3);
        let expected = [Some(1), Some(0), None, Some(2), Some(2), Some(2), Some(2), Some(2)];
        assert_eq!(map, expected);
    }

    #[test]
    fn every_set_is_found_and_every_expression_class_is_known() {
        for set in LABEL_SETS {
            assert_eq!(LabelSet::by_id(set.id), Some(*set));
            assert_eq!(set.mapping_to(set), (0..set.len()).map(Some).collect::<Vec<_>>());
        }
        assert!((0..8).all(|i| FERPLUS_8.expression(i) == Some(Expression::ALL[i])));
        assert_eq!(LabelSet::by_id("fer-9"), None);
    }

    #[test]
    fn spellings_of_other_datasets() {
        assert_eq!(Expression::from_name("Happy"), Some(Expression::Happiness));
        assert_eq!(Expression::from_name("fearful"), Some(Expression::Fear));
        assert_eq!(Expression::from_name("NF"), None);
        assert!(SPELLINGS.iter().all(|(word, e)| Expression::from_name(word) == Some(*e)));
        assert_eq!(RAF_7.class_of("Surprised"), Some(0));
        assert_eq!(VALENCE_3.class_of(" Negative"), Some(2));
        assert_eq!(CK_7.class_of("neutral"), None);
    }
}
