//! The badge's configuration, and the text that names a camera.

use emocue_config::{BOARDS, Config, ConfigError, Source};
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
            b"[camera]\nsource = 'pipe:width=640,height=480:cat'\nrotate = 90\n".to_vec(),
        ];
        seeds.extend(BOARDS.iter().map(|board| board.profile.as_bytes().to_vec()));
        seeds
    },
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
            "synthetic:frames=9,fps=5",
            "v4l2:/dev/video0:width=640,height=480,fps=15,format=MJPG",
            "pipe:rpicam:width=640,height=480,fps=15",
            "pipe:raw=640x480:cat",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
};

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
