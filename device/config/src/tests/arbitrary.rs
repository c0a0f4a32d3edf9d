//! Any configuration, and any text.

use emocue_journal::JournalSecretKey;
use emocue_models::luma::Rotation;
use proptest::prelude::*;

use super::*;

fn pin() -> impl Strategy<Value = Option<bool>> {
    proptest::option::of(any::<bool>())
}

prop_compose! {
    /// Any configuration that no check refuses.
    fn config()(
        board in proptest::option::of(0..BOARDS.len()),
        source in "synthetic|portraits|/[a-z\u{e4}\"\\\\ ]{1,9}",
        rotate in 0usize..4,
        [mirror, wait, enabled, upside_down] in any::<[bool; 4]>(),
        bundle in proptest::option::of("/[a-z' \n]{1,9}"),
        min_face in proptest::option::of(12.0f32..4096.0),
        address in 8u8..=0x77,
        seconds in any::<u32>(),
        lines in proptest::sample::subsequence((4u32..500).collect::<Vec<_>>(), 4),
        pins in [pin(), pin(), pin(), pin()],
        brightness in 1u8..=100,
        fps in 0.1f32..=120.0,
        hot_c in 30.0f32..=110.0,
        below in 0.01f32..=30.0,
        [lit, vibrates, once_per_face] in any::<[bool; 3]>(),
        language in "en|de|ja|/[a-z\u{e4}\"' ]{1,9}\\.toml",
        every_s in 1u32..=3600,
        minutes in 0u32..=240,
        journal in proptest::option::of(any::<[u8; 32]>()),
        player in 0..Player::ALL.len(),
    ) -> Config {
        let mut config = Config { board: board.map(|at| BOARDS[at].name.to_owned()), ..Config::default() };
        let rotations = [Rotation::None, Rotation::Cw90, Rotation::Half, Rotation::Cw270];
        config.camera = CameraSettings { source, rotate: rotations[rotate], mirror, wait };
        let bundle = bundle.map(PathBuf::from);
        config.look = LookSettings { bundle, min_face, ..LookSettings::default() };
        config.panel.enabled = enabled;
        config.panel.upside_down = upside_down;
        config.panel.language = language;
        config.panel.address = address;
        config.panel.dim_after_s = seconds;
        let pin = |role: usize| pins[role].map(|active_low| Pin { line: lines[role], active_low });
        config.pins = Pins { button: pin(0), led: pin(1), motor: pin(2), battery_low: pin(3) };
        config.led = LedSettings { enabled: lit, brightness };
        config.vibration.enabled = vibrates;
        config.vibration.once_per_face = once_per_face;
        config.vibration.every_s = every_s;
        config.session.minutes = minutes;
        config.journal.key = journal.map(|bytes| JournalSecretKey::from_bytes(&bytes).public());
        config.journal.remind_after_min = minutes;
        config.screen.enabled = vibrates;
        config.screen.rotate = rotations[(rotate + 1) % 4];
        config.voice.enabled = lit;
        config.voice.player = Player::ALL[player];
        config.voice.every_s = every_s;
        config.pace = PaceSettings { fps, warm_c: hot_c - below, hot_c };
        config
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(config in config()) {
        prop_assert_eq!(parse(&written(&config)), config);
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "\\PC{0,80}|([a-z.\\[\\]={}\"', 0-9\n]{0,80})") {
        let _ = Config::parse("any", &text).map_err(|error| error.to_string());
    }

    #[test]
    fn arbitrary_bytes_in_a_file_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        if let Err(error) = Config::read(file.path()) {
            prop_assert!(error.to_string().contains(&file.path().display().to_string()));
        }
    }

    #[test]
    fn a_damaged_example_is_read_or_refused(
        at in 0..EXAMPLE.len(),
        cut in 0usize..40,
        with in "[a-z0-9\"=\\[\\]{}\n\u{0}\u{e4}]{0,6}",
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, with.into_bytes());
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = Config::parse("any", &text) {
            prop_assert!(error.to_string().starts_with("any:"), "{}", error);
        }
    }
}
