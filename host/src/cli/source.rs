//! The dataset of a verb.

use std::path::PathBuf;

use clap::Args;
use emocue_models::label::LabelSet;

use emocue_data::dataset::Dataset;
use emocue_data::layout::{self, DatasetLayout, ReadOptions};
use emocue_data::map::Map;
use emocue_data::model::labels::label_set;
use emocue_data::model::metadata::known_labels;
use emocue_data::{DataError, SIDE, Split, ferplus, landmarks};

/// Heading of these arguments in the help.
const HEADING: &str = "Dataset";

/// Path of the dataset, and how to read it.
#[derive(Args, Clone, Debug)]
#[group(id = "source")]
pub struct SourceArgs {
    /// fer2013.csv, plain or gzipped, in Kaggle's layout
    #[arg(long, help_heading = HEADING, value_name = "CSV", required_unless_present = "data", conflicts_with = "data")]
    pub fer2013: Option<PathBuf>,
    /// fer2013new.csv, the FER+ votes for the same rows
    #[arg(long, help_heading = HEADING, value_name = "CSV", requires = "fer2013", conflicts_with = "data")]
    pub ferplus: Option<PathBuf>,
    /// A dataset in any of the known layouts: a folder, a CSV file or an .npz
    #[arg(long, help_heading = HEADING, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Its layout (default: detected)
    #[arg(long, help_heading = HEADING, value_enum, requires = "data", hide_possible_values = true, help = layout_help())]
    pub layout: Option<DatasetLayout>,
    /// TOML file that maps the dataset's classes to those of a label set
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Meaning of the labels of an .npz or of the names of class folders
    #[arg(long, help_heading = HEADING, value_name = "ID", requires = "data", value_parser = label_set, help = labels_help())]
    pub data_labels: Option<LabelSet>,
    /// Width and height that pictures are resized to, px
    #[arg(long, help_heading = HEADING, value_name = "PX", default_value_t = SIDE as u16, value_parser = clap::value_parser!(u16).range(8..=512))]
    pub side: u16,
    /// CSV file with the rows' landmarks, as `emocue data landmarks --output` writes it
    #[arg(long, help_heading = HEADING, value_name = "CSV")]
    pub landmarks: Option<PathBuf>,
}

fn layout_help() -> String {
    let names: Vec<&str> = DatasetLayout::ALL.iter().map(|layout| layout.name()).collect();
    format!("Its layout (default: detected): {}", names.join(", "))
}

fn labels_help() -> String {
    format!(
        "Meaning of the labels of an .npz or of the names of class folders: {}, or a list such as angry,happy,neutral",
        known_labels()
    )
}

impl SourceArgs {
    /// The same as `--fer2013` and `--ferplus`.
    pub fn fer2013_with_votes(fer2013: PathBuf, ferplus: PathBuf) -> Self {
        Self {
            fer2013: Some(fer2013),
            ferplus: Some(ferplus),
            data: None,
            layout: None,
            map: None,
            data_labels: None,
            side: SIDE as u16,
            landmarks: None,
        }
    }

    /// Whether a dataset is named.
    pub fn is_named(&self) -> bool {
        self.fer2013.is_some() || self.data.is_some()
    }

    /// Reads the dataset, with votes and landmarks if they are named.
    ///
    /// # Errors
    /// [`DataError`] naming file and row.
    pub fn read(&self) -> Result<Dataset, DataError> {
        let data = self.read_pictures()?;
        let Some(file) = &self.landmarks else { return Ok(data) };
        let found = landmarks::read(file, &data)?;
        Ok(data.with_landmarks(found))
    }

