//! Ranges of values.

use emocue_models::bundle::detector::MtcnnSettings;

use crate::boards::BoardProfile;
use crate::config::Config;
use crate::document::Document;
use crate::error::ConfigError;
use crate::language::{is_code, is_file};
use crate::pins;
use crate::source::{SOURCES, Source};

/// A key, whether its value is valid, and what is valid.
type Limit = (&'static str, fn(&Config) -> bool, &'static str);

const LIMITS: &[Limit] = &[
    (
        "panel.language",
        |config| is_code(&config.panel.language) || is_file(&config.panel.language),
        "write en, de, fr, es, pt, it, nl, pl, tr, uk, el or ja, or a file such as \"/etc/emocue/mine.toml\"",
    ),
    (
        "panel.address",
        |config| (0x08..=0x77).contains(&config.panel.address),
        "write a 7-bit address from 0x08 to 0x77; most panels have 0x3c, some 0x3d",
    ),
    (
        "panel.brightness",
        |config| config.panel.brightness > 0,
        "write 1 to 255; `enabled = false` is for no panel",
    ),
    (
        "panel.dim_brightness",
        |config| config.panel.dim_brightness > 0,
        "write 1 to 255; `dim_after_s = 0` is for never",
    ),
    (
        "look.min_face",
        |config| config.look.min_face.is_none_or(face_can_be_found),
        "write 12 to 4096 (px of the frame)",
    ),
    (
        "look.search_hz",
        |config| (0.1..=120.0).contains(&config.look.search_hz),
        "write 0.1 to 120 (searches a second)",
    ),
    (
        "look.classify_hz",
        |config| (0.5..=120.0).contains(&config.look.classify_hz),
        "write 0.5 to 120 (times a second)",
    ),
    (
        "steady.tau_s",
        |config| (0.0..=10.0).contains(&config.steady.tau_s),
        "write 0 to 10 (seconds); 0 is for no average",
    ),
    (
        "steady.enter",
        |config| config.steady.enter.is_none_or(is_share),
        "write 0 to 1 (a probability)",
    ),
    ("steady.stay", |config| is_share(config.steady.stay), "write 0 to 1 (a probability)"),
    ("steady.lead", |config| is_share(config.steady.lead), "write 0 to 1 (a probability)"),
    (
        "steady.dwell_s",
        |config| (0.0..=10.0).contains(&config.steady.dwell_s),
        "write 0 to 10 (seconds)",
    ),
    (
        "steady.unsure_after_s",
        |config| (0.0..=60.0).contains(&config.steady.unsure_after_s),
        "write 0 to 60 (seconds)",
    ),
    (
        "steady.hold_s",
        |config| (0.0..=10.0).contains(&config.steady.hold_s),
        "write 0 to 10 (seconds)",
    ),
    (
        "steady.forget_after_s",
        |config| (config.steady.hold_s..=60.0).contains(&config.steady.forget_after_s),
        "write at least hold_s, and at most 60 (seconds)",
    ),
    (
        "gpio.chip",
        |config| !config.gpio.chip.is_empty(),
        "write a path such as \"/dev/gpiochip0\" or a label that `gpiodetect` prints",
    ),
    (
        "led.brightness",
        |config| (1..=100).contains(&config.led.brightness),
        "write 1 to 100 (percent); `led = \"none\"` under [pins] is for no LED",
    ),
    (
        "pace.fps",
        |config| (0.1..=240.0).contains(&config.pace.fps),
        "write 0.1 to 240 (frames a second)",
    ),
    (
        "pace.hot_c",
        |config| (0.0..=110.0).contains(&config.pace.hot_c),
        "write 0 to 110 (degrees Celsius)",
    ),
    (
        "pace.warm_c",
        |config| (0.0..config.pace.hot_c).contains(&config.pace.warm_c),
        "write less than hot_c (degrees Celsius)",
    ),
    (
        "vibration.every_s",
        |config| (1..=3600).contains(&config.vibration.every_s),
        "write 1 to 3600 (seconds); `enabled = false` is for no vibration",
    ),
    (
        "screen.framebuffer",
        |config| config.screen.framebuffer.is_absolute(),
        "write a framebuffer such as \"/dev/fb0\"; `enabled = false` is for no screen",
    ),
    (
        "voice.folder",
        |config| config.voice.folder.is_absolute(),
        "write a folder from the root on, such as \"/etc/emocue/voice\"",
    ),
    (
        "voice.every_s",
        |config| (1..=3600).contains(&config.voice.every_s),
        "write 1 to 3600 (seconds); `enabled = false` is for no voice",
    ),
    (
        "session.minutes",
        |config| config.session.minutes <= 240,
        "write 1 to 240 (minutes), or 0 for no limit",
    ),
    (
        "practice.rounds",
        |config| (1..=50).contains(&config.practice.rounds),
        "write 1 to 50 (rounds of a game)",
    ),
    (
        "practice.expressions",
        |config| !config.practice.expressions.is_empty(),
        "write at least one, such as [\"happiness\", \"sadness\"]",
    ),
    (
        "practice.round_s",
        |config| (5..=600).contains(&config.practice.round_s),
        "write 5 to 600 (seconds)",
    ),
    (
        "practice.card_s",
        |config| (1..=60).contains(&config.practice.card_s),
        "write 1 to 60 (seconds)",
    ),
    (
        "pictures.minutes",
        |config| (1..=15).contains(&config.pictures.minutes),
        "write 1 to 15 (minutes)",
    ),
    (
        "update.healthy_s",
        |config| (1..=3600).contains(&config.update.healthy_s),
        "write 1 to 3600 (seconds)",
    ),
    (
        "update.state",
        |config| config.update.state.is_absolute(),
        "write a folder from the root on, such as \"/var/lib/emocue\"",
    ),
    (
        "link.port",
        |config| config.link.port().is_none_or(|port| port.starts_with('/')),
        "write a serial port such as \"/dev/ttyGS0\", or \"none\"",
    ),
    (
        "journal.minutes",
        |config| (5..=720).contains(&config.journal.minutes),
        "write 5 to 720 (minutes); `key = \"none\"` is for no journal",
    ),
    (
        "journal.remind_after_min",
        |config| config.journal.remind_after_min <= 720,
        "write 1 to 720 (minutes), or 0 for never",
    ),
];

