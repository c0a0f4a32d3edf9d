//! The licences of all crates in a program, in one text, as the licences require for distribution.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::crates::Crate;
use crate::Result;
use crate::cargo::root;

/// Prefixes of licence file names, in upper case.
const NAMES: [&str; 7] =
    ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "THIRD"];

/// A list of crates with their licences, then each distinct text once with the crates that it applies to.
pub(crate) fn texts(crates: &[Crate]) -> Result<String> {
    let mut list = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in crates.iter().filter(|one| !one.is_ours) {
        let name = format!("{} {}", one.name, one.version);
        writeln!(list, "  {name}: {}", one.licence)?;
        for text in of_crate(one)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut all = format!(
        "This program has the crates below in it, and Rust's standard library (MIT OR Apache-2.0). Its networks began\n\
         with weights of YuNet (libfacedetection.train, Apache-2.0) and facenet-pytorch 2.6.0 (MIT, Copyright (c) 2019\n\
         Timothy Esler).\n\
         Where a crate offers several licences, any of them may be chosen.\n\n{list}"
    );
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, a), (_, b)| a.cmp(b));
    for (text, names) in texts {
        write!(all, "\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(all)
}

/// The licence texts in a crate's folder; a crate without any gets the text of its SPDX expression.
fn of_crate(one: &Crate) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(&one.folder).map_err(|e| format!("{}: {e}", one.folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase());
        let is_licence = name.is_some_and(|name| NAMES.iter().any(|known| name.starts_with(known)));
        let files = match is_licence {
            true if path.is_dir() => super::tree::files_below(&path)?,
            true => vec![path],
            false => Vec::new(),
        };
        for file in files {
            texts.push(
                String::from_utf8_lossy(&fs::read(file)?).replace('\r', "").trim().to_owned(),
            );
        }
    }
    texts.sort();
    texts.dedup();
    if texts.is_empty() { standard(one).map(|text| vec![text]) } else { Ok(texts) }
}

/// The standard text for a crate's SPDX expression. The Apache licence contains no copyright holder, so its text suits
/// every crate.
fn standard(one: &Crate) -> Result<String> {
    let read = |name: &str| fs::read_to_string(root().join(name));
    let offers = |licence: &str| one.licence.split(" OR ").any(|offered| offered == licence);
    if offers("Apache-2.0") {
        Ok(read("LICENSE-APACHE")?.trim().to_owned())
    } else if offers("MIT") {
        let ours = read("LICENSE-MIT")?;
        let whose = match &one.authors[..] {
            [] => format!("Copyright (c) the authors of {}", one.name),
            authors => format!("Copyright (c) {}", authors.join(", ")),
        };
        let line = |line: &str| match line.starts_with("Copyright (c)") {
            true => whose.clone(),
            false => line.to_owned(),
        };
        Ok(ours.lines().map(line).collect::<Vec<_>>().join("\n"))
    } else {
        let (name, version, licence) = (&one.name, &one.version, &one.licence);
        Err(format!("{name} {version} is under {licence}, and neither it nor we have the text")
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(licence: &str, folder: &std::path::Path) -> Crate {
        Crate {
            name: "one".into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            folder: folder.to_owned(),
            authors: vec!["Ada".into()],
            ..Crate::default()
        }
    }

    #[test]
    fn a_text_stands_once_after_all_that_have_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("License.md"), "words\r\n").unwrap();
        let other = Crate { name: "two".into(), ..crate_of("MIT", folder.path()) };
        let text = texts(&[crate_of("MIT", folder.path()), other]).unwrap();
        assert!(text.ends_with("\none 1.0.0, two 1.0.0\n\nwords\n"), "{text}");
    }

    #[test]
    fn a_crate_without_a_text_gets_the_one_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let text = |licence| texts(&[crate_of(licence, folder.path())]);
        assert!(text("MIT OR Apache-2.0").unwrap().contains("Apache License"));
        assert!(text("MIT").unwrap().contains("Copyright (c) Ada\n"));
        assert!(text("Zlib").is_err());
    }
}
