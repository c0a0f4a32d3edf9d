//! The faults in a roll-out: of the bundle, of boards, of wearers and of connections.

/// A scenario; shares are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scenario {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// Share of boards on which the new bundle fails its self-test.
    pub(super) fails_test: f64,
    /// Share of boards on which it ends the program within its first minute.
    pub(super) fails_minute: f64,
    /// Whether there is a pause rule.
    pub(super) pauses: bool,
}

/// The scenarios; each is rolled out to a fleet of its own.
pub(super) const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "good", fails_test: 0.0, fails_minute: 0.0, pauses: true },
    Scenario { name: "bad on 1 %", fails_test: 0.005, fails_minute: 0.005, pauses: true },
    Scenario { name: "bad on 5 %", fails_test: 0.0, fails_minute: 0.05, pauses: true },
    Scenario { name: "bad on 30 %", fails_test: 0.1, fails_minute: 0.2, pauses: true },
    Scenario { name: "bad everywhere", fails_test: 0.0, fails_minute: 1.0, pauses: true },
    Scenario { name: "bad on 30 %, no rule", fails_test: 0.1, fails_minute: 0.2, pauses: false },
];

/// Share of installations with a power failure.
pub(super) const POWER_IN_INSTALLATION: f64 = 0.05;

/// Share of starts and confirmations with a power failure.
pub(super) const POWER_ELSEWHERE: f64 = 0.01;

/// Share of truncated or changed downloads.
pub(super) const DAMAGED_DOWNLOAD: f64 = 0.05;

/// Share of requests for the index that a hostile server answers.
pub(super) const HOSTILE: f64 = 0.02;

/// Share of days on which a badge loses its connection for 1 to 10 days.
pub(super) const OFFLINE: f64 = 0.03;

/// Share of trials that the wearer ends before the healthy minute.
pub(super) const SWITCHED_OFF: f64 = 0.05;
