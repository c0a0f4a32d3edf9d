//! Every word of every built-in language on every panel: it fits at the size that all languages share, and no letter is
//! missing.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use emocue_config::{LANGUAGES, Language, Mode, PanelSize, TextSlot};
use emocue_device::answer::Screen;
use emocue_device::show::art::{SCREENS, TITLED};
use emocue_device::show::panel::{self, Panel};
use emocue_device::show::text::Font;
use emocue_device::show::{ShowSettings, language, words};
use emocue_link::consent::{Ask, Code};
use emocue_models::failure;

/// The languages whose letters this program has.
fn languages() -> Vec<(&'static str, &'static Language)> {
    let has_letters = |code: &&str| cfg!(feature = "japanese") || *code != "ja";
    let codes = LANGUAGES.map(|table| table.code).into_iter().filter(has_letters);
    codes
        .map(|code| match language::load(code) {
            Ok(language) => (code, language),
            Err(error) => panic!("{}", failure::line(&error)),
        })
        .collect()
}

fn screens() -> Vec<Screen> {
    let code = Code::new(9_999_999_999_999_999);
    let questions = Ask::ALL
        .into_iter()
        .flat_map(|ask| [false, true].map(|counts| Screen::Question { ask, code, counts }));
    SCREENS.into_iter().chain(TITLED).chain(questions).collect()
}

/// A target of any size that fails on pixels outside itself.
struct Strict {
    size: Size,
    lit: Vec<Point>,
}

impl OriginDimensions for Strict {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Strict {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(at, color) in pixels {
            let inside = (0..self.size.width as i32).contains(&at.x)
                && (0..self.size.height as i32).contains(&at.y);
            assert!(inside, "a pixel at {at}");
            self.lit.extend(color.is_on().then_some(at));
        }
        Ok(())
    }
}

#[test]
fn every_word_fits_every_panel_at_the_size_of_english() {
    // The sizes of the English words: letters of 7 and 9 px.
    for (code, language) in languages() {
        for (key, slot, text) in language.texts() {
            for line in text.lines() {
                let beside = Font::TALL_WORD.width(line);
                assert_eq!(beside, Font::FLAT_WORD.width(line), "{code} {key}");
                let fits = match slot {
                    TextSlot::Expression | TextSlot::State => {
                        beside <= 62
                            && Font::TALL_WIDE_WORD.width(line) <= 128
                            && Font::FLAT_WIDE_WORD.width(text.whole()) <= 128
                    }
                    TextSlot::Above => {
                        Font::small(1).width(line) <= 62 && Font::small(2).width(line) <= 128
                    }
                    TextSlot::Question | TextSlot::Title => {
                        Font::TITLE.width(line).max(Font::SMALL_TITLE.width(line)) <= 128
                    }
                    TextSlot::Answer => Font::small(1).width(line) <= 128,
                };
                assert!(fits, "{code} {key}: {line:?}");
            }
        }
    }
}

#[test]
fn every_letter_has_a_glyph_of_its_own() {
    let fonts =
        [Font::TALL_WORD, Font::FLAT_WIDE_WORD, Font::small(1), Font::TITLE, Font::SMALL_TITLE];
    let drawn = |font: Font, text: &str| {
        let size = Size::new(font.width(text).max(1) + 4, font.height() + 4);
        let mut target = Strict { size, lit: Vec::new() };
        let Ok(()) = font.write(text, Point::new(1, 1), BinaryColor::On, &mut target);
        target.lit
    };
    for (code, language) in languages() {
        for (key, _, text) in language.texts() {
            for font in fonts {
                assert_eq!(font.missing(text.whole()), None, "{code} {key}");
                let question_mark = drawn(font, "?");
                for letter in text.whole().chars().filter(|c| !"? ".contains(*c)) {
                    let letter = letter.to_string();
                    let lit = drawn(font, &letter);
                    assert!(!lit.is_empty(), "{code} {key}: {letter}");
                    // One row is free above the line.
                    let rows = 1..=font.height() as i32;
                    assert!(lit.iter().all(|at| rows.contains(&at.y)), "{code} {key}: {letter}");
                    assert_ne!(lit, question_mark, "{code} {key}: {letter}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_drawn_outside_the_panel_and_every_word_is_seen() {
    for (code, language) in languages() {
        for panel in PanelSize::ALL {
            for mode in Mode::ALL {
                let settings = ShowSettings { panel, mode, language, ..ShowSettings::default() };
                for screen in screens() {
                    let mut target = Strict { size: panel::size_of(panel), lit: Vec::new() };
                    let Ok(()) = panel::draw(screen, &settings, &mut target);
                    assert!(!target.lit.is_empty(), "{code} {screen:?}");
                }
            }
        }
    }
}

#[test]
fn the_words_of_a_language_differ_from_each_other() {
    for (code, language) in languages() {
        let mut seen: Vec<&str> = Vec::new();
        for screen in screens() {
            let word = words::words(screen, language).wide;
            // Duplicates that are intended: a question shown twice, or a word that two screens share.
            let is_again = matches!(
                screen,
                Screen::Question { .. }
                    | Screen::Keep { .. }
                    | Screen::KeepsPictures { .. }
                    | Screen::Practice(_)
            );
            assert!(is_again || !seen.contains(&word), "{code}: {word} is there twice");
            seen.push(word);
        }
    }
}

#[test]
fn the_language_changes_words_and_leaves_the_emoji() {
    let german = language::load("de").unwrap();
    let [english, german] = [language::english(), german].map(|language| {
        let mut panel = Panel::new(PanelSize::Tall);
        panel.show(SCREENS[1], &ShowSettings { language, ..ShowSettings::default() });
        panel
    });
    let part = |panel: &Panel, columns: std::ops::Range<usize>| -> Vec<bool> {
        let cells = (0..panel.height()).flat_map(|y| columns.clone().map(move |x| (x, y)));
        cells.map(|(x, y)| panel.is_lit(x, y)).collect()
    };
    assert_eq!(part(&english, 0..64), part(&german, 0..64));
    assert_ne!(part(&english, 64..128), part(&german, 64..128));
}

#[test]
fn japanese_needs_a_feature_and_the_message_says_so() {
    let loaded = language::load("ja");
    assert_eq!(loaded.is_ok(), cfg!(feature = "japanese"));
    match loaded {
        Ok(language) => assert_eq!(language.looks.happiness.whole().chars().count(), 5),
        Err(error) => {
            let text = failure::line(&error);
            assert!(text.starts_with("ja:") && text.contains("looks.above"), "{text}");
            assert!(text.contains("--features japanese"), "{text}");
        }
    }
}

#[test]
fn a_language_that_is_loaded_again_takes_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    let own = include_str!("../languages/de.toml");
    std::fs::write(&file, own).unwrap();
    let file = file.to_str().unwrap();
    for name in ["fr", file] {
        let first = language::load(name).unwrap();
        assert!(std::ptr::eq(first, language::load(name).unwrap()), "{name}");
    }
    let before = language::load(file).unwrap();
    std::fs::write(file, own.replacen("Pause", "Ruhe", 1)).unwrap();
    assert_ne!(language::load(file).unwrap(), before, "a file that was changed is read again");
}
