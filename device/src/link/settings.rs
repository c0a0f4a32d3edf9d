//! Other settings from a host: taken when the wearer agrees, and given up when the badge cannot run with them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::hub::Hub;
use super::job::Programs;
use crate::slots::consent::ConsentChannel;
use crate::slots::replace_file;
use emocue_config::Config;
use emocue_link::consent::Ask;
use emocue_models::bundle::manifest::Sha256;
use emocue_models::failure::line;

/// Where the settings before lie until the new ones have proved themselves.
fn before(config: &Path) -> PathBuf {
    let mut name = config.as_os_str().to_owned();
    name.push(".before");
    name.into()
}

/// Takes the settings in `file`, if they are possible and the wearer agrees: a configuration can start programs and
/// trust keys.
pub(super) fn take(file: &Path, programs: &Programs, hub: &Hub) -> Result<String, String> {
    let config = &programs.config;
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let old =
        fs::read(config).map_err(|error| format!("cannot read {}: {error}", config.display()))?;
    if old == text.as_bytes() {
        return Ok("the badge has these settings already".to_owned());
    }
    Config::check("the new configuration", &text).map_err(|error| line(&error))?;
    let sha256 = Sha256::of(text.as_bytes()).0;
    let asked = ConsentChannel::new(&programs.state).ask(Ask::NewSettings, [0; 32], sha256, |_| ());
    asked.map_err(|error| format!("the settings stay as they are: {}", line(&error)))?;
    let write = || -> io::Result<()> {
        // Where others wait to prove themselves, the ones before those are what is known to work.
        if !is_waiting(config) {
            replace_file(&before(config), &old)?;
        }
        replace_file(config, text.as_bytes())
    };
    write().map_err(|error| {
        let path = config.display();
        format!("cannot write {path}: {error}; the badge's user needs to own that folder")
    })?;
    hub.start_anew();
    Ok("the badge tries the new settings; a changed [link] port counts from its next start"
        .to_owned())
}

/// Whether new settings wait to prove themselves.
pub fn is_waiting(config: &Path) -> bool {
    before(config).exists()
}

/// They have proved themselves.
///
/// # Errors
/// The system's own; they stay unproven.
pub fn keep(config: &Path) -> io::Result<()> {
    fs::remove_file(before(config))
}

/// Returns to the settings before, where there are such; whether there are.
pub fn give_up(config: &Path) -> bool {
    fs::rename(before(config), config).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_work_make_way_for_those_before() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("emocue.toml");
        fs::write(&config, "new").unwrap();
        assert!(!is_waiting(&config) && !give_up(&config));
        fs::write(before(&config), "old").unwrap();
        assert!(is_waiting(&config) && give_up(&config));
        assert_eq!(fs::read(&config).unwrap(), b"old");
        assert!(!is_waiting(&config));
        fs::write(before(&config), "older").unwrap();
        keep(&config).unwrap();
        assert!(!give_up(&config));
        assert_eq!(fs::read(&config).unwrap(), b"old");
    }
}
