//! What a flash is going to change, told before it changes anything.

use std::fmt;

use emocue_models::bundle::Sha256;
use indicatif::DecimalBytes;

use super::table::{CONFIG, Place, Source, TABLE};
use super::{FlashError, Found, Part, Parts, Root};

/// One file or link, and what is there now.
#[derive(Debug)]
pub struct Item<'a> {
    /// Where it goes.
    pub place: &'static Place,
    /// What is written.
    pub content: Content<'a>,
    /// What is there.
    pub now: Now,
}

/// What is written to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A file.
    File(&'a [u8]),
    /// A symbolic link.
    Link(&'static str),
}

/// What is at a place, compared with what shall be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// The same: nothing is written.
    Same,
    /// Something else, which is overwritten.
    Differs,
    /// Nothing.
    Nothing,
    /// It is no file there, but handed to the badge, and this becomes of it.
    HandedOver(&'static str),
}

/// Everything that a flash writes.
#[derive(Debug)]
pub struct Plan<'a> {
    title: String,
    items: Vec<Item<'a>>,
    notes: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Looks at `root` and compares.
    ///
    /// # Errors
    /// [`FlashError`] when the program is for another machine, or something is in the way.
    pub fn new(root: &mut dyn Root, parts: &'a Parts) -> Result<Self, FlashError> {
        let title = root.title();
        if let Some(app) = &parts.app {
            let runs = root.machine()?;
            if runs != app.machine {
                let path = app.path.clone();
                return Err(FlashError::Machine {
                    path,
                    made_for: app.machine,
                    place: title,
                    runs,
                });
            }
        }
        let mut items = Vec::new();
        for place in &TABLE {
            let Some(content) = content(place, parts) else { continue };
            let now = match root.handed_over(place.part) {
                Some(becomes) => Now::HandedOver(becomes),
                None => now(root.look(place.path)?, place, content)?,
            };
            items.push(Item { place, content, now });
        }
        let mut notes = notes(parts);
        if parts.app.is_some() && parts.config.is_none() && root.look(CONFIG)? == Found::Nothing {
            notes.push(format!(
                "{CONFIG} is missing, and the badge does not start without it: add --config FILE"
            ));
        }
        Ok(Self { title, items, notes })
    }

    /// What is written.
    pub fn changes(&self) -> Vec<&Item<'a>> {
        self.items.iter().filter(|item| item.now != Now::Same).collect()
    }

    /// Which files are overwritten.
    pub fn overwritten(&self) -> impl Iterator<Item = &'static str> {
        self.items.iter().filter(|item| item.now == Now::Differs).map(|item| item.place.path)
    }

    /// The parts that it is about.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self.items.iter().map(|item| item.place.part).collect();
        parts.dedup();
        parts
    }
}

/// What goes to a place, where its part is flashed.
fn content<'a>(place: &'static Place, parts: &'a Parts) -> Option<Content<'a>> {
    let named = match place.part {
        Part::App => parts.app.as_ref().map(|app| app.bytes.as_slice()),
        Part::Bundle => parts.bundle.as_ref().map(|bundle| bundle.bytes.as_slice()),
        Part::Config => parts.config.as_ref().map(|config| config.text.as_bytes()),
    };
    named.map(|named| match place.source {
        Source::Named => Content::File(named),
        Source::Inside(bytes) => Content::File(bytes),
        Source::Link(to) => Content::Link(to),
    })
}

fn now(found: Found, place: &Place, content: Content<'_>) -> Result<Now, FlashError> {
    Ok(match (found, content) {
        (Found::Nothing, _) => Now::Nothing,
        (Found::Other, _) => return Err(FlashError::InTheWay(place.path.to_owned())),
        (Found::Link(there), Content::Link(to)) if there == to => Now::Same,
        (Found::File { sha256, mode }, Content::File(bytes))
            if sha256 == Sha256::of(bytes) && mode == place.mode =>
        {
            Now::Same
        }
        _ => Now::Differs,
    })
}

/// What else is told about the parts.
fn notes(parts: &Parts) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(app) = &parts.app {
        notes.push(format!("app: {}, for {}", app.path.display(), app.machine));
    }
    if let Some(config) = &parts.config {
        notes.push(format!("config: {}", config.path.display()));
    }
    if let Some(bundle) = &parts.bundle {
        notes.push(bundle_note(bundle));
    }
    notes
}

/// A bundle in words.
pub(super) fn bundle_note(bundle: &super::bundle::Ready) -> String {
    let title = &bundle.title;
    match (bundle.signer, &bundle.intended_use) {
        (Some(signer), Some(meant)) => {
            format!("bundle: {title}, signed by {}, meant for: {meant}", signer.short())
        }
        _ => format!(
            "bundle: {title}, which is signed with what it is meant for before it is flashed"
        ),
    }
}

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To {}:", self.title)?;
        let width = self.items.iter().map(|item| item.place.path.len()).max().unwrap_or(0);
        for Item { place, content, now } in &self.items {
            let size = match content {
                Content::File(bytes) => DecimalBytes(bytes.len() as u64).to_string(),
                Content::Link(_) => "link".to_owned(),
            };
            let now = match now {
                Now::Same => "is there",
                Now::Differs if place.keep_old => "differs; the old one stays as .old",
                Now::Differs => "differs",
                Now::Nothing => "new",
                Now::HandedOver(becomes) => becomes,
            };
            writeln!(f, "  {:<6}  {:<width$}  {size:>9}  {now}", place.part, place.path)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
    }
}