    fn read_pictures(&self) -> Result<Dataset, DataError> {
        let map = self.map.as_deref().map(Map::read).transpose()?;
        let options = ReadOptions { side: self.side.into(), labels: self.data_labels, map };
        match (&self.fer2013, &self.data, &self.ferplus) {
            (Some(fer), _, None) => layout::read(fer, Some(DatasetLayout::Fer2013), &options),
            (Some(fer), _, Some(votes)) => {
                let own = ReadOptions { side: SIDE, labels: None, map: None };
                let data = layout::read(fer, Some(DatasetLayout::Fer2013), &own)?;
                let data = ferplus::read(votes, data)?.resized(options.side);
                match options.map {
                    Some(map) => map.apply(data),
                    None => Ok(data),
                }
            }
            (None, Some(path), _) => layout::read(path, self.layout, &options),
            (None, None, _) => Err(DataError::Asked {
                what: "no dataset is named".to_owned(),
                help: "Name one with --data PATH or --fer2013 CSV.",
            }),
        }
    }
}

/// An additional dataset.
#[derive(Clone, Debug)]
pub struct Also {
    layout: Option<DatasetLayout>,
    path: PathBuf,
}

impl Also {
    /// Parses `PATH` or `LAYOUT:PATH`.
    ///
    /// # Errors
    /// An empty path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known =
            |name: &str| DatasetLayout::ALL.into_iter().find(|layout| layout.name() == name);
        let named = text.split_once(':').and_then(|(name, path)| Some((known(name)?, path)));
        let (layout, path) = named.map_or((None, text), |(layout, path)| (Some(layout), path));
        if path.is_empty() {
            return Err("expected a path".to_owned());
        }
        Ok(Self { layout, path: path.into() })
    }

    /// Reads it at `side` px.
    ///
    /// # Errors
    /// [`DataError`] naming file and row, or a dataset without Training rows.
    pub fn read(&self, side: u16) -> Result<Dataset, DataError> {
        let options = ReadOptions { side: side.into(), labels: None, map: None };
        let data = layout::read(&self.path, self.layout, &options)?;
        if data.rows(Split::Training).is_empty() {
            return Err(DataError::File {
                path: self.path.clone(),
                what: "it has no Training row to learn from".to_owned(),
                help: "Leave it out, or give the part that its authors train on.",
            });
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use emocue_data::fixture;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        source: SourceArgs,
    }

    fn parse(line: &str) -> Result<SourceArgs, String> {
        let words = ["program"].into_iter().chain(line.split_whitespace());
        Program::try_parse_from(words).map(|p| p.source).map_err(|error| error.to_string())
    }

    #[test]
    fn one_dataset_is_named_one_way() {
        assert!(parse("--fer2013 a.csv").is_ok());
        assert!(parse("--fer2013 a.csv --ferplus b.csv").is_ok());
        assert!(parse("--data a --layout raf-db --side 112").is_ok());
        assert!(parse("--data a.npz --data-labels raf-7 --map m.toml").is_ok());
        for (line, word) in [
            ("", "--fer2013 <CSV>"),
            ("--fer2013 a.csv --data b", "cannot be used with"),
            ("--data b --ferplus a.csv", "cannot be used with"),
            ("--data b --data-labels raf-9", "affectnet-8"),
            ("--data b --layout raf", "ck-plus"),
            ("--data b --side 4", "8..=512"),
        ] {
            let error = parse(line).err().unwrap_or_default();
            assert!(error.contains(word), "{line}: {error}");
        }
    }

    #[test]
    fn another_dataset_may_name_its_layout() {
        let parsed = |text| Also::parse(text).map(|also| (also.layout, also.path));
        assert_eq!(parsed("raf-db:a/b"), Ok((Some(DatasetLayout::RafDb), "a/b".into())));
        assert_eq!(parsed("a:b"), Ok((None, "a:b".into())));
        assert_eq!(parsed("raf-db:").unwrap_err(), "expected a path");
    }

    #[test]
    fn reads_at_the_side_that_is_asked_for() {
        let root = tempfile::tempdir().unwrap();
        fixture::save(&root.path().join("happy/1.png"), 48, 1);
        let line = format!("--data {} --side 112", root.path().display());
        assert_eq!(parse(&line).unwrap().read().unwrap().side(), 112);
    }
}
