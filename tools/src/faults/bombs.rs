//! Invalid bundles: changed, truncated, unsigned, foreign, old, endless.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::boot::{Badge, May, done};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, Reported, THREE, TWO, Verdict};
use super::process::finish;
use super::tree::Tree;
use crate::Result;
use emocue_link::random::Random;

/// Number of byte changes in a bundle's payload; in its header and its end every byte is changed once.
const FLIPS: usize = 400;

/// The same in a quick run.
const QUICK: usize = 60;

/// Length of the header, up to the manifest, bytes.
const HEADER: usize = 48;

/// Length of the end with the signature, bytes.
const END: usize = 160;

/// Numbers in the header: offset and length, bytes.
const NUMBERS: [(usize, usize); 3] = [(8, 2), (10, 2), (12, 4)];

/// Limit of the address space, KiB (`ulimit -v`): a badge needs less, one that reads its whole input into memory needs
/// more.
const MEMORY: &str = "600000";

/// Refusing a bundle takes less, even on a machine under load.
const QUICKLY: Duration = Duration::from_secs(5);

/// Length of a sparse file larger than any bundle, bytes.
const HUGE: u64 = 1 << 36;

/// The confirmed release in the slot.
const OLD: u64 = TWO;

/// The release that is changed to make invalid bundles.
const NEW: u64 = THREE;

/// What is passed to the badge.
enum Bomb {
    /// The release, changed.
    Changed(Change),
    /// An existing file.
    At(std::path::PathBuf),
    /// The release, followed by a hole up to [`HUGE`].
    Huge,
    /// A named pipe without a writer.
    Pipe,
}

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let good = &fs::read(lab.release(NEW)?)?;
    let disk = &prepared(lab)?;
    let mut bombs = vec![
        ("unsigned".to_owned(), Bomb::At(lab.unsigned())),
        ("foreign".to_owned(), Bomb::At(lab.foreign(NEW)?)),
        ("downgrade".to_owned(), Bomb::At(lab.release(OLD - 1)?)),
        ("endless".to_owned(), Bomb::At("/dev/zero".into())),
        ("folder".to_owned(), Bomb::At(lab.pictures())),
        ("missing".to_owned(), Bomb::At("/nowhere/at/all.emocue".into())),
        ("huge".to_owned(), Bomb::Huge),
        ("pipe".to_owned(), Bomb::Pipe),
    ];
    bombs
        .extend(changes(lab, good).into_iter().map(|(name, change)| (name, Bomb::Changed(change))));
    let mut cases: Vec<_> = bombs
        .into_iter()
        .map(|(name, bomb)| Case::new(name, move |folder| refused(lab, folder, disk, good, &bomb)))
        .collect();
    cases.push(Case::new("downgrade-forced", move |folder| {
        let badge = Badge::with(lab, folder, disk)?;
        let mut command = badge.slot(&["install", "--force"]);
        command.arg(lab.release(OLD - 1).map_err(|e| e.to_string())?);
        taken(&mut command)?;
        badge.boots(&May::run(&[OLD - 1])).map(drop)
    }));
    cases.push(Case::new("older-than-the-program", move |folder| {
        let badge = Badge::new(lab, folder)?;
        let install = done(&mut badge.install_command(1)?)?;
        if install.code != Some(5) {
            return Err(format!("an older release than the program's own: {}", install.told()));
        }
        badge.boots(&May::default().or_embedded()).map(drop)
    }));
    cases.push(Case::new("again", move |folder| {
        let badge = Badge::with(lab, folder, disk)?;
        taken(&mut badge.install_command(OLD)?)?;
        badge.boots(&May::run(&[OLD])).map(drop)
    }));
    // Control case: the unchanged bundle is installed under the same limits.
    cases.push(Case::new("whole", move |folder| {
        let badge = Badge::with(lab, folder, disk)?;
        taken(&mut limited(&badge.install_command(NEW)?))?;
        badge.boots(&May::run(&[NEW])).map(drop)
    }));
    group.run(cases)
}

/// Makes an invalid bundle from a valid one when its case runs: all at once would take a gigabyte.
type Change = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;

