//! Answers as words: on the panel, in a line of text, and as stable identifiers.

use std::fmt;

use emocue_config::{Language, PanelText, QuestionTexts, Reason};
use emocue_link::consent::Ask;
use emocue_models::label::LabelSet;
use emocue_models::plain::plain_line;

use crate::answer::{
    Answer, FaceAnswer, FrameReport, GameKind, Kept, MenuEntry, PracticeScreen, Screen,
};

/// The panel's words for what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<'a> {
    /// Small, above the word: `"looks"` for expressions, empty for states.
    pub above: &'a str,
    /// The word in one line, if there is space for it.
    pub wide: &'a str,
    /// The word beside the emoji, in one line or two.
    pub narrow: &'a [String],
}

/// The panel's words for `screen`.
pub fn words(screen: impl Into<Screen>, language: &Language) -> Words<'_> {
    let (looks, states) = (&language.looks, &language.states);
    let text = match screen.into() {
        Screen::Answer(Answer::Looks(expression)) => {
            return Words { above: looks.above.whole(), ..stated(looks.word(expression)) };
        }
        // The panel has a layout of its own for it.
        Screen::Question { ask, .. } => {
            return Words { above: "", wide: question(ask, &language.questions), narrow: &[] };
        }
        Screen::Practice(PracticeScreen::ShowMe(expression)) => {
            let word = stated(looks.word(expression));
            return Words { above: language.practice.show_me.whole(), ..word };
        }
        Screen::Practice(PracticeScreen::WellDone(expression)) => {
            let word = stated(looks.word(expression));
            return Words { above: language.practice.well_done.whole(), ..word };
        }
        Screen::Practice(
            PracticeScreen::CardEmoji(expression) | PracticeScreen::CardWord(expression),
        ) => looks.word(expression),
        Screen::Practice(PracticeScreen::Skipped) => &language.practice.skip,
        Screen::Practice(PracticeScreen::Covered) => &language.practice.guess,
        Screen::Practice(PracticeScreen::Ended) => &language.practice.end,
        Screen::Menu(entry) => menu_entry(entry, language),
        Screen::Reason(reason) => match reason {
            // Never shown.
            Reason::None => &language.states.starting,
            Reason::Medical => &language.reasons.medical,
            Reason::Safety => &language.reasons.safety,
            Reason::OutsideEu => &language.reasons.outside_eu,
        },
        Screen::NotHere => &language.keep.not_here,
        Screen::Keep { kept: Kept::Journal, .. } => &language.keep.ask_journal,
        Screen::Keep { kept: Kept::Pictures, .. } => &language.keep.ask_pictures,
        Screen::KeepsPictures { answer, .. } => {
            return Words { above: language.keep.pictures.whole(), ..words(answer, language) };
        }
        Screen::Starting => &states.starting,
        Screen::Answer(Answer::NoFace) => &states.no_face,
        Screen::Answer(Answer::FaceFound) => &states.face_found,
        Screen::Answer(Answer::Unsure) => &states.unsure,
        Screen::Answer(Answer::TooDark) => &states.too_dark,
        Screen::Answer(Answer::TooFar) => &states.too_far,
        Screen::Paused => &states.paused,
        Screen::LastMinute => &states.last_minute,
        Screen::SessionEnded => &states.session_ended,
        Screen::CameraMissing => &states.camera_missing,
        Screen::LowBattery => &states.low_battery,
        Screen::Break => &states.take_a_break,
    };
    stated(text)
}

/// The name of an entry of the menu.
fn menu_entry(entry: MenuEntry, language: &Language) -> &PanelText {
    match entry {
        MenuEntry::Practice(GameKind::ShowMe) => &language.practice.show_me,
        MenuEntry::Practice(GameKind::Guess) => &language.practice.guess,
        MenuEntry::Practice(GameKind::Cards) => &language.practice.cards,
        MenuEntry::Keep(Kept::Journal) => &language.keep.journal,
        MenuEntry::Keep(Kept::Pictures) => &language.keep.pictures,
    }
}

/// Minutes and seconds as the panel counts them down: `"4:59"`.
pub fn countdown(seconds: u16) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn stated(text: &PanelText) -> Words<'_> {
    Words { above: "", wide: text.whole(), narrow: text.lines() }
}

