//! Detects whether a report shows something new.

use crate::answer::{FrameReport, Screen};

/// Stores what was shown last, so that displays act only on a change.
#[derive(Debug, Default)]
pub(crate) struct ScreenChange {
    source: String,
    shown: Option<Screen>,
    renewed: bool,
}

/// How a report differs from the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Same source, same answer.
    None,
    /// Same source, another answer: a stream continued.
    Answer,
    /// The first report or another source: each still picture of a folder is one.
    Source,
}

impl ScreenChange {
    /// Compares with the last report and remembers this one.
    pub(crate) fn see(&mut self, report: &FrameReport) -> News {
        let news = match self.shown {
            Some(shown) if self.source == report.source => {
                if shown == report.shown && !self.renewed { News::None } else { News::Answer }
            }
            _ => News::Source,
        };
        if news == News::Source {
            self.source.clone_from(&report.source);
        }
        self.shown = Some(report.shown);
        self.renewed = false;
        news
    }

    /// The next report counts as new in every case.
    pub(crate) fn renew(&mut self) {
        self.renewed = true;
    }
}
