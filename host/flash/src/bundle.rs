//! Prepares a bundle for flashing: valid, with a model card, signed, and with an intended use.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::bundle::{Bundle, Manifest, NamedBundleError, PublicKey, SecretKey, in_bundle};
use emocue_models::failure::{Failure, exit};
use emocue_models::files::{self, write_atomically};
use emocue_models::plain::plain_line;

use crate::acceptance::{self, RefusedBundle};
use crate::console::FlashConsole;
use crate::key::{self, KeyError};
use crate::sign::{Changes, INTENDED_USE, sign_checked};

/// The intended uses that are offered; the owner may enter any other.
pub const USES: [&str; 4] = [
    "my own cue",
    "with a person I support, who agreed",
    "practice and teaching games",
    "building and testing",
];

/// Longest intended use, characters.
pub const MAX_USE: usize = 200;

/// A notice about the law, shown whenever an intended use is recorded.
pub const LAW: &str = "\
In the European Union, using an AI system to infer emotions of a person at the workplace or in education institutions
is prohibited, except for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f)). This is a fact
to know and no legal advice; docs/responsible-use.md says more.";

/// A bundle that can be flashed.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedBundle {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name and content version.
    pub title: String,
    /// Its signer; `None` if it is not signed yet, in a dry run.
    pub signer: Option<PublicKey>,
    /// Its intended use; `None` if it is still to be asked.
    pub intended_use: Option<String>,
}

impl PreparedBundle {
    /// A line that describes it.
    pub fn note(&self) -> String {
        let title = &self.title;
        match (self.signer, &self.intended_use) {
            (Some(signer), Some(intended_use)) => {
                let (signer, meant_for) = (signer.short(), plain_line(intended_use));
                format!("bundle: {title}, signed by {signer}, meant for: {meant_for}")
            }
            _ => format!(
                "bundle: {title}, which is signed with what it is meant for before it is flashed"
            ),
        }
    }
}

/// Options for signing a bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct SigningOptions<'a> {
    /// The key to sign with; by default the one at [`default_key`].
    pub key: Option<&'a SecretKey>,
    /// The intended use; by default the bundle's, else the user is asked.
    pub intended_use: Option<&'a str>,
    /// Neither ask nor write anything.
    pub dry_run: bool,
}

/// A bundle cannot be flashed.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is damaged or invalid.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// A badge would refuse it.
    #[error(transparent)]
    Refused(#[from] RefusedBundle),
    /// The signed bundle cannot be written.
    #[error(transparent)]
    Write(io::Error),
    /// There is no key to sign with.
    #[error("the bundle {bundle} must be signed by you, and there is no key in {}", key.display())]
    NoKey {
        /// The bundle.
        bundle: String,
        /// The default path of the key.
        key: PathBuf,
    },
    /// The default key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The intended use is not one plain line of allowed length.
    #[error("an intended use is one line of 1 to {MAX_USE} characters")]
    IntendedUse,
    /// The intended use is unknown, and there is no terminal to ask on.
    #[error("the bundle does not say what it is meant for, and there is no terminal to ask on")]
    NoIntendedUse,
}

impl Failure for PrepareError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bundle(error) => error.help(),
            Self::Refused(error) => error.help(),
            Self::Key(error) => error.help(),
            Self::NoKey { key, .. } => Some(format!(
                "Make one, once: `emocue key new -o {}`; or name yours with --key FILE.",
                key.display()
            )),
            Self::NoIntendedUse => {
                let uses = USES.map(|text| format!("{text:?}")).join(", ");
                Some(format!("Use --intended-use TEXT: {uses}."))
            }
            Self::Write(_) | Self::IntendedUse => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Bundle(error) => error.exit_code(),
            Self::Refused(error) => error.exit_code(),
            Self::Key(error) => error.exit_code(),
            Self::Write(_) => exit::OUTPUT,
            Self::NoKey { .. } => exit::INPUT,
            Self::IntendedUse | Self::NoIntendedUse => exit::USAGE,
        }
    }
}