fn is_share(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

fn face_can_be_found(min_face: f32) -> bool {
    MtcnnSettings { min_face, ..MtcnnSettings::default() }.problem().is_none()
}

/// Finds the first invalid value.
pub(crate) fn check(
    config: &Config,
    board: Option<&BoardProfile>,
    document: &Document,
) -> Result<(), ConfigError> {
    for (key, possible, next) in LIMITS {
        if !possible(config) {
            return Err(document.wrong(document.span(key), format!("{key} is impossible"), next));
        }
    }
    if let Some(span) = document.own("camera.source")
        && let Err(error) = config.camera.source.parse::<Source>()
    {
        let next =
            format!("`emocue-badge cameras` lists what is there; camera.source takes {SOURCES}");
        return Err(document.wrong(span, format!("camera.source: {error}"), &next));
    }
    let used = pins::of(&config.pins).into_iter().filter_map(|(role, pin)| Some((role, pin?.line)));
    let used: Vec<(&str, u32)> = used.collect();
    for (index, (role, line)) in used.iter().enumerate() {
        let key = format!("pins.{role}");
        if let Some((other, _)) = used[..index].iter().find(|(_, taken)| taken == line) {
            let other_key = format!("pins.{other}");
            let [one, two] = [&other_key, &key].map(|key| document.whereabouts(key, board));
            let what = format!("GPIO line {line} is {other} ({one}) and {role} ({two})");
            let span = document.own(&key).unwrap_or_else(|| document.span(&other_key));
            let next = "give one of them another line, or \"none\"";
            return Err(document.wrong(span, what, next));
        }
        let reserved = board.filter(|_| config.panel.enabled).map_or(&[][..], |it| it.i2c_lines);
        if reserved.contains(line) {
            let what =
                format!("GPIO line {line} belongs to the panel's I2C bus, so it cannot be {role}");
            return Err(document.wrong(document.span(&key), what, "choose another line"));
        }
    }
    Ok(())
}
