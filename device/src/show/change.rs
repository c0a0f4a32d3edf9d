//! Whether a report says something new.

use crate::answer::{FrameReport, Screen};

/// Remembers what was shown last, so that displays act on a change only.
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
    /// Same source, another answer: a stream moved on.
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

    /// Whatever the next report says, it is shown anew.
    pub(crate) fn renew(&mut self) {
        self.renewed = true;
    }
}
