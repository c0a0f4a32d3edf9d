//! The changes of a flash to a root file system, shown before anything is changed.

use std::fmt;

use emocue_models::bundle::Sha256;
use indicatif::DecimalBytes;

use crate::component::{Component, Components};
use crate::error::FlashError;
use crate::root::{Existing, FileContent, FileStatus, PlannedFile, RootFs};
use crate::table::{BadgeFile, CONFIG, FileSource, TABLE};

/// All files that a flash writes.
#[derive(Debug)]
pub struct FlashPlan<'a> {
    title: String,
    files: Vec<PlannedFile<'a>>,
    notes: Vec<String>,
}

impl<'a> FlashPlan<'a> {
    /// Compares the components with the files in `root`.
    ///
    /// # Errors
    /// [`FlashError`] when the program is for another machine, or a path is occupied by something that is not a file.
    pub fn new<R: RootFs>(root: &mut R, components: &'a Components) -> Result<Self, FlashError>
    where
        FlashError: From<R::Error>,
    {
        let title = root.title();
        if let Some(app) = &components.app {
            let runs = root.machine()?;
            if runs != app.machine {
                return Err(FlashError::Machine {
                    path: app.path.clone(),
                    made_for: app.machine,
                    place: title,
                    runs,
                });
            }
        }
        let mut files = Vec::new();
        for place in TABLE.iter() {
            let Some(content) = content(place, components) else { continue };
            let status = match root.handed_over(place.component) {
                Some(words) => FileStatus::HandedOver(words),
                None => status(&root.existing(place.path)?, place, content)?,
            };
            files.push(PlannedFile { place, content, status });
        }
        let mut notes = notes(components);
        if components.app.is_some()
            && components.config.is_none()
            && root.existing(CONFIG)? == Existing::Nothing
        {
            notes.push(format!(
                "{CONFIG} is missing, and the badge does not start without it: add --config FILE"
            ));
        }
        Ok(Self { title, files, notes })
    }

    /// The files that are written.
    pub fn changes(&self) -> Vec<&PlannedFile<'a>> {
        self.files.iter().filter(|file| file.status != FileStatus::Same).collect()
    }

    /// Paths of the files that are overwritten.
    pub fn overwritten(&self) -> impl Iterator<Item = &'static str> {
        let differs = |file: &&PlannedFile<'_>| file.status == FileStatus::Differs;
        self.files.iter().filter(differs).map(|file| file.place.path)
    }
}

/// The content of a file, if its component is flashed.
fn content<'a>(place: &'static BadgeFile, components: &'a Components) -> Option<FileContent<'a>> {
    let named = match place.component {
        Component::App => components.app.as_ref().map(|app| app.bytes.as_slice()),
        Component::Bundle => components.bundle.as_ref().map(|bundle| bundle.bytes.as_slice()),
        Component::Config => components.config.as_ref().map(|config| config.text.as_bytes()),
    };
    named.map(|named| match place.source {
        FileSource::Named => FileContent::File(named),
        FileSource::Inside(bytes) => FileContent::File(bytes),
        FileSource::Link(to) => FileContent::Link(to),
    })
}

fn status(
    existing: &Existing,
    place: &BadgeFile,
    content: FileContent<'_>,
) -> Result<FileStatus, FlashError> {
    Ok(match (existing, content) {
        (Existing::Nothing, _) => FileStatus::New,
        (Existing::Other, _) => return Err(FlashError::InTheWay(place.path.to_owned())),
        (Existing::Link(there), FileContent::Link(to)) if there == to => FileStatus::Same,
        (Existing::File { sha256, mode }, FileContent::File(bytes))
            if *sha256 == Sha256::of(bytes) && *mode == place.mode =>
        {
            FileStatus::Same
        }
        _ => FileStatus::Differs,
    })
}

/// Notes about the components.
fn notes(components: &Components) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(app) = &components.app {
        notes.push(format!("app: {}, for {}", app.path.display(), app.machine));
    }
    if let Some(config) = &components.config {
        notes.push(format!("config: {}", config.path.display()));
    }
    if let Some(bundle) = &components.bundle {
        notes.push(bundle.note());
    }
    notes
}

impl fmt::Display for FlashPlan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To {}:", self.title)?;
        let width = self.files.iter().map(|file| file.place.path.len()).max().unwrap_or(0);
        for PlannedFile { place, content, status } in &self.files {
            let size = match content {
                FileContent::File(bytes) => DecimalBytes(bytes.len() as u64).to_string(),
                FileContent::Link(_) => "link".to_owned(),
            };
            let status = match status {
                FileStatus::Same => "is there",
                FileStatus::Differs if place.keep_old => "differs; the old one stays as .old",
                FileStatus::Differs => "differs",
                FileStatus::New => "new",
                FileStatus::HandedOver(words) => words,
            };
            writeln!(f, "  {:<6}  {:<width$}  {size:>9}  {status}", place.component, place.path)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
    }
}
