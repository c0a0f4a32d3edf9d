//! What a live badge counts for its hosts.

use std::time::{Duration, Instant};

/// How old frames were when they were shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ages {
    count: u64,
    sum: Duration,
}

impl Ages {
    pub(super) fn add(&mut self, age: Duration) {
        self.count += 1;
        self.sum += age;
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self { count: self.count - earlier.count, sum: self.sum.saturating_sub(earlier.sum) }
    }

    /// `None` where no frame had an age.
    pub(super) fn mean(self) -> Option<Duration> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.sum.checked_div(count)
    }
}

/// What the hub got last.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) since: Option<Instant>,
    pub(super) shown: u64,
    pub(super) ages: Ages,
}
