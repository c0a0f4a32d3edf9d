//! What the badge says of itself: paused, without a camera, nearly empty.

use std::time::{Duration, Instant};

use emocue_models::label::LabelSet;

use crate::answer::{Answer, Report};

/// For how long the battery's picture covers the answer, and after how long again.
const BATTERY_SHOWN: Duration = Duration::from_secs(5);
const BATTERY_AGAIN: Duration = Duration::from_secs(60);

/// The badge's own state, and the report that shows it.
pub(super) struct Status {
    /// By the wearer's wish.
    pub(super) paused: bool,
    /// The camera gives nothing.
    pub(super) missing: bool,
    report: Report,
    /// What is shown when nothing covers it.
    answer: Answer,
    /// A question waits for the button.
    asking: bool,
    /// When the battery's picture goes, or comes again.
    battery: Option<(Cover, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Shown,
    Hidden,
}

impl Status {
    /// Starting; `labels` are those of the reports beside.
    pub(super) fn new(labels: LabelSet, paused: bool) -> Self {
        let report = Report { source: "badge".to_owned(), ..Report::starting(labels) };
        let answer = Answer::Starting;
        Self { paused, missing: false, report, answer, asking: false, battery: None }
    }

    /// Takes note of what vision reports; whether it is another answer than before.
    pub(super) fn see(&mut self, report: &Report) -> bool {
        // Displays tell a new source from a new answer by its name.
        self.report.source.clone_from(&report.source);
        let changed = self.answer != report.shown;
        self.answer = report.shown;
        changed
    }

    /// The report that shows `answer`, or what covers it.
    pub(super) fn say(&mut self, answer: Answer) -> &Report {
        self.answer = answer;
        self.shown()
    }

    /// The report that shows what is to be seen now.
    pub(super) fn shown(&mut self) -> &Report {
        self.report.shown = self.cover().unwrap_or(self.answer);
        self.report.index += 1;
        &self.report
    }

    /// What covers the answer just now.
    pub(super) fn cover(&self) -> Option<Answer> {
        match self.battery {
            _ if self.asking => Some(Answer::PressButton),
            Some((Cover::Shown, _)) => Some(Answer::LowBattery),
            _ => None,
        }
    }

    /// A question waits for the button, or is over.
    pub(super) fn ask(&mut self, asking: bool) -> &Report {
        self.asking = asking;
        self.shown()
    }

    /// Called about once a second; whether something else is to be shown now.
    pub(super) fn battery(&mut self, low: bool, now: Instant) -> bool {
        let before = self.cover();
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
    use emocue_models::label::FERPLUS_8;

    use super::*;

    #[test]
    fn a_low_battery_shows_for_a_while_and_reminds_every_minute() {
        let mut status = Status::new(FERPLUS_8, false);
        let start = Instant::now();
        status.say(Answer::NoFace);
        let said: Vec<_> = (0..140)
            .filter_map(|second| {
                let now = start + Duration::from_secs(second);
                status.battery(second >= 10, now).then(|| (second, status.shown().shown))
            })
            .collect();
        let (low, back) = (Answer::LowBattery, Answer::NoFace);
        assert_eq!(said, [(10, low), (15, back), (75, low), (80, back)]);
    }

    #[test]
    fn what_happens_under_the_battery_is_shown_after_it() {
        let mut status = Status::new(FERPLUS_8, false);
        let start = Instant::now();
        status.battery(true, start);
        assert_eq!(status.say(Answer::Paused).shown, Answer::LowBattery);
        assert!(status.battery(false, start));
        assert_eq!(status.shown().shown, Answer::Paused);
    }

    #[test]
    fn a_question_covers_everything_until_it_is_over() {
        let mut status = Status::new(FERPLUS_8, false);
        let start = Instant::now();
        status.battery(true, start);
        assert_eq!(status.ask(true).shown, Answer::PressButton);
        assert_eq!(status.say(Answer::NoFace).shown, Answer::PressButton);
        assert!(!status.battery(false, start));
        assert_eq!(status.ask(false).shown, Answer::NoFace);
    }
}
