//! Settings that were received over the link: in the state folder, where they override the configuration's file, which
//! belongs to the owner of the badge and not to its service.
//!
//! ```text
//! STATE/settings.toml     the settings received last, after a line with the configuration's SHA-256
//! STATE/settings.before   the previous settings, while the new ones are not confirmed; empty for none
//! STATE/settings.starts   how often a program may still start with the new ones, one digit
//! ```
//!
//! A change of the configuration's file replaces them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use emocue_config::{Config, ConfigError};
use emocue_link::consent::Ask;
use emocue_models::bundle::Sha256;
use emocue_models::failure::line;

use super::hub::Hub;
use super::job::Programs;
use crate::slots::consent::ConsentChannel;
use crate::slots::{TRIALS, read_file, replace_file};

/// Longest settings that are read, bytes.
const LONGEST: u64 = 1 << 20;

/// The beginning of the first line of settings; the SHA-256 of the configuration follows.
const HEAD: &str = "# came through the link, over the configuration with SHA-256 ";

/// Held while the two files change: the link accepts settings while the badge confirms others.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    // The files are consistent after each change.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path of the settings in use.
pub(crate) fn taken(state: &Path) -> PathBuf {
    state.join("settings.toml")
}

/// The path of the previous settings until the new ones are confirmed.
fn before(state: &Path) -> PathBuf {
    state.join("settings.before")
}

/// The effective configuration of a badge.
#[derive(Clone, Debug)]
pub struct EffectiveConfig {
    /// Its values.
    pub config: Config,
    /// The text that was given last: that of the settings, else that of the file.
    pub text: String,
    /// Keys that were received over the link, as `section.key`.
    pub by_cable: Vec<String>,
    /// Why settings that were received over the link are not used.
    pub note: Option<String>,
}

/// Reads the configuration in `file`, overridden by the settings in the state folder, which is the configuration's own
/// if `state` is `None`. Settings that do not match the file are ignored.
///
/// # Errors
/// [`ConfigError`] for the file.
pub fn read(file: &Path, state: Option<&Path>) -> Result<EffectiveConfig, ConfigError> {
    let config = Config::read(file)?;
    let base = fs::read_to_string(file).unwrap_or_default();
    let settings = settings(state.unwrap_or(&config.update.state));
    let own = |(head, text): (&str, &str)| (head.to_owned(), text.to_owned());
    let why = match settings.map(|settings| settings.split_once('\n').map(own)) {
        Ok(None) => None,
        Ok(Some((head, text))) if head == self::head(&base) => {
            match Config::parse_over(&base, "settings.toml", &text) {
                Ok(config) => {
                    let by_cable = Config::keys_of(&text);
                    return Ok(EffectiveConfig { config, text, by_cable, note: None });
                }
                Err(error) => Some(line(&error)),
            }
        }
        Ok(Some(_)) => Some(format!("{} was changed after them", file.display())),
        Err(error) => Some(error.to_string()),
    };
    let note = why.map(|why| format!("settings that came through the link are not used: {why}"));
    Ok(EffectiveConfig { config, text: base, by_cable: Vec::new(), note })
}

