//! A damaged state folder: its pointer, its slots, all of it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::boot::{Badge, May, Runs, allowed, done};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, NEWEST, ONE, Reported, TWO, Verdict};
use super::namespace::Namespace;
use super::tree::Tree;
use crate::Result;
use emocue_link::random::Random;

/// Number of changed bytes of the pointer, and of bit flips of each slot, in a quick run.
const QUICK: usize = 40;

/// Number of bit flips of each slot in a full run.
const FLIPS: usize = 200;

/// One in this many random damages is followed by the installation of another release.
const RECOVERS: usize = 5;

/// Length of a sparse file larger than any bundle, bytes.
const HUGE: u64 = 1 << 32;

/// The badge before the damage: release 1 confirmed in one slot, release 2 on trial in the other.
struct Whole<'lab> {
    lab: &'lab Lab,
    disk: Tree,
    /// The slots of the releases.
    slots: [String; 2],
}

impl<'lab> Whole<'lab> {
    fn new(lab: &'lab Lab) -> Reported<Self> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let badge = Badge::new(lab, folder.path())?;
        badge.install(ONE)?;
        badge.confirm()?;
        badge.install(TWO)?;
        let status = badge.status()?;
        let slot_of = |version| {
            let slot = status.slots.iter().find(|(_, slot)| slot.content_version == Some(version));
            let told = || format!("no slot has release {version}: {status:?}");
            slot.map(|(slot, _)| slot.clone()).ok_or_else(told)
        };
        Ok(Self { lab, disk: badge.tree()?, slots: [slot_of(ONE)?, slot_of(TWO)?] })
    }

    fn copy(&self, folder: &Path) -> Reported<Badge<'lab>> {
        Badge::with(self.lab, folder, &self.disk)
    }
}

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let whole = Whole::new(lab)?;
    let mut cases = pointer(&whole)?;
    cases.extend(slots(&whole)?);
    cases.extend(folders(&whole));
    group.run(cases)
}

fn pointer_of(badge: &Badge<'_>) -> PathBuf {
    badge.state().join("slots/state")
}

fn slot_file(badge: &Badge<'_>, slot: &str) -> PathBuf {
    badge.state().join(format!("slots/{slot}.emocue"))
}

fn write(path: &Path, bytes: &[u8]) -> Verdict {
    fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn read(path: &Path) -> Reported<Vec<u8>> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The file that names the slot to run: truncated at every length, zeros, noise, every byte changed.
fn pointer<'a>(whole: &'a Whole<'_>) -> Result<Vec<Case<'a>>> {
    let (lab, folder) = (whole.lab, tempfile::tempdir()?);
    let bytes = read(&pointer_of(&whole.copy(folder.path())?))?;
    let mut random = Random::of(lab.seed, "pointer");
    let most = if lab.quick { QUICK } else { usize::MAX };
    let mut damages: Vec<(String, Vec<u8>)> = Vec::new();
    for length in random.sample(bytes.len(), most) {
        damages.push((format!("pointer-cut-{length}"), bytes[..length].to_vec()));
    }
    for at in random.sample(bytes.len(), most) {
        let mut changed = bytes.clone();
        changed[at] = random.other_byte(changed[at]);
        damages.push((format!("pointer-byte-{at}"), changed));
    }
    damages.push(("pointer-zeros".into(), vec![0; bytes.len()]));
    damages.push(("pointer-long".into(), [bytes.clone(), vec![b'x'; 100_000]].concat()));
    for noise in 0..10 {
        damages.push((format!("pointer-noise-{noise}"), random.bytes(bytes.len())));
    }
    let case = |(at, (name, damaged)): (usize, (String, Vec<u8>))| {
        let recovers = at.is_multiple_of(RECOVERS);
        Case::new(name, move |folder| {
            let badge = whole.copy(folder)?;
            write(&pointer_of(&badge), &damaged)?;
            // Both slots are valid, but it is unknown which of them was confirmed.
            badge.boots(&May::run(&[ONE, TWO]))?;
            badge.status()?;
            if recovers { badge.takes(NEWEST) } else { Ok(()) }
        })
    };
    Ok(damages.into_iter().enumerate().map(case).collect())
}

/// How a slot's file is damaged.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Zeros,
    Empty,
    Missing,
    Folder,
    LinkToNowhere,
    Huge,
    Pipe,
}

impl Damage {
    fn inflict(self, path: &Path) -> Verdict {
        let told = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut bytes = read(path)?;
        match self {
            Self::Cut(length) => bytes.truncate(length),
            Self::Flip(at, mask) => bytes[at] ^= mask,
            Self::Zeros => bytes.fill(0),
            Self::Empty => bytes.clear(),
            _ => {
                fs::remove_file(path).map_err(told)?;
                return match self {
                    Self::Folder => fs::create_dir(path).map_err(told),
                    Self::LinkToNowhere => symlink("nowhere/at/all", path).map_err(told),
                    Self::Huge => {
                        File::create(path).and_then(|file| file.set_len(HUGE)).map_err(told)
                    }
                    Self::Pipe => super::bombs::pipe(path),
                    _ => Ok(()),
                };
            }
        }
        write(path, &bytes)
    }
}

