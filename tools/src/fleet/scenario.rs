//! What a roll-out meets: the bundle's own faults, and those of boards, wearers and the way to them.

/// Shares are of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scenario {
    /// What the table calls it.
    pub(super) name: &'static str,
    /// Boards on which the new bundle fails its self-test.
    pub(super) fails_test: f64,
    /// Boards on which it ends the program within its first minute.
    pub(super) fails_minute: f64,
    /// Whether there is a pause rule.
    pub(super) pauses: bool,
}

/// Every one is rolled out to a fleet of its own.
pub(super) const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "good", fails_test: 0.0, fails_minute: 0.0, pauses: true },
    Scenario { name: "bad on 1 %", fails_test: 0.005, fails_minute: 0.005, pauses: true },
    Scenario { name: "bad on 5 %", fails_test: 0.0, fails_minute: 0.05, pauses: true },
    Scenario { name: "bad on 30 %", fails_test: 0.1, fails_minute: 0.2, pauses: true },
    Scenario { name: "bad everywhere", fails_test: 0.0, fails_minute: 1.0, pauses: true },
    Scenario { name: "bad on 30 %, no rule", fails_test: 0.1, fails_minute: 0.2, pauses: false },
];

/// An installation in which power fails.
pub(super) const POWER_IN_INSTALLATION: f64 = 0.05;

/// A start or a confirmation in which power fails.
pub(super) const POWER_ELSEWHERE: f64 = 0.01;

/// A download that arrives cut or changed.
pub(super) const DAMAGED_DOWNLOAD: f64 = 0.05;

/// A look at the channel that a hostile server answers.
pub(super) const HOSTILE: f64 = 0.02;

/// A day on which a badge loses its connection for 1 to 10 days.
pub(super) const OFFLINE: f64 = 0.03;

/// A trial that its wearer ends before the healthy minute.
pub(super) const SWITCHED_OFF: f64 = 0.05;