/// The text of the settings; empty if there are none.
fn settings(state: &Path) -> io::Result<String> {
    match read_file(&taken(state), LONGEST) {
        Ok(bytes) => String::from_utf8(bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The first line of settings for this configuration.
fn head(base: &str) -> String {
    format!("{HEAD}{}", Sha256::of(base.as_bytes()))
}

/// Accepts the settings in `file`, if they are valid, change only what the link may change, and the wearer agrees.
pub(super) fn take(file: &Path, programs: &Programs, hub: &Hub) -> Result<String, String> {
    let Programs { config, state, .. } = programs;
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let old = read(config, Some(state)).map_err(|error| line(&error))?;
    if old.text == text {
        return Ok("the badge has these settings already".to_owned());
    }
    let base = fs::read_to_string(config)
        .map_err(|error| format!("cannot read {}: {error}", config.display()))?;
    Config::check_over(&base, "the new configuration", &text).map_err(|error| line(&error))?;
    let asked = ConsentChannel::new(state).ask(
        Ask::NewSettings,
        [0; 32],
        Sha256::of(text.as_bytes()).0,
        |_| (),
    );
    asked.map_err(|error| format!("the settings stay as they are: {}", line(&error)))?;
    let path = taken(state);
    let write = || -> io::Result<()> {
        let _turn = turn();
        // If other settings are not confirmed yet, the ones before those are the last known good ones.
        if !is_waiting(state) {
            replace_file(&before(state), settings(state).unwrap_or_default().as_bytes())?;
        }
        forget_starts(state)?;
        replace_file(&path, format!("{}\n{text}", head(&base)).as_bytes())
    };
    write().map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    hub.start_anew();
    Ok("the badge tries the new settings; a changed [link] port counts from its next start"
        .to_owned())
}

/// Whether new settings wait for confirmation.
pub fn is_waiting(state: &Path) -> bool {
    before(state).exists()
}

/// Settings that a badge runs with and that wait for confirmation.
#[derive(Debug)]
pub struct Unproven {
    state: PathBuf,
    /// The file's content.
    text: String,
}

impl Unproven {
    /// Those in `state`, if there are such.
    pub fn of(state: &Path) -> Option<Self> {
        let _turn = turn();
        let text = is_waiting(state).then(|| settings(state).ok())??;
        Some(Self { state: state.to_owned(), text })
    }

    /// Confirms them, unless others were accepted meanwhile.
    ///
    /// # Errors
    /// The system's error; they stay unconfirmed.
    pub fn keep(self) -> io::Result<()> {
        let _turn = turn();
        match settings(&self.state) {
            Ok(text) if text == self.text => {
                fs::remove_file(before(&self.state))?;
                forget_starts(&self.state)
            }
            _ => Ok(()),
        }
    }
}

/// Rolls back to the previous settings, if new ones wait for confirmation; returns whether there were such.
pub fn give_up(state: &Path) -> bool {
    let _turn = turn();
    let _ = forget_starts(state);
    fs::rename(before(state), taken(state)).is_ok()
}

/// Counts a start of a program if new settings wait for confirmation; `false` if they have had [`TRIALS`] starts. A
/// number that cannot be written is not counted.
pub fn count_start(state: &Path) -> bool {
    let _turn = turn();
    if !is_waiting(state) {
        return true;
    }
    let left = match read_file(&starts(state), 1) {
        Ok(digit) => digit.first().map_or(0, |digit| digit.saturating_sub(b'0').min(TRIALS)),
        Err(_) => TRIALS,
    };
    if left > 0 {
        let _ = replace_file(&starts(state), &[b'0' + left - 1]);
    }
    left > 0
}

/// The file with the number of starts that are left to new settings.
fn starts(state: &Path) -> PathBuf {
    state.join("settings.starts")
}

fn forget_starts(state: &Path) -> io::Result<()> {
    match fs::remove_file(starts(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lab(tempfile::TempDir);

    impl Lab {
        fn new() -> Self {
            let lab = Self(tempfile::tempdir().unwrap());
            fs::write(lab.file(), "[led]\nbrightness = 30\n[pace]\nfps = 5.0\n").unwrap();
            lab
        }

        fn file(&self) -> PathBuf {
            self.0.path().join("emocue.toml")
        }

        fn put(&self, text: &str) {
            let base = fs::read_to_string(self.file()).unwrap();
            fs::write(taken(self.0.path()), format!("{}\n{text}", head(&base))).unwrap();
        }

        fn read(&self) -> EffectiveConfig {
            read(&self.file(), Some(self.0.path())).unwrap()
        }
    }

    #[test]
    fn settings_are_laid_over_the_file_until_that_is_changed() {
        let lab = Lab::new();
        assert_eq!((lab.read().config.led.brightness, lab.read().note), (30, None));
        lab.put("[led]\nbrightness = 50\n");
        let found = lab.read();
        assert_eq!((found.config.led.brightness, found.config.pace.fps), (50, 5.0));
        assert_eq!((found.text.as_str(), found.note), ("[led]\nbrightness = 50\n", None));
        assert_eq!(found.by_cable, ["led.brightness"]);
        fs::write(lab.file(), "[led]\nbrightness = 31\n").unwrap();
        let found = lab.read();
        assert_eq!(found.config.led.brightness, 31);
        assert!(found.note.unwrap().contains("was changed after them"));
    }

    #[test]
    fn only_the_settings_that_the_badge_runs_with_are_confirmed() {
        let lab = Lab::new();
        let state = lab.0.path();
        assert!(Unproven::of(state).is_none());
        lab.put("[led]\nbrightness = 50\n");
        fs::write(before(state), "").unwrap();
        let unproven = Unproven::of(state).unwrap();
        // Others are accepted in the moment in which these are confirmed.
        lab.put("[led]\nbrightness = 60\n");
        unproven.keep().unwrap();
        assert!(is_waiting(state));
        Unproven::of(state).unwrap().keep().unwrap();
        assert!(!is_waiting(state) && !give_up(state));
    }

    #[test]
    fn new_settings_have_three_starts_to_be_confirmed() {
        let lab = Lab::new();
        let state = lab.0.path();
        assert!(count_start(state) && !starts(state).exists(), "nothing to confirm");
        let wait = || {
            lab.put("[led]\nbrightness = 50\n");
            fs::write(before(state), "").unwrap();
        };
        wait();
        assert_eq!([(); 5].map(|()| count_start(state)), [true, true, true, false, false]);
        assert!(give_up(state) && !starts(state).exists());
        assert_eq!(lab.read().config.led.brightness, 30);
        // The next ones have as many, also after damage to the file.
        wait();
        assert!(count_start(state));
        fs::write(starts(state), "\u{ff}").unwrap();
        assert!(count_start(state));
        fs::write(starts(state), "").unwrap();
        assert!(!count_start(state));
        Unproven::of(state).unwrap().keep().unwrap();
        assert!(count_start(state) && !starts(state).exists());
    }

    #[test]
    fn settings_that_cannot_be_read_are_left_out_and_told() {
        let lab = Lab::new();
        let command = "[camera]\nsource = \"pipe:touch planted\"\n";
        for text in ["[led]\nbrightness = 500\n", "[led\n", "[future]\nkey = 1\n", command] {
            lab.put(text);
            let found = lab.read();
            assert_eq!(found.config.led.brightness, 30);
            assert!(found.note.unwrap().contains("settings.toml:"), "{text}");
        }
        // Without the first line, it is unknown to which configuration they belong.
        fs::write(taken(lab.0.path()), "[led]\nbrightness = 50\n").unwrap();
        assert_eq!(lab.read().config.led.brightness, 30);
        let is_told = |what: &str| {
            let found = lab.read();
            assert_eq!(found.config.led.brightness, 30);
            assert!(found.note.unwrap().contains(what), "{what}");
        };
        fs::write(taken(lab.0.path()), [0xff, 0xfe]).unwrap();
        is_told("utf-8");
        fs::remove_file(taken(lab.0.path())).unwrap();
        fs::create_dir(taken(lab.0.path())).unwrap();
        is_told("not a regular file");
    }

    #[test]
    fn settings_that_do_not_work_make_way_for_those_before() {
        let lab = Lab::new();
        let state = lab.0.path();
        assert!(!is_waiting(state) && !give_up(state));
        lab.put("[led]\nbrightness = 50\n");
        // None were used before.
        fs::write(before(state), "").unwrap();
        assert!(is_waiting(state) && give_up(state));
        assert!(!is_waiting(state) && !give_up(state));
        assert_eq!((lab.read().config.led.brightness, lab.read().note), (30, None));
        lab.put("[led]\nbrightness = 60\n");
        fs::write(before(state), "").unwrap();
        Unproven::of(state).unwrap().keep().unwrap();
        assert!(!is_waiting(state) && lab.read().config.led.brightness == 60);
    }
}
