//! Pictures of one face each, with annotated demographic groups: a CSV file with `image` and any of `age`, `gender` and
//! `group`, in UTKFace's codes, and optionally `expression`. The groups are apparent ones, annotated from the picture,
//! not self-reported.

use std::path::{Path, PathBuf};

use super::super::table::{columns, csv_error, open_csv};
use super::super::{DataError, table};

const HELP: &str = "Expected a header with image and any of age (years), gender (0 or 1) and group (0 to 4), as UTKFace codes them, and perhaps expression.";

/// UTKFace's codes.
const GENDERS: [&str; 2] = ["male", "female"];
const GROUPS: [&str; 5] = ["White", "Black", "Asian", "Indian", "another group"];

/// Lower limits of the age groups, years.
const AGES: [u32; 6] = [0, 10, 20, 40, 60, 70];

/// Highest valid age, years.
const OLDEST: u32 = 130;

/// A picture that one face fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupedFace {
    /// Path of the file.
    pub file: PathBuf,
    /// Its name in the annotations.
    pub name: String,
    /// All groups of the person, such as `["Black", "aged 20-39", "female"]`.
    pub groups: Vec<String>,
    /// Name of the annotated expression, if there is one.
    pub expression: Option<String>,
}

/// Reads the annotations in `path`; pictures are named relative to its folder.
///
/// # Errors
/// [`DataError`] naming the file and the row: another header, a code that UTKFace does not have, a missing picture.
pub fn read(path: &Path) -> Result<Vec<GroupedFace>, DataError> {
    let mut reader = open_csv(path, true)?;
    let [image, file, age, gender, group, expression] =
        columns(path, &mut reader, ["image", "file", "age", "gender", "group", "expression"])?;
    let bad =
        |what: &str| DataError::File { path: path.to_owned(), what: what.to_owned(), help: HELP };
    let image = image.or(file).ok_or_else(|| bad("the header has no column image"))?;
    if age.or(gender).or(group).is_none() {
        return Err(bad("the header has no column with groups"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut faces = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| csv_error(path, row, &error))?;
        let bad = |what: String| DataError::Row { path: path.to_owned(), row, what, help: HELP };
        let cell = |at: usize| record.get(at).unwrap_or("").trim();
        let code = |column: Option<usize>, limit: u32| match column.map(cell) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse::<u32>() {
                Ok(code) if code < limit => Ok(Some(code as usize)),
                _ => Err(bad(format!("\"{text:.40}\" is not a number below {limit}"))),
            },
        };
        let mut groups = Vec::new();
        groups.extend(code(group, GROUPS.len() as u32)?.map(|code| GROUPS[code].to_owned()));
        groups.extend(code(age, OLDEST)?.map(age_band));
        groups.extend(code(gender, GENDERS.len() as u32)?.map(|code| GENDERS[code].to_owned()));
        let name = cell(image).to_owned();
        let file = folder.join(&name);
        if name.is_empty() || !table::is_below(Path::new(&name)) || !file.is_file() {
            return Err(bad(format!("the picture {} does not exist", file.display())));
        }
        let expression = expression.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
        faces.push(GroupedFace { file, name, groups, expression });
    }
    if faces.is_empty() { Err(bad("it lists no picture")) } else { Ok(faces) }
}

fn age_band(age: usize) -> String {
    let band = AGES.iter().rposition(|from| *from as usize <= age).unwrap_or(0);
    match AGES.get(band + 1) {
        Some(next) => format!("aged {}-{}", AGES[band], next - 1),
        None => format!("aged {} and more", AGES[band]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn read_text(text: &str) -> Result<Vec<GroupedFace>, String> {
        let root = tempfile::tempdir().unwrap();
        fixture::save(&root.path().join("images/a.png"), 20, 1);
        let path = root.path().join("labels.csv");
        fixture::write(&path, text);
        read(&path).map_err(fixture::reported)
    }

    #[test]
    fn codes_become_groups() {
        let faces = read_text("image,age,gender,group\nimages/a.png,71,1,1\nimages/a.png,9,,4\n");
        let groups: Vec<Vec<String>> = faces.unwrap().into_iter().map(|face| face.groups).collect();
        assert_eq!(groups[0], ["Black", "aged 70 and more", "female"]);
        assert_eq!(groups[1], ["another group", "aged 0-9"]);
        assert_eq!(read_text("image,gender\nimages/a.png,0\n").unwrap()[0].groups, ["male"]);
        let labelled =
            read_text("image,age,expression\nimages/a.png,9, Happy\nimages/a.png,9,\n").unwrap();
        assert_eq!(labelled[0].expression.as_deref(), Some("Happy"));
        assert_eq!(labelled[1].expression, None);
    }

    #[test]
    fn what_is_not_a_group_is_refused() {
        for (text, word) in [
            ("image,age\nimages/a.png,-1\n", "row 1: \"-1\" is not a number below 130"),
            ("image,group\nimages/a.png,5\n", "row 1: \"5\" is not a number below 5"),
            ("image,age\nimages/b.png,3\n", "row 1: the picture"),
            ("image,age\n../a.png,3\n", "row 1: the picture"),
            ("image,mood\nimages/a.png,3\n", "no column with groups"),
            ("age\n3\n", "no column image"),
            ("image,age\n", "it lists no picture"),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