/// The slots: one or both of them damaged.
fn slots<'a>(whole: &'a Whole<'_>) -> Result<Vec<Case<'a>>> {
    let lab = whole.lab;
    let size = fs::metadata(lab.release(ONE)?)?.len() as usize;
    let mut random = Random::of(lab.seed, "slots");
    let most = if lab.quick { QUICK } else { FLIPS };
    let mut damages = vec![
        ("zeros".to_owned(), Damage::Zeros),
        ("empty".to_owned(), Damage::Empty),
        ("missing".to_owned(), Damage::Missing),
        ("folder".to_owned(), Damage::Folder),
        ("link".to_owned(), Damage::LinkToNowhere),
        ("huge".to_owned(), Damage::Huge),
        ("pipe".to_owned(), Damage::Pipe),
    ];
    for at in random.sample(size, most / 4) {
        damages.push((format!("cut-{at}"), Damage::Cut(at)));
    }
    for at in random.sample(size, most) {
        damages.push((format!("flip-{at}"), Damage::Flip(at, 1 << random.below(8))));
    }
    let mut cases = Vec::new();
    for (name, damage) in damages {
        for (which, slots, may) in [
            ("confirmed", &whole.slots[..1], May::run(&[TWO])),
            ("trial", &whole.slots[1..], May::run(&[ONE])),
            ("both", &whole.slots[..], May::default().or_embedded()),
        ] {
            let recovers = match damage {
                Damage::Flip(at, _) | Damage::Cut(at) => at.is_multiple_of(RECOVERS),
                _ => true,
            };
            // Both slots only for one flip in four.
            if which == "both" && matches!(damage, Damage::Flip(at, _) if at % 4 != 0) {
                continue;
            }
            cases.push(Case::new(format!("{which}-{name}"), move |folder| {
                let badge = whole.copy(folder)?;
                for slot in slots {
                    damage.inflict(&slot_file(&badge, slot))?;
                }
                tells(badge.boots(&may)?)?;
                badge.status()?;
                if recovers { badge.takes(NEWEST) } else { Ok(()) }
            }));
        }
    }
    Ok(cases)
}

/// When a bundle was installed, the badge must report that it runs the embedded one.
fn tells(runs: Runs) -> Verdict {
    if runs == (Runs::Embedded { said: false }) {
        return Err("it runs the bundle inside the program and does not say so".into());
    }
    Ok(())
}

/// The folder itself.
fn folders<'a>(whole: &'a Whole<'_>) -> Vec<Case<'a>> {
    let told = |e: std::io::Error| e.to_string();
    let mut cases = vec![
        Case::new("folder-missing", move |folder| {
            let badge = whole.copy(folder)?;
            fs::remove_dir_all(badge.state()).map_err(told)?;
            badge.boots(&May::default().or_embedded())?;
            badge.status()?;
            badge.takes(NEWEST)
        }),
        Case::new("folder-is-a-file", move |folder| {
            let badge = whole.copy(folder)?;
            fs::remove_dir_all(badge.state()).map_err(told)?;
            write(&badge.state(), b"not a folder")?;
            badge.boots(&May::default().or_embedded())?;
            refused(&badge)
        }),
        Case::new("slots-are-a-file", move |folder| {
            let badge = whole.copy(folder)?;
            let slots = badge.state().join("slots");
            fs::remove_dir_all(&slots).map_err(told)?;
            write(&slots, b"not a folder")?;
            badge.boots(&May::default().or_embedded())?;
            refused(&badge)
        }),
        Case::new("pointer-missing", move |folder| {
            let badge = whole.copy(folder)?;
            fs::remove_file(pointer_of(&badge)).map_err(told)?;
            badge.boots(&May::run(&[ONE, TWO]).or_embedded())?;
            badge.takes(NEWEST)
        }),
        Case::new("pointer-is-a-folder", move |folder| {
            let badge = whole.copy(folder)?;
            fs::remove_file(pointer_of(&badge)).map_err(told)?;
            fs::create_dir(pointer_of(&badge)).map_err(told)?;
            badge.boots(&May::run(&[ONE, TWO]).or_embedded()).map(drop)
        }),
    ];
    match Namespace::find() {
        Some(namespace) => {
            cases.push(Case::new("folder-read-only", move |folder| {
                let badge = whole.copy(folder)?;
                let disk = badge.disk.display().to_string();
                let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
                let run = |command| done(&mut namespace.prepared(mount, &[&disk], &command));
                // A trial start that cannot be counted may be left out.
                allowed(badge.answered(&run(badge.start())?)?, &May::run(&[ONE, TWO]))?;
                let status = run(badge.slot(&["status", "--json"]))?;
                if status.code != Some(0) {
                    return Err(format!("slot status on a read-only disk: {}", status.told()));
                }
                let install = run(badge.install_command(NEWEST)?)?;
                if install.code != Some(7) {
                    return Err(format!("slot install on a read-only disk: {}", install.told()));
                }
                badge.takes(NEWEST)
            }));
        }
        None => println!("  no read-only folder: this machine lets nobody mount one"),
    }
    cases
}

/// An installation reports that the state folder cannot be used.
fn refused(badge: &Badge<'_>) -> Verdict {
    let install = done(&mut badge.install_command(NEWEST)?)?;
    if install.code == Some(7) {
        return Ok(());
    }
    Err(format!("slot install into something that is not a folder: {}", install.told()))
}
