//! Signals that ask a program to stop, as both programs count them.

use std::time::{Duration, Instant};

/// Signals within this time of the first are one request: `timeout` and other wrappers signal a program and then its
/// process group, which includes the program.
const ONE_REQUEST: Duration = Duration::from_millis(500);

/// Counts requests to stop.
#[derive(Debug, Default)]
pub struct StopRequests(Option<Instant>);

impl StopRequests {
    /// Counts a signal that came at `now`. True if it is a second request, at which a program exits at once.
    pub fn again(&mut self, now: Instant) -> bool {
        let first = *self.0.get_or_insert(now);
        now.saturating_duration_since(first) >= ONE_REQUEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_is_one_request() {
        let mut requests = StopRequests::default();
        let start = Instant::now();
        let again =
            [0, 0, 1, 499, 500, 90_000].map(|ms| requests.again(start + Duration::from_millis(ms)));
        assert_eq!(again, [false, false, false, false, true, true]);
    }
}
