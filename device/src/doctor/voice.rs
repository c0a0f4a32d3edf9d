//! Whether a voice has its player and its sound files.

use emocue_config::Config;
use emocue_models::label::Expression;

use super::CheckOutcome;
use super::host::Host;
use crate::answer::Answer;
use crate::cue::sound_file;

/// The player, then the files.
pub(super) fn check(host: &Host, config: &Config) -> CheckOutcome {
    let voice = &config.voice;
    if !voice.enabled {
        return CheckOutcome::skip("switched off by the configuration");
    }
    let program = voice.player.name();
    let folders = (host.variable)("PATH").unwrap_or_default();
    if !std::env::split_paths(&folders).any(|folder| host.has(folder.join(program))) {
        let package = voice.player.package();
        return CheckOutcome::problem(
            format!("the player {program} is not installed"),
            format!("sudo apt install {package}, or name another player under [voice]"),
        );
    }
    let names = Expression::ALL.iter().filter_map(|it| sound_file(Answer::Looks(*it)));
    let missing: Vec<_> = names.filter(|name| !host.has(voice.folder.join(name))).collect();
    let folder = voice.folder.display();
    if missing.is_empty() {
        return CheckOutcome::ok(format!("{program} plays what is in {folder}"));
    }
    CheckOutcome::problem(
        format!("{folder} has no {}", missing.join(", ")),
        format!(
            "on a computer: emocue voice --language {} --to voice, and copy its files to {folder}",
            config.panel.language
        ),
    )
}
