use std::path::PathBuf;

use emocue_models::failure;

use crate::*;

mod arbitrary;

const EXAMPLE: &str = include_str!("../../boards/example.toml");

fn parse(text: &str) -> Config {
    Config::parse("badge.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    failure::line(&Config::parse("badge.toml", text).expect_err(text))
}

fn written(config: &Config) -> String {
    let mut out = Vec::new();
    config.write_toml(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn nothing_and_the_example_are_what_is_built_in() {
    assert_eq!(parse(""), Config::default());
    assert_eq!(parse(EXAMPLE), Config::default());
}

#[test]
fn the_example_has_every_key_and_its_optional_ones_can_be_switched_on() {
    let is_off =
        |line: &&str| matches!(line.split_once(" = "), Some((key, _)) if !key.contains(' '));
    let on: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(is_off).unwrap_or(line))
        .collect();
    let on = on.join("\n");
    let config = parse(&on);
    assert_eq!(config.board.as_deref(), Some("pi-4"));
    assert_eq!(config.look.bundle, Some("/etc/emocue/mine.emocue".into()));
    assert_eq!(config.look.min_face, Some(40.0));
    assert_eq!(config.steady.enter, Some(0.62));
    let (all, here) = (written(&config), toml::from_str::<toml::Table>(&on).unwrap());
    for (section, value) in toml::from_str::<toml::Table>(&all).unwrap() {
        let Some(table) = value.as_table() else { continue };
        for key in table.keys() {
            assert!(here[&section].get(key).is_some(), "{section}.{key} is not in the example");
        }
    }
}

#[test]
fn every_profile_is_whole_and_reads_back() {
    for board in BOARDS {
        let config = Config::board(board.name).unwrap_or_else(|error| panic!("{error}"));
        config.camera.source.parse::<Source>().unwrap();
        assert_eq!(parse(&format!("board = {:?}", board.name)), config);
        assert_eq!(parse(&written(&config)), config);
        let Pins { button, led, motor, battery_low } = config.pins;
        if board.models.is_empty() {
            assert_eq!(config.pins, Pins::default(), "{} suits any board", board.name);
            continue;
        }
        assert!(button.is_some_and(|pin| pin.active_low), "{}", board.name);
        assert!(led.is_some_and(|pin| !pin.active_low), "{}", board.name);
        assert!(motor.is_some_and(|pin| !pin.active_low), "{}", board.name);
        assert_eq!(battery_low, None, "an input without a wire would warn at random");
    }
}

#[test]
fn a_classroom_has_a_screen_a_camera_of_any_board_and_an_end() {
    let config = Config::board("classroom").unwrap();
    assert!(config.screen.enabled && !config.panel.enabled && !config.voice.enabled);
    assert_eq!(config.screen.framebuffer, PathBuf::from("/dev/fb0"));
    assert!(config.camera.source.starts_with("v4l2:"), "{}", config.camera.source);
    assert_eq!((config.look.who, config.session.minutes), (Who::Centre, 20));
}

#[test]
fn a_file_goes_before_its_board_and_a_board_before_what_is_built_in() {
    let config = parse(
        r#"
            board = "jetson-orin"
            camera.source = "synthetic"
            panel = { controller = "sh1106", size = "128x32", words = "word" }
            [pins]
            led = "none"
            motor = { line = 7, active = "low" }
            [pace]
            fps = 5
            [vibration]
            anger = [50]
        "#,
    );
    assert_eq!(config.camera.source, "synthetic");
    assert_eq!(config.panel.bus, PathBuf::from("/dev/i2c-7"));
    assert_eq!(config.panel.controller, Controller::Sh1106);
    assert_eq!(config.panel.size, PanelSize::Flat);
    assert_eq!(config.panel.words, Mode::Word);
    assert_eq!(config.panel.address, 0x3c);
    let pins = Pins {
        button: Some(Pin { line: 105, active_low: true }),
        led: None,
        motor: Some(Pin { line: 7, active_low: true }),
        battery_low: None,
    };
    assert_eq!(config.pins, pins);
    assert_ne!(config.vibration.anger, VibrationSettings::default().anger);
    assert_eq!(config.vibration.fear, VibrationSettings::default().fear);
    assert_eq!(config.pace, PaceSettings { fps: 5.0, ..PaceSettings::default() });
}

#[test]
fn a_pin_of_a_file_takes_nothing_from_the_profile_s_pin() {
    let config = parse("board = 'pi-4'\npins.button = { line = 5, active = 'high' }");
    assert_eq!(config.pins.button, Some(Pin { line: 5, active_low: false }));
    let config = parse("board = 'pi-4'\npins = { button = 5, led = 6 }");
    assert_eq!(config.pins.button, Some(Pin { line: 5, active_low: true }));
    assert_eq!(config.pins.led, Some(Pin { line: 6, active_low: false }));
    assert_eq!(config.pins.motor.unwrap().line, 22);
}

#[test]
fn a_wrong_line_is_shown_with_what_to_write() {
    let text = "[camera]\nsorce = \"synthetic\"\n";
    let expected = "badge.toml:2:1: unknown key \"sorce\" in [camera]\n  \
                    sorce = \"synthetic\"\n  ^^^^^\n  write source";
    assert_eq!(refusal(text), expected);
    let text = "[panel]\nbus = \"/dev/i2c-1\"\n  address = \"0x3c\"   # here\n";
    let expected = "badge.toml:3:13: panel.address: invalid type: string \"0x3c\"\n    \
                    address = \"0x3c\"   # here\n              ^^^^^^\n  \
                    write a whole number from 0 to 255";
    assert_eq!(refusal(text), expected);
}

#[test]
fn every_mistake_has_its_place_and_a_way_out() {
    let cases: &[(&str, &[&str])] = &[
        ("[pannel]\nsize = 1", &["badge.toml:1:2: unknown key \"pannel\"\n", "write panel"]),
        (
            "colour = 1",
            &[
                "1:1: unknown key \"colour\"\n",
                "possible: board, use, reason, camera, look, steady, panel",
            ],
        ),
        ("[panel]\nadress = 60", &["2:1: unknown key \"adress\" in [panel]", "write address"]),
        ("[panel]\nenable = true", &["2:1: unknown key \"enable\" in [panel]", "write enabled"]),
        ("pins.led = { line = 4, actve = 'low' }", &["1:24: unknown key \"actve\"", "active"]),
        ("pins.led = { active = 'low' }", &["1:12: pins.led: missing field `line`"]),
        ("pins.led = { line = 4, active = 'lo' }", &["1:33: pins.led cannot be \"lo\"", "\"low\""]),
        ("pins.led = -1", &["1:12: pins.led: ", "a line such as 17, { line = 17"]),
        ("pins.led = 'GPIO17'", &["1:12: pins.led: ", "or \"none\""]),
        ("pins.led = [17]", &["1:12: pins.led: ", "a line such as 17"]),
        ("[camera]\nrotate = 45", &["2:10: camera.rotate: ", "write 0, 90, 180 or 270"]),
        ("[camera]\nmirror = 1", &["2:10: camera.mirror: ", "write true or false"]),
        ("[camera]\nsource = ''", &["2:10: camera.source: no source is named"]),
        ("camera = 'v4l2'", &["1:10: camera: invalid type: string \"v4l2\""]),
        ("camera = ['v4l2']", &["1:1: camera is a table", "[camera]"]),
        ("[panel]\ncontroller = 'ssd1305'", &["2:14: panel.controller cannot", "\"ssd1306\""]),
        ("[panel]\nlanguage = 'xx'", &["2:12: panel.language is impossible", "uk, el or ja"]),
        ("[panel]\nlanguage = 1", &["2:12: panel.language: ", "write text in quotes"]),
        ("[panel]\nsize = '64x48'", &["2:8: panel.size cannot", "128x64, 128x32"]),
        ("[panel]\naddress = 300", &["2:11: panel.address: ", "from 0 to 255"]),
        ("[panel]\naddress = 0x78", &["2:11: panel.address is impossible", "0x3c"]),
        ("[panel]\nbrightness = 0", &["2:14: panel.brightness is", "1 to 255"]),
        ("[panel]\ndim_brightness = 0", &["2:18: panel.dim_brightness is", "never"]),
        ("[look]\nmin_face = 11", &["2:12: look.min_face is", "12 to 4096"]),
        ("[look]\nmin_face = nan", &["2:12: look.min_face is", "12 to 4096"]),
        ("[led]\nenabled = 1", &["2:11: led.enabled: ", "write true or false"]),
        ("[vibration]\nevery_s = 0", &["2:11: vibration.every_s is", "1 to 3600 (seconds)"]),
        ("[vibration]\nevery_s = -1", &["2:11: vibration.every_s: ", "a whole number from 0"]),
        (
            "[vibration]\nonce = true",
            &["2:1: unknown key \"once\" in [vibration]", "once_per_face"],
        ),
        ("[journal]\nminutes = 4", &["2:11: journal.minutes is", "5 to 720 (minutes)"]),
        (
            "[journal]\nremind_after_min = 721",
            &["2:20: journal.remind_after_min is", "0 for never"],
        ),
        ("[journal]\nkey = 'mine'", &["2:7: journal.key: \"mine\" is not a journal's public key"]),
        // Anybody could read what is sealed to that key.
        (
            "[journal]\nkey = '0000000000000000000000000000000000000000000000000000000000000000'",
            &["2:7: journal.key: "],
        ),
        ("[screen]\nframebuffer = 'fb0'", &["2:15: screen.framebuffer is", "\"/dev/fb0\""]),
        ("[screen]\nframebuffer = 0", &["2:15: screen.framebuffer: ", "write a path in quotes"]),
        ("[screen]\nrotate = 45", &["2:10: screen.rotate: ", "write 0, 90, 180 or 270"]),
        ("[screen]\nenable = true", &["2:1: unknown key \"enable\" in [screen]", "enabled"]),
        ("[voice]\nplayer = 'mpv'", &["2:10: voice.player cannot be", "aplay, paplay, pw-play"]),
        ("[voice]\nfolder = 'voice'", &["2:10: voice.folder is", "/etc/emocue/voice"]),
        ("[voice]\nevery_s = 0", &["2:11: voice.every_s is", "1 to 3600 (seconds)"]),
        ("[session]\nminutes = 241", &["2:11: session.minutes is", "1 to 240 (minutes), or 0"]),
        ("[session]\nminute = 20", &["2:1: unknown key \"minute\"", "write minutes"]),
        ("[led]\nbrightness = 101", &["2:14: led.brightness is", "1 to 100 (percent)"]),
        ("[vibration]\nhapiness = [100]", &["2:1: unknown key \"hapiness\"", "write happiness"]),
        ("[vibration]\nanger = 'x'", &["2:9: vibration.anger: invalid type: string \"x\""]),
        ("[gpio]\ndriver = 'gpiod'", &["2:10: gpio.driver cannot be", "gpiocdev, rppal, none"]),
        ("[gpio]\nchip = ''", &["2:8: gpio.chip is impossible", "gpiodetect"]),
        ("[pace]\nfps = 0", &["2:7: pace.fps is impossible", "0.1 to 240"]),
        ("[pace]\nfps = inf", &["2:7: pace.fps is impossible"]),
        ("[pace]\nhot_c = 200", &["2:9: pace.hot_c is impossible"]),
        ("[pace]\nwarm_c = 90", &["2:10: pace.warm_c is impossible", "less than hot_c"]),
        ("board = 'pi4'", &["1:9: no board is called \"pi4\"", "write \"pi-4\"", "jetson-orin"]),
        ("board = 'beagle'", &["1:9: no board", "pi-zero-2w, pi-3, pi-4, pi-5, jetson-nano"]),
        ("board = 4", &["1:9: board: invalid type: integer `4`", "text in quotes"]),
        ("[camera\n", &["badge.toml:1:", "not TOML"]),
        ("a = 1\na = 2", &["badge.toml:2:1: duplicate key"]),
        (
            "pins = { led = 4, motor = 4 }",
            &["1:27: GPIO line 4 is led (line 1) and motor (line 1)"],
        ),
        ("[pins]\nmotor = 4\nled = 4", &["led (line 3) and motor (line 2)", "another line"]),
        (
            "board = 'pi-4'\n[pins]\nled = 17",
            &["badge.toml:3:7: GPIO line 17 is button (profile of pi-4) and led (line 3)"],
        ),
        ("board = 'pi-5'\npins.led = 3", &["2:12: GPIO line 3 belongs to the panel's I2C bus"]),
    ];
    for (text, parts) in cases {
        let message = refusal(text);
        for part in *parts {
            assert!(message.contains(part), "{part:?} is not in\n{message}");
        }
    }
}

#[test]
fn every_kind_of_error_says_what_to_write() {
    let cases = [
        // A key that its table does not have.
        (
            "camera.colour = 1",
            "1:8: unknown key \"colour\" in [camera]",
            "possible: source, rotate",
        ),
        ("pins.led = { lin = 4 }", "1:14: unknown key \"lin\" in pins.led", "write line"),
        // A word that is not one of the possible ones, and no word at all.
        ("panel.words = 'bth'", "1:15: panel.words cannot be \"bth\"", "write \"both\""),
        ("panel.words = 1", "invalid type: integer `1`", "one of \"emoji\", \"word\", \"both\""),
        // Another type where a table is expected.
        ("panel = true", "1:9: panel: invalid type: boolean `true`", "write [panel] and its keys"),
        ("pace = [15, 70, 78]", "1:1: pace is a table", "write [pace] and its keys"),
        // Another type, or a number out of range.
        ("panel.bus = 1", "1:13: panel.bus: invalid type: integer `1`", "write a path in quotes"),
        ("look.bundle = []", "1:15: look.bundle: invalid type", "write a path in quotes"),
        ("link.port = 1.5", "1:13: link.port: invalid type", "write text in quotes"),
        ("link.baud = -1", "1:13: link.baud: invalid value: integer `-1`", "a whole number from 0"),
        ("pace.fps = '5'", "1:12: pace.fps: invalid type", "write a number"),
        ("camera.rotate = 1.5", "1:17: camera.rotate: invalid type", "write a whole number"),
        ("vibration.fear = 9", "1:18: vibration.fear: invalid type", "a list in square brackets"),
        ("vibration.fear = [50, 70000, 50]", "1:23: vibration.fear: ", "from 0 to 65535"),
        ("look.min_face = 1e400", "number that is too large", "write a number"),
        ("camera.source = 1979-05-27", "camera.source: invalid type: date or time", "in quotes"),
        // What a type's own check refuses.
        (
            "vibration.fear = [50, 50]",
            "1:18: vibration.fear: 2 numbers",
            "`emocue-badge config show`",
        ),
        ("update.keys = ['mine']", "1:15: update.keys: ", "`emocue-badge config show`"),
        ("pins.led = {}", "1:12: pins.led: missing field `line`", "`emocue-badge config show`"),
    ];
    for (text, what, next) in cases {
        let message = refusal(text);
        assert!(message.starts_with("badge.toml:1:"), "{message}");
        let (first, rest) = message.split_once('\n').unwrap();
        assert!(first.contains(what), "{what:?} is not in\n{message}");
        assert!(rest.lines().last().unwrap().contains(next), "{next:?} is not in\n{message}");
    }
}

#[test]
fn the_first_mistake_in_the_file_is_the_one_reported() {
    let message = refusal("[panel]\nzoom = 1\naddress = 'x'\n[camera]\nmirror = 1");
    assert!(message.starts_with("badge.toml:2:1: unknown key \"zoom\""), "{message}");
    let message = refusal("[panel]\nsize = 'x'\naddress = 'x'\n[camera]\nmirror = 1");
    assert!(message.starts_with("badge.toml:2:8: panel.size cannot be"), "{message}");
}

#[test]
fn a_pi_without_panel_may_use_the_bus_s_pins_and_a_jetson_has_other_lines() {
    let config = parse("board = 'pi-4'\npanel.enabled = false\npins.led = 3");
    assert_eq!(config.pins.led.unwrap().line, 3);
    assert_eq!(parse("board = 'jetson-nano'\npins.led = 3").pins.led.unwrap().line, 3);
}

#[test]
fn what_is_written_is_short_where_nothing_is_unusual() {
    let config = parse("pins = { button = 5, led = { line = 6, active = 'low' } }");
    let text = written(&config);
    assert!(text.contains("\nbutton = 5\n") && text.contains("\nmotor = \"none\"\n"), "{text}");
    assert!(text.contains("[pins.led]\nline = 6\nactive = \"low\"\n"), "{text}");
}

#[test]
fn an_unknown_board_lists_the_boards() {
    let message = failure::line(&Config::board("pi-2").unwrap_err());
    for board in BOARDS {
        assert!(message.contains(board.name), "{message}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let message = failure::line(&Config::read(&path).unwrap_err());
    assert!(message.contains("none.toml") && message.contains("config show"), "{message}");
    std::fs::write(&path, b"[camera]\nsource = \"\xff\"\n").unwrap();
    let message = failure::line(&Config::read(&path).unwrap_err());
    assert!(message.contains("none.toml:2:11: not UTF-8 text"), "{message}");
    assert!(Config::read(folder.path()).is_err());
    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    let message = failure::line(&Config::read(&path).unwrap_err());
    assert!(message.contains("longer than 1 MiB"), "{message}");
    std::fs::write(&path, "board = \"pi-5\"\n").unwrap();
    assert_eq!(Config::read(&path).unwrap(), Config::board("pi-5").unwrap());
}

#[test]
fn a_summary_tells_what_it_comes_to() {
    let summary = |config: &Config| {
        let mut out = Vec::new();
        config.write_summary(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let expected = "board   pi-5\ncamera  pipe:rpicam\npanel   128x64 px on /dev/i2c-1 at 0x3c\n\
                    pins    button 17, led 27, motor 22 of pinctrl-rp1\n";
    assert_eq!(summary(&Config::board("pi-5").unwrap()), expected);
    let off =
        "board = 'pi-5'\nled.enabled = false\nvibration.enabled = false\nsession.minutes = 20";
    let text = summary(&parse(off));
    let end = "button 17, led 27 (off), motor 22 (off) of pinctrl-rp1\nsession 20 minutes\n";
    assert!(text.ends_with(end), "{text}");
    let text = summary(&parse("board = 'classroom'\nvoice.enabled = true"));
    let expected = "board   classroom\ncamera  v4l2:/dev/video0\npanel   none\nscreen  /dev/fb0\npins    none\n\
                    voice   /etc/emocue/voice, by aplay\nsession 20 minutes\n";
    assert_eq!(text, expected);
    let config = parse("panel.enabled = false\ncamera.source = 'synthetic'");
    assert_eq!(summary(&config), "board   none\ncamera  synthetic\npanel   none\npins    none\n");
}

#[test]
fn a_port_at_which_nobody_answers_is_refused_when_it_is_new() {
    let checked = |text: &str| Config::check("badge.toml", text).map_err(|error| error.to_string());
    let port = "[link]\nport = '/dev/ttyGS0'\n";
    for source in ["portraits", "-", "synthetic:frames=9", "a/folder"] {
        let text = format!("{port}[camera]\nsource = '{source}'\n");
        let refused = checked(&text).unwrap_err();
        assert!(
            refused.starts_with("badge.toml:2:8: no badge answers at /dev/ttyGS0"),
            "{refused}"
        );
        assert!(refused.contains(source), "{refused}");
        // A badge that has it already continues to run.
        assert_eq!(parse(&text).unserved().unwrap().key, "link.port");
        assert!(checked(&text.replace("/dev/ttyGS0", "none")).is_ok());
    }
    for source in ["v4l2:/dev/video0", "pipe:rpicam", "pipe:ffmpeg -i x -"] {
        assert!(checked(&format!("{port}[camera]\nsource = \"{source}\"\n")).is_ok());
    }
    let refused = checked(&format!("{port}baud = 12345\n")).unwrap_err();
    assert!(
        refused.starts_with("badge.toml:3:8: no badge answers at /dev/ttyGS0: 12345"),
        "{refused}"
    );
    assert!(checked("[link]\nbaud = 12345\n").is_ok());
}