/// All invalid bundles that result from changing, cutting and adding bytes.
fn changes(lab: &Lab, good: &[u8]) -> Vec<(String, Change)> {
    let mut random = Random::of(lab.seed, "bombs");
    let most = if lab.quick { QUICK } else { FLIPS };
    let mut all: Vec<(String, Change)> = Vec::new();
    let mut add = |name: String, change: Change| all.push((name, change));
    let size = good.len();
    let end = size.saturating_sub(END);
    let within = random.sample(end - HEADER, most).into_iter().map(|at| HEADER + at);
    for at in (0..HEADER).chain(within).chain(end..size) {
        let mask = random.other_byte(0);
        add(format!("byte-{at}"), Box::new(move |bytes| bytes[at] ^= mask));
    }
    for (at, count) in NUMBERS {
        for number in [0_u32, 1, 0x7fff_ffff, 0xffff_ffff, 0x00ff_ffff, size as u32] {
            let (place, number_bytes) = (at..at + count, number.to_le_bytes());
            if good[place.clone()] != number_bytes[..count] {
                let change = move |bytes: &mut Vec<u8>| {
                    bytes[place.clone()].copy_from_slice(&number_bytes[..count]);
                };
                add(format!("number-{at}-{number:x}"), Box::new(change));
            }
        }
    }
    for length in random.sample(size, most / 2) {
        add(format!("cut-{length}"), Box::new(move |bytes| bytes.truncate(length)));
    }
    for cut in [1, 2, 64, 65, 96, 97, 98] {
        add(format!("cut-end-{cut}"), Box::new(move |bytes| bytes.truncate(size - cut)));
    }
    for count in [1, 2, 98, 100_000] {
        let noise = random.bytes(count);
        add(format!("zeros-behind-{count}"), Box::new(move |b| b.resize(size + count, 0)));
        add(format!("noise-behind-{count}"), Box::new(move |b| b.extend_from_slice(&noise)));
    }
    let noise = random.bytes(size);
    add("twice".into(), Box::new(|bytes| bytes.extend_from_within(..)));
    add("zeros".into(), Box::new(|bytes| bytes.fill(0)));
    add("noise".into(), Box::new(move |bytes| bytes.clone_from(&noise)));
    add("empty".into(), Box::new(Vec::clear));
    all
}

/// The disk of a badge with the old release.
fn prepared(lab: &Lab) -> Reported<Tree> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let badge = Badge::new(lab, folder.path())?;
    badge.install(OLD)?;
    badge.confirm()?;
    badge.tree()
}

/// Passes a bundle that must be refused without any change of state.
fn refused(lab: &Lab, folder: &Path, disk: &Tree, good: &[u8], bomb: &Bomb) -> Verdict {
    let badge = Badge::with(lab, folder, disk)?;
    let path = folder.join("bomb.emocue");
    let told = |e: std::io::Error| e.to_string();
    let path = match bomb {
        Bomb::At(path) => path,
        Bomb::Changed(change) => {
            let mut bytes = good.to_vec();
            change(&mut bytes);
            fs::write(&path, bytes).map_err(told)?;
            &path
        }
        Bomb::Huge => {
            fs::copy(lab.release(NEW).map_err(|e| e.to_string())?, &path).map_err(told)?;
            File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_len(HUGE))
                .map_err(told)?;
            &path
        }
        Bomb::Pipe => {
            pipe(&path)?;
            &path
        }
    };
    let before = state(&badge)?;
    let begun = Instant::now();
    let install = done(&mut limited(&badge.install_file(path)))?;
    let took = begun.elapsed();
    if install.code != Some(5) {
        return Err(format!("the bundle is not refused: {}", install.told()));
    }
    if install.stderr.trim().is_empty() {
        return Err("the bundle is refused without a word".into());
    }
    if took > QUICKLY {
        return Err(format!("the bundle is refused after {took:?} only"));
    }
    if let Some(difference) = before.difference(&state(&badge)?) {
        return Err(format!("a refused bundle changes the state: {difference}"));
    }
    // An unchanged state starts in the same way, so only the other kinds need a start.
    if matches!(bomb, Bomb::Changed(_)) {
        return Ok(());
    }
    badge.boots(&May::run(&[OLD])).map(drop)
}

/// The contents of the state folder without locks.
fn state(badge: &Badge<'_>) -> Reported<Tree> {
    Ok(badge.tree()?.without("lock"))
}

fn taken(command: &mut Command) -> Verdict {
    let done = done(command)?;
    if done.code == Some(0) { Ok(()) } else { Err(format!("it is not taken: {}", done.told())) }
}

/// `command` with limited memory.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", MEMORY]);
    limited.arg(command.get_program()).args(command.get_args());
    if let Some(here) = command.get_current_dir() {
        limited.current_dir(here);
    }
    limited
}

/// Makes a named pipe.
pub(super) fn pipe(path: &Path) -> Verdict {
    let made = finish(Command::new("mkfifo").arg(path)).map_err(|e| e.to_string())?;
    if made.code == Some(0) { Ok(()) } else { Err(format!("mkfifo: {}", made.told())) }
}
