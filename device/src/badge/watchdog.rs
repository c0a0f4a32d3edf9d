//! systemd's watchdog: a badge that is stuck stops telling that it is well, and is started again.

use std::time::{Duration, Instant};

/// A capture thread that has been at one frame for longer is stuck: a camera answers or times out within a second
/// or two.
pub(super) const STUCK: Duration = Duration::from_secs(10);

/// Tells the service manager how the badge is, where one asks: `sd_notify(3)`.
#[derive(Debug)]
pub struct Watchdog {
    interval: Option<Duration>,
    next: Option<Instant>,
}

impl Watchdog {
    /// As the environment asks (`NOTIFY_SOCKET`, `WATCHDOG_USEC`); outside of a service it does nothing.
    pub fn from_env() -> Self {
        Self { interval: interval(), next: None }
    }

    /// The badge works.
    pub fn ready(&self) {
        tell(WatchdogState::Ready);
    }

    /// The badge ends on purpose.
    pub fn stopping(&self) {
        tell(WatchdogState::Stopping);
    }

    /// Called often; tells that all is well when it is time to.
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

/// Twice in the time that is allowed, as its manual recommends.
#[cfg(target_os = "linux")]
fn interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|allowed| allowed / 2)
}

/// Nothing helps a badge whose manager does not listen, so that failure is not an error.
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