/// Checks the bundle with the content `bytes` from the file `path`, or the embedded one, and signs it if it is not
/// signed or has no intended use. The signed bundle is written beside it and is reused the next time, so that nothing
/// is asked twice. An existing file is not replaced.
///
/// # Errors
/// [`PrepareError`] when the bundle is invalid, a badge would refuse it, or it cannot be signed.
pub fn prepare(
    path: &Path,
    bytes: &[u8],
    options: &SigningOptions<'_>,
    console: &mut dyn FlashConsole,
) -> Result<PreparedBundle, PrepareError> {
    let name = path.display().to_string();
    let bundle = Bundle::read(bytes).map_err(in_bundle(path))?;
    let wanted = options.intended_use.map(checked_use).transpose()?;
    acceptance::check(path, &bundle)?;
    if fits(&bundle, wanted.as_deref(), options.key.map(SecretKey::public)) {
        return Ok(prepared(bytes, &bundle));
    }
    let own;
    let key = match options.key {
        Some(key) => Some(key),
        None => {
            own = match own_key(&name) {
                Err(_) if options.dry_run => None,
                key => Some(key?),
            };
            own.as_ref()
        }
    };
    let beside = signed_name(path);
    if let Some(signed) = key.and_then(|key| earlier(&beside, &bundle, wanted.as_deref(), key)) {
        console.say(&format!("{}: signed by you before, with its intended use", beside.display()));
        return Ok(signed);
    }
    let Some(key) = key.filter(|_| !options.dry_run) else {
        let unsigned =
            PreparedBundle { signer: None, intended_use: wanted, ..prepared(bytes, &bundle) };
        return Ok(unsigned);
    };
    console.say(LAW);
    let intended_use = match (wanted, stated_use(bundle.manifest())) {
        (Some(wanted), _) => wanted,
        (None, Some(stated)) => stated.to_owned(),
        (None, None) => {
            let answer = console.intended_use(&name).ok_or(PrepareError::NoIntendedUse)?;
            checked_use(&answer)?
        }
    };
    let changes = Changes { intended_use: Some(intended_use), content_version: None };
    let signed = sign_checked(&bundle, key, &changes)?;
    let kept = beside.display();
    if beside.exists() {
        console
            .say(&format!("{kept} is another bundle and stays; remove it to keep this signature"));
    } else {
        write_atomically(&beside, &signed).map_err(|error| PrepareError::Write(error.into()))?;
        console.say(&format!(
            "{kept}: the bundle as you signed it; flash it again without being asked"
        ));
    }
    let bundle = Bundle::read(&signed).map_err(in_bundle(path))?;
    Ok(prepared(&signed, &bundle))
}

/// Whether a bundle can be flashed unchanged.
fn fits(bundle: &Bundle<'_>, wanted: Option<&str>, signer: Option<PublicKey>) -> bool {
    let stated = stated_use(bundle.manifest());
    stated.is_some()
        && bundle.signer().is_some()
        && wanted.is_none_or(|wanted| stated == Some(wanted))
        && signer.is_none_or(|signer| bundle.signer() == Some(signer))
}

