//! FER+ votes (Barsoum et al. 2016): ten raters for each row, joined to FER2013 by row order.

use std::path::Path;

use super::dataset::Dataset;
use super::table::{csv_error, expect_header, open_csv};
use super::votes::{COLUMNS, Votes};
use super::{DataError, Split};

/// Reads `fer2013new.csv` and joins it to the FER2013 rows of `fer`.
///
/// # Errors
/// [`DataError`] naming the row: an invalid vote, a Usage that differs from FER2013's, or another number of rows than
/// FER2013 has.
pub fn read(path: &Path, fer: Dataset) -> Result<Dataset, DataError> {
    let help = "FER+ joins FER2013 by row order: use fer2013new.csv with the complete fer2013.csv it was made for.";
    let header = [
        "Usage",
        "Image name",
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    ];
    let mut reader = open_csv(path, true)?;
    expect_header(path, &mut reader, &header, help)?;
    let mut votes = Vec::with_capacity(fer.len());
    let mut record = csv::StringRecord::new();
    for row in 1.. {
        if !reader.read_record(&mut record).map_err(|e| csv_error(path, row, &e))? {
            break;
        }
        let bad = |what| DataError::Row { path: path.to_owned(), row, what, help };
        if record.len() != header.len() {
            return Err(bad(format!("{} columns, expected {}", record.len(), header.len())));
        }
        if row > fer.len() {
            return Err(bad(format!("FER2013 has only {} rows", fer.len())));
        }
        let usage = &record[0];
        if Split::from_name(usage) != Some(fer.split(row - 1)) {
            let expected = fer.split(row - 1).name();
            return Err(bad(format!("Usage is \"{usage}\", FER2013 says {expected}")));
        }
        let mut counts = [0; COLUMNS];
        for (index, count) in counts.iter_mut().enumerate() {
            let text = &record[index + 2];
            *count = text.parse().ok().filter(|votes| *votes <= 10).ok_or_else(|| {
                bad(format!("{} has \"{text:.20}\" votes, expected 0-10", header[index + 2]))
            })?;
        }
        votes.push(Votes(counts));
    }
    if votes.len() != fer.len() {
        let what = format!("{} rows, but FER2013 has {}", votes.len(), fer.len());
        return Err(DataError::File { path: path.to_owned(), what, help });
    }
    Ok(fer.with_votes(votes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{PIXELS, fer2013};

    const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

    fn joined(votes: &[&str]) -> Result<Dataset, String> {
        let pixels = vec!["0"; PIXELS].join(" ");
        let mut fer = tempfile::NamedTempFile::new().unwrap();
        write!(fer, "emotion,pixels,Usage\n0,{pixels},Training\n1,{pixels},PrivateTest\n").unwrap();
        let fer = fer2013::read(fer.path()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{HEADER}{}", votes.join("\n")).unwrap();
        read(file.path(), fer).map_err(crate::fixture::reported)
    }

    #[test]
    fn refuses_what_does_not_join() {
        let good = "Training,a.png,10,0,0,0,0,0,0,0,0,0";
        let last = "PrivateTest,b.png,10,0,0,0,0,0,0,0,0,0";
        assert!(joined(&[good, last]).is_ok());
        for (rows, word) in [
            (vec![good], "1 rows, but FER2013 has 2"),
            (vec![good, last, last], "row 3: FER2013 has only 2 rows"),
            (vec![last, last], "row 1: Usage is \"PrivateTest\", FER2013 says Training"),
            (
                vec![good, "PrivateTest,b.png,11,0,0,0,0,0,0,0,0,0"],
                "row 2: neutral has \"11\" votes",
            ),
            (vec![good, "PrivateTest,b.png,1"], "row 2: 3 columns"),
        ] {
            let error = joined(&rows).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
