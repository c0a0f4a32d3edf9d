//! Making a bundle ready: whole, with a model card, signed, and saying what it is meant for.

use std::path::{Path, PathBuf};

use emocue_models::bundle::{Bundle, Manifest, PublicKey, SecretKey, bytes_of, in_bundle};

use super::FlashError;
use crate::key;
use crate::sign::{Changes, INTENDED_USE, sign};
use emocue_models::files::write_atomically;

/// What a bundle may be meant for; anything else in its owner's own words.
pub const USES: [&str; 4] = [
    "my own cue",
    "with a person I support, who agreed",
    "practice and teaching games",
    "building and testing",
];

/// Most characters of an intended use.
pub const MAX_USE: usize = 200;

/// The law, told whenever an intended use is recorded.
pub const LAW: &str = "\
In the European Union, using an AI system to infer emotions of a person at the workplace or in education institutions
is prohibited, except for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f)). This is a fact
to know and no legal advice; docs/responsible-use.md says more.";

/// A bundle that is ready to be flashed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name and release.
    pub title: String,
    /// Who signed it; nobody did yet in a dry run.
    pub signer: Option<PublicKey>,
    /// What it is meant for, unless that is still to be asked.
    pub intended_use: Option<String>,
}

/// How a bundle is made ready.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The key to sign with; where it is not named, [`default_key`].
    pub key: Option<PathBuf>,
    /// What it is meant for; where it is not said, what the bundle says, else the answer to a question.
    pub intended_use: Option<String>,
    /// Nothing is asked and written.
    pub dry_run: bool,
}

/// What making a bundle ready asks and tells.
pub trait Owner {
    /// What the bundle is meant for.
    ///
    /// # Errors
    /// [`FlashError::NoIntendedUse`] when there is nobody to ask.
    fn intended_use(&mut self, bundle: &str) -> Result<String, FlashError>;

    /// A line for people.
    fn say(&mut self, line: &str);
}

/// Reads the bundle in the file `name`, or the default one, and signs it where it is not signed or does not say what
/// it is meant for. What was signed lies beside it then, and is used the next time, so that nothing is asked twice.
///
/// # Errors
/// [`FlashError`] when the bundle cannot be read, has no card, or cannot be signed.
pub fn prepare(name: &str, wishes: &Wishes, owner: &mut dyn Owner) -> Result<Ready, FlashError> {
    let bytes = bytes_of(name)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(name))?;
    if bundle.manifest().card.trim().is_empty() {
        return Err(FlashError::NoCard(name.to_owned()));
    }
    let wanted = wishes.intended_use.as_deref().map(checked_use).transpose()?;
    let given = wishes.key.as_deref().map(key::read_secret).transpose()?;
    if fits(&bundle, wanted.as_deref(), given.as_ref().map(SecretKey::public)) {
        return Ok(ready(&bytes, &bundle));
    }
    let secret = given.map_or_else(|| own_key(name), Ok);
    let secret = match secret {
        Err(_) if wishes.dry_run => None,
        secret => Some(secret?),
    };
    let beside = signed_name(name);
    if let Some(signed) =
        secret.as_ref().and_then(|key| earlier(&beside, &bundle, wanted.as_deref(), key))
    {
        owner.say(&format!("{}: signed by you before, with its intended use", beside.display()));
        return Ok(signed);
    }
    let Some(secret) = secret.filter(|_| !wishes.dry_run) else {
        let unsigned = Ready { signer: None, intended_use: wanted, ..ready(&bytes, &bundle) };
        return Ok(unsigned);
    };
    owner.say(LAW);
    let intended_use = match (wanted, said(bundle.manifest())) {
        (Some(wanted), _) => wanted,
        (None, Some(said)) => said.to_owned(),
        (None, None) => checked_use(&owner.intended_use(name)?)?,
    };
    let changes = Changes { intended_use: Some(intended_use), content_version: None };
    let signed = sign(&bytes, &secret, &changes)?;
    write_atomically(&beside, &signed).map_err(FlashError::WriteSigned)?;
    owner.say(&format!(
        "{}: the bundle as you signed it; flash it again without being asked",
        beside.display()
    ));
    let bundle = Bundle::read(&signed).map_err(in_bundle(name))?;
    Ok(ready(&signed, &bundle))
}

/// Whether a bundle is flashed as it is.
fn fits(bundle: &Bundle<'_>, wanted: Option<&str>, signer: Option<PublicKey>) -> bool {
    let said = said(bundle.manifest());
    said.is_some()
        && bundle.signer().is_some()
        && wanted.is_none_or(|wanted| said == Some(wanted))
        && signer.is_none_or(|signer| bundle.signer() == Some(signer))
}

/// What a manifest says it is meant for.
fn said(manifest: &Manifest) -> Option<&str> {
    let said = manifest.provenance.get(INTENDED_USE);
    said.map(|said| said.trim()).filter(|said| !said.is_empty())
}

fn ready(bytes: &[u8], bundle: &Bundle<'_>) -> Ready {
    let manifest = bundle.manifest();
    Ready {
        bytes: bytes.to_vec(),
        title: format!("{} {}", manifest.name, manifest.content_version),
        signer: bundle.signer(),
        intended_use: said(manifest).map(str::to_owned),
    }
}

/// What was signed before from the same bundle, if it fits.
fn earlier(
    beside: &Path,
    bundle: &Bundle<'_>,
    wanted: Option<&str>,
    key: &SecretKey,
) -> Option<Ready> {
    let bytes = std::fs::read(beside).ok()?;
    let signed = Bundle::read(&bytes).ok()?;
    let same = unsaid(signed.manifest()) == unsaid(bundle.manifest());
    (same && fits(&signed, wanted, Some(key.public()))).then(|| ready(&bytes, &signed))
}

