//! What happens to a badge under load, in an order that a seed draws.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use emocue_link::random::Random;

use super::badge::Badge;
use super::camera::Camera;
use super::host::Host;
use crate::Result;

/// Frames that a badge looks at before anything else happens.
const AFTER: u64 = 60;

/// A press that answers a question begins so long after it was asked at the earliest.
const READ: Duration = Duration::from_millis(2_600);

/// The longest time that something is unplugged or paused.
const LONGEST_MS: usize = 2_500;

/// How many visitors come one after the other.
const VISITORS: usize = 4;

/// Bytes of a bundle that come before the cable is pulled, at most.
const CUT: usize = 1_200_000;

/// Looks that were under way when the badge paused, and what was written and not read yet.
const UNDER_WAY: u64 = 30;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// The camera is unplugged, and plugged in again.
    Unplug,
    /// The wearer pauses, and resumes.
    Pause,
    /// A bundle comes by cable, is tried and kept.
    Flash,
    /// Settings come by cable, and the wearer agrees.
    Configure,
    /// The cable is pulled in the middle of a bundle.
    Pull,
    /// Hosts on the badge itself come, and leave without a word.
    Visit,
}

impl Disturbance {
    pub(super) const ALL: [Self; 6] =
        [Self::Unplug, Self::Pause, Self::Flash, Self::Configure, Self::Pull, Self::Visit];

    /// What a table of them says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unplug => "camera unplugged",
            Self::Pause => "paused and resumed",
            Self::Flash => "bundles flashed",
            Self::Configure => "settings changed",
            Self::Pull => "cable pulled in a transfer",
            Self::Visit => "visitors left",
        }
    }
}

/// Draws what happens next: each kind once, in any order, then again.
pub(super) struct Schedule {
    random: Random,
    round: Vec<Disturbance>,
    counts: [u64; Disturbance::ALL.len()],
    /// Transfers that went on where another one was cut.
    continued: u64,
    /// Whether the badge holds a transfer open that was cut.
    is_cut: bool,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        let random = Random::of(seed, "disturbances");
        Self { random, round: Vec::new(), counts: Default::default(), continued: 0, is_cut: false }
    }

    /// Whether the badge holds a transfer open that was cut: its file and its bytes are there until the next bundle.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How often each happened, and how many transfers went on where another one was cut.
    pub(super) fn told(&self) -> String {
        let counts = Disturbance::ALL.into_iter().zip(self.counts);
        let told: Vec<_> = counts.map(|(kind, count)| format!("{} {count}", kind.name())).collect();
        format!("{}; transfers continued {}", told.join(", "), self.continued)
    }

    fn draw(&mut self) -> Disturbance {
        if self.round.is_empty() {
            self.round.extend(Disturbance::ALL);
        }
        self.round.swap_remove(self.random.below(self.round.len()))
    }

    /// Has the next one happen, and sees that the badge looks at frames after it as before.
    pub(super) fn next(
        &mut self,
        badge: &mut Badge,
        camera: &Camera,
        host: &mut Host,
    ) -> Result<()> {
        let kind = self.draw();
        self.counts[kind as usize] += 1;
        let wait = Duration::from_millis(self.random.below(LONGEST_MS) as u64);
        let since = badge.now();
        let done = match kind {
            Disturbance::Unplug => unplug(badge, camera, since, wait),
            Disturbance::Pause => pause(badge, since, wait),
            Disturbance::Flash => self.flash(badge, host, since),
            Disturbance::Configure => self.configure(badge, host, since),
            Disturbance::Pull => self.pull(host, wait),
            Disturbance::Visit => (0..VISITORS).try_for_each(|_| host.visit()),
        };
        done.and_then(|()| badge.looks_on(AFTER))
            .map_err(|error| format!("{}: {error}", kind.name()).into())
    }

    fn flash(&mut self, badge: &mut Badge, host: &mut Host, since: usize) -> Result<()> {
        let (release, is_continued) = host.flash()?;
        self.continued += u64::from(is_continued);
        self.is_cut = false;
        badge.says(&format!(": default {release}, on trial"), since)?;
        badge.says("ran well and is confirmed", since)
    }

    fn configure(&mut self, badge: &mut Badge, host: &mut Host, since: usize) -> Result<()> {
        let text = format!(
            "[led]\nbrightness = {}\n[look]\nsearch_hz = {}.0\n",
            1 + self.random.below(100),
            1 + self.random.below(9),
        );
        let wearer = RefCell::new(&mut *badge);
        host.configure(&text, || {
            let mut wearer = wearer.borrow_mut();
            wearer.says("a host asks", since)?;
            thread::sleep(READ);
            wearer.press("h")
        })?;
        badge.says("starts again with another bundle or configuration", since)
    }

    fn pull(&mut self, host: &mut Host, wait: Duration) -> Result<()> {
        self.is_cut = true;
        host.flash_until(self.random.below(CUT) as u32)?;
        thread::sleep(wait);
        host.plug()?;
        host.status().map(drop)
    }
}

fn unplug(badge: &mut Badge, camera: &Camera, since: usize, wait: Duration) -> Result<()> {
    camera.unplug(true);
    let missed = badge.says("camera missing", since);
    thread::sleep(wait);
    camera.unplug(false);
    missed
}

fn pause(badge: &mut Badge, since: usize, wait: Duration) -> Result<()> {
    badge.press("l")?;
    badge.says("paused: the camera is closed", since)?;
    let before = badge.looks();
    thread::sleep(wait);
    let unseen = badge.looks() - before;
    badge.press("l")?;
    match unseen {
        0..=UNDER_WAY => Ok(()),
        _ => Err(format!("it looked at {unseen} frames while it was paused").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_once_in_a_round_and_a_seed_repeats_them() {
        let mut schedule = Schedule::new(1);
        let round: Vec<_> = (0..Disturbance::ALL.len()).map(|_| schedule.draw()).collect();
        assert!(Disturbance::ALL.iter().all(|kind| round.contains(kind)), "{round:?}");
        let mut same = Schedule::new(1);
        assert!(round.iter().all(|kind| same.draw() == *kind));
    }
}
