//! Class orders that no published set has: a list of names, in the network's order.

use std::sync::{Mutex, PoisonError};

use super::{Expression, LABEL_SETS, LabelSet, VALENCE_3};

/// The lowest [runtime](crate::bundle::manifest::RUNTIME) that knows lists of names.
pub const LIST_RUNTIME: u32 = 3;

/// A text that is not a label set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Neither an identifier nor a list.
    #[error("unknown label set {0:?}")]
    Unknown(String),
    /// A name in a list that is not a class.
    #[error("class {at} of the list, {name:?}, is not a class name")]
    Class {
        /// From 0.
        at: usize,
        /// As given.
        name: String,
    },
    /// A class twice.
    #[error("the list has the class {0} twice")]
    Twice(&'static str),
    /// Expressions and valence classes in one list.
    #[error("the list mixes expressions with the classes of {}", VALENCE_3.id)]
    Mixed,
    /// `index=name` with a gap, or only for some names.
    #[error("the indices of the list are not 0 to {last}, each once")]
    Indices {
        /// The last index that is needed.
        last: usize,
    },
}

/// Lists that were read. A set is `Copy`, so its names live as long as the program; as every list is of different
/// known names, their number is limited.
static LISTS: Mutex<Vec<LabelSet>> = Mutex::new(Vec::new());

impl LabelSet {
    /// By identifier (`"fer-7"`), or a list of class names in index order: `"angry,happy,neutral"`, or the same with
    /// indices, `"1=happy,0=angry,2=neutral"`. Names are any that [`Expression::from_name`] knows. A list in the order
    /// of a known set is that set.
    ///
    /// # Errors
    /// [`LabelError`] for another text.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        if let Some(known) = LABEL_SETS.iter().find(|set| set.id == text) {
            return Ok(*known);
        }
        if !text.contains(',') {
            return Err(LabelError::Unknown(text.to_owned()));
        }
        let mut names = Vec::new();
        for (at, word) in in_order(text)?.into_iter().enumerate() {
            let name = class_name(word)
                .ok_or_else(|| LabelError::Class { at, name: word.trim().to_owned() })?;
            if names.contains(&name) {
                return Err(LabelError::Twice(name));
            }
            names.push(name);
        }
        let expressions = names.iter().all(|name| Expression::from_name(name).is_some());
        if !expressions && !names.iter().all(|name| VALENCE_3.index_of(name).is_some()) {
            return Err(LabelError::Mixed);
        }
        let known = LABEL_SETS.iter().find(|set| set.names == names);
        Ok(known.copied().unwrap_or_else(|| listed(&names)))
    }

    /// The lowest runtime that knows the set.
    pub fn runtime(&self) -> u32 {
        if LABEL_SETS.contains(self) { 1 } else { LIST_RUNTIME }
    }
}

/// The names of a list, by their indices where it has some.
fn in_order(text: &str) -> Result<Vec<&str>, LabelError> {
    let words: Vec<&str> = text.split(',').collect();
    if !text.contains('=') {
        return Ok(words);
    }
    let last = words.len() - 1;
    let mut ordered = vec![None; words.len()];
    for word in words {
        let (index, name) = word.split_once('=').ok_or(LabelError::Indices { last })?;
        let place = index.trim().parse::<usize>().ok().and_then(|index| ordered.get_mut(index));
        match place {
            Some(place @ None) => *place = Some(name),
            _ => return Err(LabelError::Indices { last }),
        }
    }
    ordered.into_iter().collect::<Option<_>>().ok_or(LabelError::Indices { last })
}

/// The name that label sets use for what `word` means.
fn class_name(word: &str) -> Option<&'static str> {
    let valence = || VALENCE_3.class_of(word).map(|index| VALENCE_3.names[index]);
    Expression::from_name(word).map(Expression::name).or_else(valence)
}

/// The set of a list, made when it is first read.
fn listed(names: &[&'static str]) -> LabelSet {
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lists.iter().find(|set| set.names == names) {
        return *known;
    }
    let set = LabelSet {
        id: Box::leak(names.join(",").into_boxed_str()),
        names: Box::leak(names.to_vec().into_boxed_slice()),
    };
    lists.push(set);
    set
}

#[cfg(test)]
mod tests {
    use super::super::{FER_7, FERPLUS_8};
    use super::*;

    #[test]
    fn a_list_names_classes_in_its_own_order() {
        let set = LabelSet::parse("angry, Disgust,fear,happy,neutral,sad,surprise").unwrap();
        assert_eq!(set.id, "anger,disgust,fear,happiness,neutral,sadness,surprise");
        assert_eq!(set.expression(4), Some(Expression::Neutral));
        assert_eq!(set.mapping_to(&FER_7), [0, 1, 2, 3, 6, 4, 5].map(Some));
        assert_eq!(LabelSet::by_id(set.id), Some(set));
        assert_eq!((set.runtime(), FER_7.runtime()), (LIST_RUNTIME, 1));
        let few = LabelSet::parse("2=surprised,0=sad,1=joy").unwrap();
        assert_eq!(few.names, ["sadness", "happiness", "surprise"]);
        let steps = LabelSet::parse("negative,neutral,positive").unwrap();
        assert_eq!(steps.names, ["negative", "neutral", "positive"]);
    }

    #[test]
    fn the_order_of_a_known_set_is_that_set() {
        for set in LABEL_SETS {
            assert_eq!(LabelSet::parse(&set.names.join(",")), Ok(*set));
            assert_eq!(LabelSet::parse(set.id), Ok(*set));
        }
        let eight = "neutral,happy,surprised,sad,angry,disgusted,afraid,contemptuous";
        assert_eq!(LabelSet::parse(eight), Ok(FERPLUS_8));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        for (text, expected) in [
            ("fer-9", "unknown label set \"fer-9\""),
            ("angry", "unknown label set"),
            ("angry,calm", "class 1 of the list, \"calm\""),
            ("angry,", "class 1 of the list, \"\""),
            ("angry,anger", "anger twice"),
            ("angry,positive", "mixes expressions"),
            ("0=angry,2=sad", "not 0 to 1"),
            ("0=angry,0=sad", "not 0 to 1"),
            ("0=angry,sad", "not 0 to 1"),
        ] {
            let error = LabelSet::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
