//! Whether a text fits its place on every panel, and has a glyph for each of its letters.

use emocue_config::{Mode, PanelSize, PanelText, TextSlot, Unfit};

use super::panel::WordLayout;
use super::text::Font;

/// Why `text` does not fit its place on some panel.
pub(crate) fn unfit(slot: TextSlot, text: &PanelText) -> Option<Unfit> {
    PanelSize::ALL.into_iter().find_map(|panel| match slot {
        TextSlot::Question | TextSlot::Title => {
            wrong(text.whole(), Font::title(panel), panel.width(), panel)
        }
        TextSlot::Answer => wrong(text.whole(), Font::small(1), panel.width(), panel),
        TextSlot::Above | TextSlot::Expression | TextSlot::State => {
            Mode::ALL.into_iter().find_map(|mode| unfit_word(slot, text, panel, mode))
        }
    })
}

fn unfit_word(slot: TextSlot, text: &PanelText, panel: PanelSize, mode: Mode) -> Option<Unfit> {
    let layout = WordLayout::of(panel, mode)?;
    let font = if slot == TextSlot::Above { layout.above.0 } else { layout.font };
    let mut lines = layout.lines(text.whole(), text.lines());
    lines.find_map(|line| wrong(line, font, layout.room(), panel))
}

/// What is wrong with a line in `font` if `room` px are available.
fn wrong(line: &str, font: Font, room: u32, panel: PanelSize) -> Option<Unfit> {
    if let Some(letter) = font.missing(line) {
        return Some(Unfit::new(format!("there is no glyph for {letter:?}"), advice(letter)));
    }
    (font.width(line) > room).then(|| {
        let what = format!("{line:?} is too long for a panel of {} px", panel.name());
        Unfit::new(what, format!("write at most {} letters in a line", font.letters(room)))
    })
}

/// What to do about a letter without a glyph.
fn advice(letter: char) -> &'static str {
    // CJK punctuation, kana and ideographs, and full-width forms.
    let is_japanese = matches!(letter, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    match (is_japanese, cfg!(feature = "japanese")) {
        (true, false) => "build the program with `--features japanese`",
        (true, true) => "write it in kana",
        (false, _) => "write letters of ISO 8859-1, -2, -5, -7 or -9",
    }
}

#[cfg(test)]
mod tests {
    use emocue_config::{LANGUAGES, Language};
    use emocue_models::failure::line;

    use super::*;

    const ENGLISH: &str = LANGUAGES[0].table;

    fn refusal(from: &str, to: &str) -> String {
        assert_eq!(ENGLISH.matches(from).count(), 1, "{from}");
        let text = ENGLISH.replace(from, to);
        line(&Language::parse("mine.toml", &text, &unfit).expect_err(to))
    }

    #[test]
    fn as_many_letters_as_fit_are_taken_and_one_more_is_not() {
        for (word, most, longer) in [
            ("\"looks\"", 10, "looks.above: "),
            ("\"happy\"", 9, "looks.happiness: "),
            ("\"starting\"", 9, "states.starting: "),
            ("\"Return to older?\"", 18, "questions.older-bundle: "),
            ("\"same on computer?\"", 21, "questions.compare: "),
            ("\"guess\"", 18, "practice.guess: "),
        ] {
            let text = |count| format!("\"{}\"", "m".repeat(count));
            let table = ENGLISH.replace(word, &text(most));
            assert!(Language::parse("mine.toml", &table, &unfit).is_ok(), "{word}");
            let refused = refusal(word, &text(most + 1));
            assert!(refused.starts_with("mine.toml:") && refused.contains(longer), "{refused}");
            let advice = format!("write at most {most} letters in a line");
            assert!(refused.contains("too long") && refused.contains(&advice), "{refused}");
        }
        let refused = refusal("[\"session\", \"ended\"]", "[\"mmmmmmm\", \"mmmmmmm\"]");
        assert!(
            refused.contains("\"mmmmmmm mmmmmmm\" is too long for a panel of 128x32"),
            "{refused}"
        );
        assert!(refused.contains("at most 14 letters"), "{refused}");
    }

    #[test]
    fn a_letter_without_a_glyph_is_refused() {
        let refused = refusal("\"sad\"", "\"\u{5e9}\"");
        assert!(refused.contains("looks.sadness: there is no glyph for '\u{5e9}'"), "{refused}");
        assert!(refused.contains("ISO 8859-1"), "{refused}");
        let accepted = ENGLISH.replace("\"sad\"", "\"\u{e9}\u{142}\u{454}\u{3ac}\u{15f}\"");
        assert!(Language::parse("mine.toml", &accepted, &unfit).is_ok());
    }

    #[test]
    fn japanese_letters_need_the_feature() {
        let table = ENGLISH.replace("\"sad\"", "\"\u{304b}\u{306a}\"");
        let read = Language::parse("mine.toml", &table, &unfit);
        if cfg!(feature = "japanese") {
            assert_eq!(read.unwrap().looks.sadness.whole(), "\u{304b}\u{306a}");
        } else {
            let refused = line(&read.unwrap_err());
            assert!(refused.contains("--features japanese"), "{refused}");
        }
    }
}
