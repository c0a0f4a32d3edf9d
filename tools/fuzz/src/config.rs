//! The badge's configuration, and the text that names a camera.

use emocue_config::source::presets;
use emocue_config::{BOARDS, Config, ConfigError, LANGUAGES, Language, Source, TextSlot};
use emocue_models::failure::{self, Failure};

use crate::FuzzTarget;

/// A configuration file.
pub const CONFIG: FuzzTarget = FuzzTarget {
    name: "config",
    what: "a configuration: what is read writes itself, and reads back the same",
    run: config,
    seeds: || {
        let mut seeds: Vec<Vec<u8>> = vec![
            include_bytes!("../../../device/boards/example.toml").to_vec(),
            b"board = 'pi-4'\npace.fps = 5\n[vibration]\nhappiness = [100, 50, 100]\n".to_vec(),
            b"[camera]\nsource = 'pipe:?format=grey&size=64x64 cat'\nrotate = 90\n".to_vec(),
        ];
        seeds.extend(BOARDS.iter().map(|board| board.profile.as_bytes().to_vec()));
        seeds
    },
};

/// A language of the panel's words.
pub const LANGUAGE: FuzzTarget = FuzzTarget {
    name: "language",
    what: "a language's texts: read, each of a length its place has, or refused with file, line and key",
    run: language,
    seeds: || LANGUAGES.iter().map(|language| language.table.as_bytes().to_vec()).collect(),
};

/// The text behind `--camera`.
pub const SOURCE: FuzzTarget = FuzzTarget {
    name: "source",
    what: "a camera's name: read, or refused with its reason",
    run: source,
    seeds: || {
        [
            "-",
            "portraits",
            "synthetic:frames=9",
            "v4l2:/dev/video0?size=640x480&fps=15&format=mjpg",
            "pipe:rpicam?size=640x480&fps=15",
            "pipe:?format=yuv420&size=64x48&range=full cat /dev/zero",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
};

/// Settings that come by cable.
pub const SETTINGS: FuzzTarget = FuzzTarget {
    name: "settings",
    what: "settings by cable: whatever they are, keys, commands and places of files stay",
    run: settings,
    seeds: || {
        [
            "[camera]\nsource = \"pipe:rpicam?size=320x240\"\n",
            "[camera]\nsource = \"pipe:cat y\"\n",
            "[update]\nkeys = []\nhealthy_s = 30\n",
            "[journal]\nkey = \"none\"\nminutes = 30\n",
            "use = \"school\"\n[pictures]\nenabled = true\n",
            "board = \"pi-4\"\n[look]\nbundle = \"/tmp/x\"\n[update]\nstate = \"/tmp\"\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
};

/// What a badge has already: a key, a command, places.
const BELOW: &str = r#"
[update]
keys = ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"]
state = "/var/lib/badge"
[look]
bundle = "/etc/emocue/own.emocue"
[camera]
source = "pipe:cat clip.y4m"
[journal]
key = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"
"#;

fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let old = Config::parse("below.toml", BELOW).expect("a good configuration");
    let new = match Config::check_over(BELOW, "new.toml", &text) {
        Ok(new) => new,
        Err(error) => return told(error),
    };
    assert_eq!(new.update.keys, old.update.keys);
    assert_eq!(new.update.state, old.update.state);
    assert_eq!(new.journal.key, old.journal.key);
    assert_eq!(new.look.bundle, old.look.bundle);
    assert_eq!((new.use_place, new.reason), (old.use_place, old.reason));
    assert!(!new.pictures.enabled);
    let source = &new.camera.source;
    if let (Ok(Source::Pipe(pipe)), true) = (source.parse(), *source != old.camera.source) {
        assert!(is_preset(&pipe.command), "{}", pipe.command);
    }
}

/// Whether a command is that of a preset, but for sizes and rates.
fn is_preset(command: &str) -> bool {
    let plain = |command: &str| command.replace(char::is_numeric, "");
    let preset = |name: &str| match format!("pipe:{name}").parse() {
        Ok(Source::Pipe(pipe)) => plain(&pipe.command) == plain(command),
        _ => false,
    };
    presets().any(|(name, _)| preset(name))
}

fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Config::check("badge.toml", &text).map_err(told);
    let Ok(config) = Config::parse("badge.toml", &text) else { return };
    let mut out = Vec::new();
    config.write_summary(&mut out).expect("memory takes it");
    out.clear();
    config.write_toml(&mut out).expect("every configuration can be written");
    let written = String::from_utf8(out).expect("TOML is text");
    let again = Config::parse("written.toml", &written);
    let again = again.unwrap_or_else(|error| panic!("{error}\nin\n{written}"));
    assert_eq!(config, again, "{written}");
}

fn language(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let language = match Language::parse("mine.toml", &text, &|_, _| None) {
        Ok(language) => language,
        Err(error) => {
            assert!(failure::line(&error).starts_with("mine.toml:"));
            return;
        }
    };
    for (key, slot, text) in language.texts() {
        let lines = text.lines().len();
        assert!(lines == 1 || (lines == 2 && slot == TextSlot::State), "{key}");
        assert!(!text.whole().chars().any(char::is_control), "{key}");
    }
}

fn told(error: ConfigError) {
    assert!(!failure::line(&error).is_empty());
    drop(error.help());
}

fn source(data: &[u8]) {
    match String::from_utf8_lossy(data).parse::<Source>() {
        Ok(source) => drop(source.is_live()),
        Err(error) => drop((failure::line(&error), error.help())),
    }
}
