//! What settings that are received over the link may not change, even if the wearer agrees: the keys that the badge
//! trusts, the key of its journals, the programs that it starts, the paths of its files, and its place of use.

use crate::config::Config;
use crate::language::is_file;
use crate::source::is_command;

/// A key, and whether the second configuration may replace the first one over the link.
type Rule = (&'static str, fn(&Config, &Config) -> bool);

const RULES: &[Rule] = &[
    ("use", |old, new| old.use_place == new.use_place),
    ("reason", |old, new| old.reason == new.reason),
    ("pictures.enabled", |old, new| old.pictures.enabled || !new.pictures.enabled),
    ("update.keys", |old, new| old.update.keys == new.update.keys),
    ("update.state", |old, new| old.update.state == new.update.state),
    ("journal.key", |old, new| old.journal.key == new.journal.key),
    // The signature of a bundle in a file is not checked.
    ("look.bundle", |old, new| old.look.bundle == new.look.bundle),
    // Error messages quote the invalid line of a file, whatever file it is.
    ("panel.language", |old, new| {
        old.panel.language == new.panel.language || !is_file(&new.panel.language)
    }),
    ("screen.framebuffer", |old, new| old.screen.framebuffer == new.screen.framebuffer),
    // The voice starts a program, so it can be disabled over the link but not enabled.
    ("voice.enabled", |old, new| old.voice.enabled || !new.voice.enabled),
    ("voice.folder", |old, new| old.voice.folder == new.voice.folder),
    ("voice.player", |old, new| old.voice.player == new.voice.player),
    ("camera.source", |old, new| {
        old.camera.source == new.camera.source || !is_command(&new.camera.source)
    }),
];

/// The first key that keeps `new` from following `old`.
pub(crate) fn refused(old: &Config, new: &Config) -> Option<&'static str> {
    RULES.iter().find(|(_, may_follow)| !may_follow(old, new)).map(|(key, _)| *key)
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::SecretKey;

    use super::*;

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    /// RFC 9180, appendix A.2.1.
    const JOURNAL: &str = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";

    fn check(below: &str, text: &str) -> Result<Config, String> {
        Config::check_over(below, "new.toml", text).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_laid_over_those_below_key_by_key() {
        let below = "board = \"pi-4\"\n[led]\nbrightness = 30\n[pace]\nfps = 5.0\nhot_c = 90.0\n";
        let config = check(below, "[pace]\nfps = 9.0\n").unwrap();
        assert_eq!((config.pace.fps, config.pace.hot_c), (9.0, 90.0));
        assert_eq!((config.led.brightness, config.camera.source.as_str()), (30, "pipe:rpicam"));
        let error = check(below, "\n[pace]\nhot_c = 20.0\n").unwrap_err();
        assert!(error.starts_with("new.toml:"), "{error}");
        let error = check(below, "[pace]\nfsp = 9.0\n").unwrap_err();
        assert!(error.starts_with("new.toml:2:1: unknown key"), "{error}");
    }

    #[test]
    fn keys_are_named_with_their_sections_in_the_texts_order() {
        let text = "board = \"pi-4\"\npace.fps = 9.0\n[led]\nbrightness = 30\n[pins]\nled = { line = 4 }\n";
        assert_eq!(Config::keys_of(text), ["board", "pace.fps", "led.brightness", "pins.led"]);
        assert!(Config::keys_of("[led").is_empty());
    }

    #[test]
    fn trust_commands_and_places_of_files_stay_as_they_are() {
        let other = SecretKey::from_seed(&[1; 32]).public();
        let below = format!("[update]\nkeys = [\"{KEY}\"]\n[camera]\nsource = \"pipe:cat x\"\n");
        for (text, key) in [
            ("\nuse = \"workplace\"\n".to_owned(), "use"),
            ("\nreason = \"medical\"\n".into(), "reason"),
            ("[pictures]\nenabled = true\n".into(), "pictures.enabled"),
            ("[update]\nkeys = []\n".into(), "update.keys"),
            (format!("[update]\nkeys = [\"{KEY}\", \"{other}\"]\n"), "update.keys"),
            ("[update]\nstate = \"/tmp/x\"\n".into(), "update.state"),
            (format!("[journal]\nkey = \"{JOURNAL}\"\n"), "journal.key"),
            ("[look]\nbundle = \"/tmp/x.emocue\"\n".into(), "look.bundle"),
            ("[panel]\nlanguage = \"/tmp/x.toml\"\n".into(), "panel.language"),
            ("[screen]\nframebuffer = \"/dev/sda\"\n".into(), "screen.framebuffer"),
            ("[voice]\nenabled = true\n".into(), "voice.enabled"),
            ("[voice]\nfolder = \"/var/lib/x\"\n".into(), "voice.folder"),
            ("[voice]\nplayer = \"paplay\"\n".into(), "voice.player"),
            ("[camera]\nsource = \"pipe:cat y\"\n".into(), "camera.source"),
            ("[camera]\nsource = \"pipe:rpicam; sh\"\n".into(), "camera.source"),
            ("[camera]\nsource = \"pipe:?format=grey&size=64x64 sh\"\n".into(), "camera.source"),
        ] {
            let error = check(&below, &text).unwrap_err();
            assert!(error.starts_with("new.toml:2:"), "{error}");
            assert!(error.contains(&format!("{key} cannot be changed through a cable")), "{error}");
            // Nor if they are in the badge's folder already, which its service can write.
            assert!(Config::parse_over(&below, "settings.toml", &text).is_err());
        }
        for text in [
            format!("[update]\nkeys = [\"{KEY}\"]\nhealthy_s = 30\n"),
            "[journal]\nkey = \"none\"\nminutes = 5\n".into(),
            "[camera]\nsource = \"pipe:cat x\"\n".into(),
            "[panel]\nlanguage = \"el\"\n".into(),
            "[camera]\nsource = \"pipe:rpicam?size=320x240\"\n".into(),
            "[screen]\nenabled = true\nrotate = 90\n".into(),
            "[voice]\nenabled = false\nevery_s = 9\n".into(),
            "[camera]\nsource = \"pipe:gst-argus\"\n".into(),
            "[camera]\nsource = \"v4l2:/dev/video0\"\n".into(),
            String::new(),
        ] {
            check(&below, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn a_voice_is_switched_off_through_a_cable_and_not_on() {
        let (on, off) = ("[voice]\nenabled = true\n", "[voice]\nenabled = false\n");
        assert!(!check(on, off).unwrap().voice.enabled);
        assert!(check(on, on).unwrap().voice.enabled);
        assert!(check(off, on).unwrap_err().contains("voice.enabled cannot be changed"));
    }
}
