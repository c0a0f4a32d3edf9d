//! systemd's watchdog: a badge that is stuck stops sending keep-alive messages, and is restarted.

use std::time::{Duration, Instant};

/// A capture thread that has been at one frame for longer is stuck: a camera answers or times out within a second
/// or two.
pub(super) const STUCK: Duration = Duration::from_secs(10);

/// Notifies the service manager, if there is one: `sd_notify(3)`.
#[derive(Debug)]
pub struct Watchdog {
    interval: Option<Duration>,
    next: Option<Instant>,
}

impl Watchdog {
    /// Configured by the environment (`NOTIFY_SOCKET`, `WATCHDOG_USEC`); outside of a service it does nothing.
    pub fn from_env() -> Self {
        Self { interval: interval(), next: None }
    }

    /// Reports that the badge is ready.
    pub fn ready(&self) {
        tell(WatchdogState::Ready);
    }

    /// Reports that the program is ending. Not before a restart of the loop: systemd would kill the service after
    /// `TimeoutStopSec`.
    pub fn stopping(&self) {
        tell(WatchdogState::Stopping);
    }

    /// Called often; sends a keep-alive message when it is due and `well` is true.
    pub fn feed(&mut self, now: Instant, well: bool) {
        if let Some(interval) = self.interval
            && well
            && self.next.is_none_or(|next| now >= next)
        {
            self.next = Some(now + interval);
            tell(WatchdogState::Well);
        }
    }
}

enum WatchdogState {
    Ready,
    Well,
    Stopping,
}

/// Half of the timeout, as the manual recommends.
#[cfg(target_os = "linux")]
fn interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|allowed| allowed / 2)
}

/// A failure is ignored: nothing can be done if the manager does not listen.
#[cfg(target_os = "linux")]
fn tell(state: WatchdogState) {
    use sd_notify::NotifyState;

    let _ = sd_notify::notify(&[match state {
        WatchdogState::Ready => NotifyState::Ready,
        WatchdogState::Well => NotifyState::Watchdog,
        WatchdogState::Stopping => NotifyState::Stopping,
    }]);
}

#[cfg(not(target_os = "linux"))]
fn interval() -> Option<Duration> {
    None
}

#[cfg(not(target_os = "linux"))]
fn tell(_: WatchdogState) {}