/// An identifier that does not change between versions: a class name such as `"happiness"`, or one of those below.
pub fn id(screen: impl Into<Screen>) -> &'static str {
    match screen.into() {
        Screen::Starting => "starting",
        Screen::Answer(Answer::NoFace) => "no-face",
        Screen::Answer(Answer::FaceFound) => "face-found",
        Screen::Answer(Answer::Unsure) => "unsure",
        Screen::Answer(Answer::TooDark) => "too-dark",
        Screen::Answer(Answer::TooFar) => "too-far",
        Screen::Paused => "paused",
        Screen::LastMinute => "last-minute",
        Screen::SessionEnded => "session-ended",
        Screen::CameraMissing => "camera-missing",
        Screen::LowBattery => "low-battery",
        Screen::Break => "break",
        Screen::Menu(_) => "menu",
        Screen::Practice(screen) => match screen {
            PracticeScreen::ShowMe(_) => "practice-show-me",
            PracticeScreen::WellDone(_) => "practice-well-done",
            PracticeScreen::Skipped => "practice-skipped",
            PracticeScreen::Covered => "practice-covered",
            PracticeScreen::CardEmoji(_) => "practice-emoji",
            PracticeScreen::CardWord(_) => "practice-word",
            PracticeScreen::Ended => "practice-ended",
        },
        Screen::Reason(_) => "reason",
        Screen::NotHere => "not-here",
        Screen::Keep { .. } => "keep-question",
        Screen::KeepsPictures { .. } => "keeps-pictures",
        // The name from earlier versions.
        Screen::Question { .. } => "press-button",
        Screen::Answer(Answer::Looks(expression)) => expression.name(),
    }
}

/// The text of a question.
pub fn question(ask: Ask, questions: &QuestionTexts) -> &str {
    let text = match ask {
        Ask::NewMaker => &questions.new_maker,
        Ask::NewSettings => &questions.new_settings,
        Ask::OlderBundle => &questions.older_bundle,
    };
    text.whole()
}

/// How the wearer answers a question: compare the codes first, then press once presses count (`counts`).
pub fn answers(counts: bool, questions: &QuestionTexts) -> &str {
    if counts { questions.answer.whole() } else { questions.compare.whole() }
}

/// A probability in whole percent, at most 99, since no estimate is certain.
pub fn whole_percent(probability: f32) -> u8 {
    // NaN becomes 0.
    (probability * 100.0).round().clamp(0.0, 99.0) as u8
}

/// The text beside a face: how it looks and its probability in percent; for an unsure answer, the probability of the most
/// probable class.
pub fn lines(face: &FaceAnswer, labels: &LabelSet, language: &Language) -> Vec<String> {
    let top = || {
        let top = face.probabilities.iter().copied().reduce(f32::max);
        top.filter(|_| face.answer == Answer::Unsure).map(whole_percent)
    };
    let percent = percent(face, labels).or_else(top).map(|percent| format!("{percent} %"));
    let Words { above, wide, .. } = words(face.answer, language);
    let words = [above, wide].into_iter().filter(|line| !line.is_empty()).map(str::to_owned);
    words.chain(percent).collect()
}

/// The probability of the answer of `face`, in whole percent and at most 99, since no estimate is certain; `None` when
/// it is unsure.
pub fn percent(face: &FaceAnswer, labels: &LabelSet) -> Option<u8> {
    let Answer::Looks(expression) = face.answer else { return None };
    let probability = *face.probabilities.get(labels.index_of(expression.name())?)?;
    Some(whole_percent(probability))
}

/// A report as one line of text: `astronaut.jpg: looks happy (93 %)`, or with the time of a stream's frame in
/// place of the name, `0:03.200 no face`.
pub struct ReportLine<'a>(pub &'a FrameReport, pub &'a Language);

impl fmt::Display for ReportLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report, language) = self;
        match report.time_ms {
            Some(ms) => write_time(f, ms)?,
            None => {
                // A file name may contain any characters.
                write!(f, "{}:", plain_line(&report.source))?;
            }
        }
        let Words { above, wide, .. } = words(report.shown, language);
        // On the panel, "pictures" stands in the place of "looks".
        let looks = match report.shown {
            Screen::KeepsPictures { answer, .. } => words(answer, language).above,
            _ => "",
        };
        for part in [above, looks, wide].into_iter().filter(|part| !part.is_empty()) {
            write!(f, " {part}")?;
        }
        let shown = report.shown_face().filter(|face| report.shown == face.answer.into());
        if let Some(percent) = shown.and_then(|face| percent(face, &report.labels)) {
            write!(f, " ({percent} %)")?;
        }
        // The panel shows only one of the two.
        match report.shown {
            Screen::Question { code, counts, .. } => {
                write!(f, " {code}: {}", answers(counts, &language.questions))?;
            }
            Screen::Keep { counts: true, .. } => {
                write!(f, " {}", language.questions.answer.whole())?;
            }
            Screen::KeepsPictures { seconds_left, .. } => {
                write!(f, " {}", countdown(seconds_left))?;
            }
            _ => {}
        }
        if report.faces.len() > 1 {
            write!(f, ", one of {} faces", report.faces.len())?;
        }
        Ok(())
    }
}

