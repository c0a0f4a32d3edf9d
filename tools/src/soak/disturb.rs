//! Disturbances of a badge under load, in a random order from a seed.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use emocue_link::random::Random;

use super::badge::Badge;
use super::camera::Camera;
use super::host::Host;
use crate::Result;

/// Number of frames that a badge must process before the next disturbance.
const AFTER: u64 = 60;

/// Minimum time between a question and the button press that answers it.
const READ: Duration = Duration::from_millis(2_600);

/// Longest time of an unplugged camera or a pause, ms.
const LONGEST_MS: usize = 2_500;

/// Number of consecutive local sessions.
const VISITORS: usize = 4;

/// Largest number of bytes of a bundle before the cable is unplugged.
const CUT: usize = 1_200_000;

/// Number of frames that may still be reported after the pause: in processing, or written and not read yet.
const UNDER_WAY: u64 = 30;

/// A disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// The camera is unplugged, and plugged in again.
    Unplug,
    /// The wearer pauses, and resumes.
    Pause,
    /// A bundle is flashed over the cable and confirmed.
    Flash,
    /// Settings are sent over the cable, and the wearer agrees.
    Configure,
    /// The cable is unplugged during a transfer.
    Pull,
    /// Local hosts connect over the socket, and disconnect without ending the session.
    Visit,
}

impl Disturbance {
    pub(super) const ALL: [Self; 6] =
        [Self::Unplug, Self::Pause, Self::Flash, Self::Configure, Self::Pull, Self::Visit];

    /// Its name in the table.
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

/// Draws the disturbances: each kind once in random order, then again.
pub(super) struct Schedule {
    random: Random,
    round: Vec<Disturbance>,
    counts: [u64; Disturbance::ALL.len()],
    /// Number of transfers that resumed an interrupted one.
    continued: u64,
    /// Whether the badge holds an interrupted transfer open.
    is_cut: bool,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        let random = Random::of(seed, "disturbances");
        Self { random, round: Vec::new(), counts: Default::default(), continued: 0, is_cut: false }
    }

    /// Whether the badge holds an interrupted transfer open; its open file and its memory remain until the next bundle.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Text with the number of each disturbance, and of resumed transfers.
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

    /// Runs the next disturbance, and checks that the badge processes frames after it.
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
            Disturbance::Unplug => unplug(badge, camera, wait),
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

fn unplug(badge: &mut Badge, camera: &Camera, wait: Duration) -> Result<()> {
    camera.unplug(true);
    let missed = badge.misses_its_camera();
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