/// The intended use in a manifest.
fn stated_use(manifest: &Manifest) -> Option<&str> {
    let stated = manifest.provenance.get(INTENDED_USE);
    stated.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn prepared(bytes: &[u8], bundle: &Bundle<'_>) -> PreparedBundle {
    let manifest = bundle.manifest();
    PreparedBundle {
        bytes: bytes.to_vec(),
        title: format!("{} {}", manifest.name, manifest.content_version),
        signer: bundle.signer(),
        intended_use: stated_use(manifest).map(str::to_owned),
    }
}

/// A bundle that was signed earlier from the same one, if it fits.
fn earlier(
    beside: &Path,
    bundle: &Bundle<'_>,
    wanted: Option<&str>,
    key: &SecretKey,
) -> Option<PreparedBundle> {
    let bytes = files::read_at_most(beside, files::MAX_BINARY).ok()?;
    let signed = Bundle::read(&bytes).ok()?;
    let same = without_use(signed.manifest()) == without_use(bundle.manifest());
    (same && fits(&signed, wanted, Some(key.public()))).then(|| prepared(&bytes, &signed))
}

/// A manifest without its intended use.
fn without_use(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.provenance.remove(INTENDED_USE);
    manifest
}

/// An intended use, trimmed and checked.
fn checked_use(text: &str) -> Result<String, PrepareError> {
    let text = text.trim();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    let short = text.chars().count() <= MAX_USE;
    (plain && short).then(|| text.to_owned()).ok_or(PrepareError::IntendedUse)
}

/// The intended use in an answer to the question: the number of one in the list, or a text. `None` for an invalid
/// answer.
pub fn use_from_answer(answer: &str) -> Option<String> {
    let answer = answer.trim();
    match answer.parse::<usize>() {
        Ok(number) => USES.get(number.checked_sub(1)?).map(|text| (*text).to_owned()),
        Err(_) => checked_use(answer).ok(),
    }
}

/// The path of the signed bundle: beside the other, or in the current folder for the embedded one.
fn signed_name(path: &Path) -> PathBuf {
    let mut stem = path.to_owned();
    for extension in ["emocue", "signed"] {
        if stem.extension().is_some_and(|found| found == extension) {
            stem.set_extension("");
        }
    }
    let mut name = stem.into_os_string();
    name.push(".signed.emocue");
    name.into()
}

/// The default path of the user's key.
pub fn default_key() -> PathBuf {
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    // Without HOME it is the home of the system's list of users.
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let config = config.map(PathBuf::from).or_else(|| Some(home()?.join(".config")));
    config.unwrap_or_default().join("emocue").join("badge.key")
}

fn own_key(bundle: &str) -> Result<SecretKey, PrepareError> {
    let path = default_key();
    if !path.exists() {
        return Err(PrepareError::NoKey { bundle: bundle.to_owned(), key: path });
    }
    Ok(key::read_secret(&path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use emocue_models::bundle::DEFAULT;

    use crate::console::FlashProgress;

    #[derive(Default)]
    struct Recorder {
        answer: Option<&'static str>,
        lines: String,
    }

    impl FlashProgress for Recorder {
        fn say(&mut self, line: &str) {
            self.lines += line;
        }
    }

    impl FlashConsole for Recorder {
        fn intended_use(&mut self, _bundle: &str) -> Option<String> {
            self.answer.take().map(str::to_owned)
        }

        fn agrees(&mut self, _question: &str) -> Option<bool> {
            None
        }

        fn catch_interrupts(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A folder with an unsigned bundle, its name, and a key.
    fn folder() -> (tempfile::TempDir, PathBuf, SecretKey) {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("mine.emocue");
        let parsed = Bundle::read(DEFAULT).unwrap();
        let payloads: Vec<_> = parsed.payloads().collect();
        let manifest = without_use(parsed.manifest());
        std::fs::write(&bundle, Bundle::pack(manifest, &payloads).unwrap()).unwrap();
        let path = folder.path().join("badge.key");
        key::create(&path).unwrap();
        (folder, bundle, key::read_secret(&path).unwrap())
    }

    /// Prepares the bundle in the file `name`, giving `answer` to the question.
    fn prepare_file(
        name: &Path,
        options: &SigningOptions<'_>,
        answer: Option<&'static str>,
    ) -> (Result<PreparedBundle, PrepareError>, String) {
        let mut console = Recorder { answer, ..Recorder::default() };
        let prepared = prepare(name, &std::fs::read(name).unwrap(), options, &mut console);
        (prepared, console.lines)
    }

    #[test]
    fn asks_once_and_signs_beside() {
        let (folder, name, key) = folder();
        let options = SigningOptions { key: Some(&key), ..SigningOptions::default() };
        let (first, lines) = prepare_file(&name, &options, Some(" my own cue "));
        let first = first.unwrap();
        assert!(lines.contains("Art. 5(1)(f)") && lines.contains("mine.signed.emocue"));
        assert_eq!(first.intended_use.as_deref(), Some("my own cue"));
        assert!(first.signer.is_some());
        let signed = folder.path().join("mine.signed.emocue");
        assert_eq!(std::fs::read(&signed).unwrap(), first.bytes);
        // Neither for the bundle nor for the signed one beside it is the question asked again.
        assert_eq!(prepare_file(&name, &options, None).0.unwrap(), first);
        assert_eq!(prepare_file(&signed, &SigningOptions::default(), None).0.unwrap(), first);
    }

    #[test]
    fn another_use_or_another_bundle_is_signed_again() {
        let (_folder, name, key) = folder();
        let options = SigningOptions { key: Some(&key), ..SigningOptions::default() };
        prepare_file(&name, &options, Some("my own cue")).0.unwrap();
        let other = SigningOptions { intended_use: Some("building and testing"), ..options };
        let beside = signed_name(&name);
        let first = std::fs::read(&beside).unwrap();
        let (second, lines) = prepare_file(&name, &other, None);
        assert_eq!(second.unwrap().intended_use.as_deref(), Some("building and testing"));
        assert!(lines.contains("is another bundle and stays"), "{lines}");
        assert_eq!(std::fs::read(&beside).unwrap(), first);
        let bytes = std::fs::read(&name).unwrap();
        let bundle = Bundle::read(&bytes).unwrap();
        let manifest = Manifest { content_version: 99, ..bundle.manifest().clone() };
        let payloads: Vec<_> = bundle.payloads().collect();
        std::fs::write(&name, Bundle::pack(manifest, &payloads).unwrap()).unwrap();
        let refused = prepare_file(&name, &options, None).0.unwrap_err();
        assert!(matches!(refused, PrepareError::NoIntendedUse));
        assert!(refused.help().unwrap().contains("practice and teaching games"), "{refused}");
    }

    #[test]
    fn a_dry_run_asks_and_writes_nothing() {
        let (folder, name, key) = folder();
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let options =
            SigningOptions { key: Some(&key), dry_run: true, ..SigningOptions::default() };
        let dry = prepare_file(&name, &options, None).0.unwrap();
        assert_eq!((dry.signer, dry.intended_use), (None, None));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    }

    #[test]
    fn answers_are_numbers_or_words() {
        assert_eq!(use_from_answer("2\n").as_deref(), Some("with a person I support, who agreed"));
        assert_eq!(use_from_answer(" at home ").as_deref(), Some("at home"));
        for nothing in ["", " \n", "0", "5", "a\tb", &"x".repeat(MAX_USE + 1)] {
            assert_eq!(use_from_answer(nothing), None, "{nothing:?}");
        }
        assert_eq!(signed_name(Path::new("a/b.emocue")), Path::new("a/b.signed.emocue"));
        assert_eq!(signed_name(Path::new("a/b.signed.emocue")), Path::new("a/b.signed.emocue"));
        assert_eq!(signed_name(Path::new("default")), Path::new("default.signed.emocue"));
    }
}