/// `h:mm:ss.mmm`, the hours only from one on.
fn write_time(f: &mut fmt::Formatter<'_>, ms: u64) -> fmt::Result {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    if hours > 0 {
        write!(f, "{hours}:{minutes:02}")?;
    } else {
        write!(f, "{minutes}")?;
    }
    write!(f, ":{seconds:02}.{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use emocue_link::consent::Code;
    use emocue_models::label::Expression;

    use super::*;
    use crate::show::{art, fixture, language};

    fn told(report: &FrameReport) -> String {
        ReportLine(report, language::english()).to_string()
    }

    fn line(source: &str, time_ms: Option<u64>, screen: impl Into<Screen>) -> String {
        told(&fixture::report(source, 0, time_ms, screen))
    }

    #[test]
    fn a_line_names_the_picture_or_the_time() {
        let happy = Answer::Looks(Expression::Happiness);
        assert_eq!(line("astronaut.jpg", None, happy), "astronaut.jpg: looks happy (93 %)");
        assert_eq!(line("clip.y4m", Some(3200), Answer::NoFace), "0:03.200 no face");
        assert_eq!(line("clip.y4m", Some(3_661_001), Answer::Unsure), "1:01:01.001 unsure");
    }

    #[test]
    fn a_file_name_cannot_steer_the_terminal() {
        assert_eq!(line("a\x1b[2Jb\n", None, Screen::Paused), "a\\u001b[2Jb\\u000a: paused");
    }

    #[test]
    fn a_line_says_that_the_panel_shows_one_of_many_faces() {
        let mut report = fixture::report("group.jpg", 0, None, Answer::Looks(Expression::Fear));
        report.faces.resize_with(28, || fixture::face([0.0, 0.0, 9.0, 9.0], Answer::Unsure, 0.2));
        let line = told(&report);
        assert!(line.ends_with("(93 %), one of 28 faces"), "{line}");
    }

    #[test]
    fn a_probability_that_does_not_belong_to_the_shown_answer_is_left_out() {
        let mut report = fixture::report("a", 0, None, Answer::Looks(Expression::Fear));
        report.shown = Screen::looks(Expression::Anger);
        assert_eq!(told(&report), "a: looks angry");
    }

    #[test]
    fn a_question_is_told_with_its_code_and_what_to_do() {
        let question =
            |counts| Screen::Question { ask: Ask::OlderBundle, code: Code::new(1), counts };
        let told = line("a", None, question(false));
        assert_eq!(told, "a: Return to older? 0000 0000 0000 0001: same on computer?");
        assert!(line("a", None, question(true)).ends_with("0001: hold 3s yes, tap no"));
    }

    #[test]
    fn nothing_is_certain() {
        let mut report = fixture::report("a", 0, None, Answer::Looks(Expression::Happiness));
        report.faces[0].probabilities[1] = 0.9999;
        assert_eq!(told(&report), "a: looks happy (99 %)");
    }

    #[test]
    fn a_line_is_in_the_chosen_language() {
        let report = fixture::report("a.jpg", 0, None, Answer::Looks(Expression::Happiness));
        let german = language::load("de").unwrap();
        assert_eq!(ReportLine(&report, german).to_string(), "a.jpg: wirkt fr\u{f6}hlich (93 %)");
    }

    #[test]
    fn english_questions_are_those_of_the_host() {
        for ask in Ask::ALL {
            assert_eq!(question(ask, &language::english().questions), ask.words());
        }
        for expression in Expression::ALL {
            let words = words(Screen::looks(expression), language::english());
            assert_eq!((words.above, words.wide), ("looks", expression.adjective()));
        }
    }

    #[test]
    fn the_narrow_word_is_the_wide_one_broken_between_words_only() {
        for screen in art::SCREENS {
            let Words { wide, narrow, .. } = words(screen, language::english());
            let question = matches!(screen, Screen::Question { .. });
            assert!(question || narrow.join(" ") == wide, "{wide}");
        }
    }
}
