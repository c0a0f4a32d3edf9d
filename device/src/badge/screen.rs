//! What the screen shows: the answer, or that the badge is paused, has no camera, or has a low battery.

use std::time::{Duration, Instant};

use emocue_models::label::LabelSet;

use crate::answer::{FrameReport, Screen};

/// How long the low-battery picture covers the screen, and the interval between repeats.
const BATTERY_SHOWN: Duration = Duration::from_secs(5);
const BATTERY_AGAIN: Duration = Duration::from_secs(60);

/// How long an announcement covers the screen: a session's last minute, or a reminder of a break.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// The badge's own state, and the report that shows it.
pub(super) struct ScreenState {
    /// Whether the wearer paused it.
    pub(super) paused: bool,
    /// Whether the camera is missing.
    pub(super) missing: bool,
    report: FrameReport,
    /// The screen that is shown when nothing covers it.
    screen: Screen,
    /// The question that waits for the button.
    question: Option<Screen>,
    /// When the low-battery picture ends, or is shown again.
    battery: Option<(Cover, Instant)>,
    /// What is announced, and until when.
    announced: Option<(Screen, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Shown,
    Hidden,
}

impl ScreenState {
    /// The state at the start; `labels` are those of the reports.
    pub(super) fn new(labels: LabelSet, paused: bool) -> Self {
        let report = FrameReport { source: "badge".to_owned(), ..FrameReport::starting(labels) };
        let screen = Screen::Starting;
        Self {
            paused,
            missing: false,
            report,
            screen,
            question: None,
            battery: None,
            announced: None,
        }
    }

    /// Records what vision reports.
    pub(super) fn see(&mut self, report: &FrameReport) {
        // Displays distinguish a new source from a new answer by its name.
        self.report.source.clone_from(&report.source);
        self.screen = report.shown;
    }

    /// The report that shows `screen`, or what covers it.
    pub(super) fn show(&mut self, screen: Screen) -> &FrameReport {
        self.screen = screen;
        self.shown()
    }

    /// The report of the current screen.
    pub(super) fn shown(&mut self) -> &FrameReport {
        self.report.shown = self.cover().unwrap_or(self.screen);
        self.report.index += 1;
        &self.report
    }

    /// What covers the screen now: a question anything, a low battery and announcements neither the wearer's consent nor
    /// the sign that pictures are stored.
    pub(super) fn cover(&self) -> Option<Screen> {
        match self.battery {
            _ if self.question.is_some() => self.question,
            _ if matches!(self.screen, Screen::Keep { .. } | Screen::KeepsPictures { .. }) => None,
            Some((Cover::Shown, _)) => Some(Screen::LowBattery),
            _ if !self.paused => self.announced.map(|(screen, _)| screen),
            _ => None,
        }
    }

    /// Sets or clears the question that waits for the button.
    pub(super) fn ask(&mut self, question: Option<Screen>) -> &FrameReport {
        self.question = question;
        self.shown()
    }

    /// Called about once a second, with whether the battery is low and what to announce; returns whether the screen has
    /// changed.
    pub(super) fn tick(&mut self, low: bool, announced: Option<Screen>, now: Instant) -> bool {
        let before = self.cover();
        if let Some(screen) = announced {
            self.announced = Some((screen, now + ANNOUNCED));
        } else if self.announced.is_some_and(|(_, until)| now >= until) {
            self.announced = None;
        }
        self.battery = match self.battery {
            _ if !low => None,
            None => Some((Cover::Shown, now + BATTERY_SHOWN)),
            Some((Cover::Shown, until)) if now >= until => {
                Some((Cover::Hidden, now + BATTERY_AGAIN))
            }
            Some((Cover::Hidden, until)) if now >= until => {
                Some((Cover::Shown, now + BATTERY_SHOWN))
            }
            unchanged => unchanged,
        };
        self.cover() != before
    }
}

#[cfg(test)]
mod tests {
    use emocue_link::consent::{Ask, Code};
    use emocue_models::label::FERPLUS_8;

    use super::*;
    use crate::answer::{Answer, Kept};

    const NO_FACE: Screen = Screen::Answer(Answer::NoFace);

    #[test]
    fn a_low_battery_shows_for_a_while_and_reminds_every_minute() {
        let mut state = ScreenState::new(FERPLUS_8, false);
        let start = Instant::now();
        state.show(NO_FACE);
        let said: Vec<_> = (0..140)
            .filter_map(|second| {
                let now = start + Duration::from_secs(second);
                state.tick(second >= 10, None, now).then(|| (second, state.shown().shown))
            })
            .collect();
        let (low, back) = (Screen::LowBattery, NO_FACE);
        assert_eq!(said, [(10, low), (15, back), (75, low), (80, back)]);
    }

    #[test]
    fn what_happens_under_the_battery_is_shown_after_it() {
        let mut state = ScreenState::new(FERPLUS_8, false);
        let start = Instant::now();
        state.tick(true, None, start);
        assert_eq!(state.show(Screen::Paused).shown, Screen::LowBattery);
        assert!(state.tick(false, None, start));
        assert_eq!(state.shown().shown, Screen::Paused);
    }

    #[test]
    fn a_question_covers_everything_until_it_is_over() {
        let mut state = ScreenState::new(FERPLUS_8, false);
        let start = Instant::now();
        state.tick(true, None, start);
        let question =
            Screen::Question { ask: Ask::NewSettings, code: Code::new(1), counts: false };
        assert_eq!(state.ask(Some(question)).shown, question);
        assert_eq!(state.show(NO_FACE).shown, question);
        assert!(!state.tick(false, None, start));
        assert_eq!(state.ask(None).shown, NO_FACE);
    }

    #[test]
    fn consent_and_stored_pictures_are_never_covered() {
        let answer = Answer::NoFace;
        for screen in [
            Screen::Keep { kept: Kept::Pictures, counts: false },
            Screen::KeepsPictures { answer, seconds_left: 60 },
        ] {
            let mut state = ScreenState::new(FERPLUS_8, false);
            let start = Instant::now();
            state.tick(true, Some(Screen::Break), start);
            assert_eq!(state.show(NO_FACE).shown, Screen::LowBattery);
            assert_eq!(state.show(screen).shown, screen);
        }
    }

    #[test]
    fn a_last_minute_is_announced_for_a_while_and_never_over_a_pause() {
        let mut state = ScreenState::new(FERPLUS_8, false);
        let start = Instant::now();
        state.show(NO_FACE);
        let said: Vec<_> = (0..60)
            .filter_map(|second| {
                let now = start + Duration::from_secs(second);
                state
                    .tick(false, (second == 10).then_some(Screen::LastMinute), now)
                    .then(|| (second, state.shown().shown))
            })
            .collect();
        assert_eq!(said, [(10, Screen::LastMinute), (15, NO_FACE)]);
        assert!(state.tick(false, Some(Screen::Break), start));
        state.paused = true;
        assert_eq!(state.show(Screen::Paused).shown, Screen::Paused);
    }
}
