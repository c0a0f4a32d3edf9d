//! A mapping file: from a dataset's own classes to the classes of a known label set.
//!
//! ```toml
//! labels = "valence-3"
//!
//! [classes]
//! laughing = "positive"
//! calm = "neutral"
//! sobbing = "negative"
//! unclear = "skip"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use emocue_models::files;
use emocue_models::label::LabelSet;
use serde::Deserialize;

use super::DataError;
use super::dataset::Dataset;
use crate::model::labels::label_set;

/// The target of classes whose pictures are left out.
const SKIP: &str = "skip";

/// A mapping from a dataset's own classes to those of a label set.
#[derive(Clone, Debug)]
pub struct Map {
    path: PathBuf,
    labels: LabelSet,
    /// By the dataset's own name in lower case; `None` leaves its pictures out.
    classes: BTreeMap<String, Option<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    labels: String,
    classes: BTreeMap<String, String>,
}

const HELP: &str = "Expected TOML: labels = \"valence-3\", then [classes] with lines like laughing = \"positive\"; \"skip\" leaves a class out.";

impl Map {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`DataError`] naming the line or the class: invalid TOML, an unknown key, label set or class.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let text = files::read_text(path)
            .map_err(|source| DataError::Io { path: path.to_owned(), source })?;
        let bad = |what| DataError::File { path: path.to_owned(), what, help: HELP };
        let file: MapFile =
            toml::from_str(&text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        let labels = label_set(&file.labels).map_err(bad)?;
        let mut classes = BTreeMap::new();
        for (name, to) in &file.classes {
            let class = labels.class_of(to);
            if class.is_none() && to != SKIP {
                let known = labels.names.join(", ");
                return Err(bad(format!(
                    "{name} is mapped to \"{to}\", but {} has {known}",
                    labels.id
                )));
            }
            if classes.insert(name.trim().to_lowercase(), class).is_some() {
                return Err(bad(format!("{name} is mapped twice")));
            }
        }
        Ok(Self { path: path.to_owned(), labels, classes })
    }

    /// The target label set.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// The class to which the dataset's own `name` is mapped, ignoring case; `None` when it is left out.
    ///
    /// # Errors
    /// [`DataError`] when the file does not have it.
    pub fn class_of(&self, name: &str) -> Result<Option<usize>, DataError> {
        let class = self.classes.get(&name.trim().to_lowercase()).copied();
        class.ok_or_else(|| DataError::File {
            path: self.path.clone(),
            what: format!("the dataset's class \"{name}\" is not mapped"),
            help: "Every class needs a line under [classes]; \"skip\" leaves one out.",
        })
    }

    /// The dataset with its classes mapped by name.
    ///
    /// # Errors
    /// [`DataError`] when the file does not have one of them.
    pub fn apply(&self, data: Dataset) -> Result<Dataset, DataError> {
        let classes = data.labels().names.iter().map(|name| self.class_of(name));
        let classes = classes.collect::<Result<Vec<_>, _>>()?;
        Ok(data.relabelled(self.labels, &classes))
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;

    fn map(text: &str) -> Result<Map, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("map.toml");
        std::fs::write(&file, text).unwrap();
        Map::read(&file).map_err(crate::fixture::reported)
    }

    #[test]
    fn maps_many_names_to_few_classes() {
        let map = map("labels = \"valence-3\"\n[classes]\nLaughing = \"positive\"\nSobbing = \"negative\"\nodd = \"skip\"").unwrap();
        assert_eq!(map.labels(), VALENCE_3);
        assert_eq!(map.class_of("laughing").unwrap(), Some(0));
        assert_eq!(map.class_of(" SOBBING").unwrap(), Some(2));
        assert_eq!(map.class_of("odd").unwrap(), None);
        let error = crate::fixture::reported(map.class_of("calm").unwrap_err());
        assert!(error.contains("map.toml") && error.contains("\"calm\" is not mapped"), "{error}");
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, word) in [
            ("labels = \"valence-4\"\n[classes]", "valence-3"),
            ("labels = \"valence-3\"\n[classes]\na = \"good\"", "a is mapped to \"good\""),
            ("labels = \"valence-3\"\n[classes]\na = \"positive\"\nA = \"skip\"", "mapped twice"),
            ("labels = \"valence-3\"\n[clases]\n", "clases"),
            ("what", "line 1"),
        ] {
            let error = map(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