/// A manifest without what it is meant for.
fn unsaid(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.provenance.remove(INTENDED_USE);
    manifest
}

/// An intended use as it is recorded.
fn checked_use(text: &str) -> Result<String, FlashError> {
    let text = text.trim();
    let plain = !text.is_empty() && !text.chars().any(char::is_control);
    let short = text.chars().count() <= MAX_USE;
    (plain && short).then(|| text.to_owned()).ok_or(FlashError::IntendedUse)
}

/// What an answer to the question means: a number of the list, or own words.
pub fn chosen(answer: &str) -> Option<String> {
    let answer = answer.trim();
    match answer.parse::<usize>() {
        Ok(number) => USES.get(number.checked_sub(1)?).map(|text| (*text).to_owned()),
        Err(_) => checked_use(answer).ok(),
    }
}

/// Where the signed bundle is written: beside the other, or here for the one inside the program.
fn signed_name(name: &str) -> PathBuf {
    let stem = name.strip_suffix(".emocue").unwrap_or(name);
    let stem = stem.strip_suffix(".signed").unwrap_or(stem);
    PathBuf::from(format!("{stem}.signed.emocue"))
}

/// Where the user's own key lies.
pub fn default_key() -> PathBuf {
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let config = config
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
    config.unwrap_or_default().join("emocue").join("badge.key")
}

fn own_key(bundle: &str) -> Result<SecretKey, FlashError> {
    let path = default_key();
    if !path.exists() {
        return Err(FlashError::NoKey { bundle: bundle.to_owned(), key: path });
    }
    Ok(key::read_secret(&path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use emocue_models::bundle::DEFAULT;

    struct Told {
        answer: Option<&'static str>,
        said: String,
    }

    impl Owner for Told {
        fn intended_use(&mut self, _bundle: &str) -> Result<String, FlashError> {
            self.answer.take().map(str::to_owned).ok_or(FlashError::NoIntendedUse)
        }

        fn say(&mut self, line: &str) {
            self.said += line;
        }
    }

    fn told(answer: Option<&'static str>) -> Told {
        Told { answer, said: String::new() }
    }

    /// A folder with an unsigned bundle and a key.
    fn folder() -> (tempfile::TempDir, String, Wishes) {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("mine.emocue");
        let parsed = Bundle::read(DEFAULT).unwrap();
        let payloads: Vec<_> = parsed.payloads().collect();
        let manifest = unsaid(parsed.manifest());
        std::fs::write(&bundle, Bundle::pack(manifest, &payloads).unwrap()).unwrap();
        let path = folder.path().join("badge.key");
        key::create(&path).unwrap();
        let wishes = Wishes { key: Some(path), ..Wishes::default() };
        let name = bundle.to_str().unwrap().to_owned();
        (folder, name, wishes)
    }

    #[test]
    fn asks_once_and_signs_beside() {
        let (folder, name, wishes) = folder();
        let mut owner = told(Some(" my own cue "));
        let first = prepare(&name, &wishes, &mut owner).unwrap();
        assert!(owner.said.contains("Art. 5(1)(f)") && owner.said.contains("mine.signed.emocue"));
        assert_eq!(first.intended_use.as_deref(), Some("my own cue"));
        assert!(first.signer.is_some());
        let signed = folder.path().join("mine.signed.emocue");
        assert_eq!(std::fs::read(&signed).unwrap(), first.bytes);
        // Neither the bundle nor the signed one beside it is asked for again.
        assert_eq!(prepare(&name, &wishes, &mut told(None)).unwrap(), first);
        let name = signed.to_str().unwrap();
        assert_eq!(prepare(name, &Wishes::default(), &mut told(None)).unwrap(), first);
    }

    #[test]
    fn another_use_or_another_bundle_is_signed_again() {
        let (_folder, name, wishes) = folder();
        prepare(&name, &wishes, &mut told(Some("my own cue"))).unwrap();
        let other = Wishes { intended_use: Some("building and testing".into()), ..wishes.clone() };
        let second = prepare(&name, &other, &mut told(None)).unwrap();
        assert_eq!(second.intended_use.as_deref(), Some("building and testing"));
        let bytes = std::fs::read(&name).unwrap();
        let bundle = Bundle::read(&bytes).unwrap();
        let manifest = Manifest { content_version: 99, ..bundle.manifest().clone() };
        let payloads: Vec<_> = bundle.payloads().collect();
        std::fs::write(&name, Bundle::pack(manifest, &payloads).unwrap()).unwrap();
        let refused = prepare(&name, &wishes, &mut told(None)).unwrap_err();
        assert!(matches!(refused, FlashError::NoIntendedUse));
        assert!(refused.to_string().contains("practice and teaching games"), "{refused}");
    }

    #[test]
    fn a_dry_run_asks_and_writes_nothing() {
        let (folder, name, wishes) = folder();
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let dry = prepare(&name, &Wishes { dry_run: true, ..wishes }, &mut told(None)).unwrap();
        assert_eq!((dry.signer, dry.intended_use), (None, None));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    }

    #[test]
    fn answers_are_numbers_or_words() {
        assert_eq!(chosen("2\n").as_deref(), Some("with a person I support, who agreed"));
        assert_eq!(chosen(" at home ").as_deref(), Some("at home"));
        for nothing in ["", " \n", "0", "5", "a\tb", &"x".repeat(MAX_USE + 1)] {
            assert_eq!(chosen(nothing), None, "{nothing:?}");
        }
        assert_eq!(signed_name("a/b.emocue"), Path::new("a/b.signed.emocue"));
        assert_eq!(signed_name("a/b.signed.emocue"), Path::new("a/b.signed.emocue"));
        assert_eq!(signed_name("default"), Path::new("default.signed.emocue"));
    }
}
