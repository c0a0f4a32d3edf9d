//! One host's view of the badge.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use emocue_link::message::{
    BadgeStatus, BundleSource, FileKind, JournalEntry, LogLine, MAX_CHUNK, MAX_LINES, Progress,
};
use emocue_link::server::MAX_CONFIG;
use emocue_link::{Badge, Inbox};

use emocue_journal::folder;
use emocue_link::consent::Ask;
use emocue_models::failure::line;

use super::hub::Hub;
use super::job::{Job, Programs};
use super::settings;
use crate::slots::consent::ConsentChannel;
use crate::slots::{Slot, Store};

/// A file whose host is silent for this time may be replaced by another host's.
const ABANDONED: Duration = Duration::from_secs(10);

/// A part of a file that is not continued is removed after this time.
const EXPIRES: Duration = Duration::from_secs(3600);

/// A self-test that failed is not run again within this time; one that succeeded is not run again for the same bundle.
const RETEST: Duration = Duration::from_secs(60);

/// State that all hosts share.
#[derive(Debug)]
pub struct BadgeService {
    hub: Arc<Hub>,
    programs: Programs,
    receiving: Mutex<Receiving>,
    job: Job,
    tested: Arc<Mutex<Option<SelfTested>>>,
    hosts: AtomicU32,
}

/// The last self-test's result, so that a host cannot keep the badge busy with it.
#[derive(Clone, Debug)]
struct SelfTested {
    running: BundleSource,
    /// The slots' state at that time.
    mark: Vec<u8>,
    outcome: Result<String, String>,
    at: Instant,
}

/// The file that is being received.
#[derive(Debug)]
struct Receiving {
    inbox: Inbox,
    kind: FileKind,
    /// The host that sends it, and when that host was last active.
    owner: Option<(u32, Instant)>,
    /// When any host was last active on it, or the badge started.
    heard: Instant,
}

impl BadgeService {
    /// A badge that executes requests through `programs`.
    pub fn new(hub: Arc<Hub>, programs: Programs) -> Arc<Self> {
        let inbox = Inbox::new(programs.state.join("incoming"));
        let receiving = Mutex::new(Receiving {
            inbox,
            kind: FileKind::Bundle,
            owner: None,
            heard: Instant::now(),
        });
        Arc::new(Self {
            hub,
            programs,
            receiving,
            job: Job::default(),
            tested: Arc::default(),
            hosts: AtomicU32::new(0),
        })
    }

    /// The badge for one more host.
    pub fn side(self: &Arc<Self>) -> Side {
        Side { id: self.hosts.fetch_add(1, Ordering::Relaxed), board: Arc::clone(self) }
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        lock(&self.receiving)
    }

    /// The folder of the wearer's journals.
    fn journals(&self) -> PathBuf {
        self.programs.state.join(emocue_journal::FOLDER)
    }

    /// Removes a part of a file that was not continued for an hour. Called from time to time.
    pub fn expire(&self, now: Instant) {
        let mut receiving = self.receiving();
        let is_old = now.saturating_duration_since(receiving.heard) >= EXPIRES;
        if is_old && !self.job.is_running() {
            receiving.owner = None;
            receiving.heard = now;
            receiving.inbox.clear();
        }
    }

    /// Installs a bundle that was in the inbox before the badge started, as on a card that a host wrote. A refused
    /// bundle is removed and reported; one that only lacks a press of the button waits for the next start.
    pub fn install_what_lies_there(&self) {
        let file = self.programs.state.join("incoming").join("bundle.emocue");
        if !file.is_file() {
            return;
        }
        let (programs, hub) = (self.programs.clone(), Arc::clone(&self.hub));
        // A running job belongs to a host; the file waits.
        let _ = self.job.start(move || {
            let done = programs.run(&["slot", "install", "--remove"], Some(&file));
            match &done {
                Ok(text) => hub.note(text),
                Err(text) => {
                    hub.note(text);
                    hub.fault();
                }
            }
            done
        });
    }
}

/// Rolls back to the previous bundle, if there is one and the wearer agrees: otherwise anybody with the cable could
/// bring back a bundle with a known fault.
fn roll_back(programs: &Programs) -> Result<String, String> {
    Store::new(&programs.state).can_roll_back().map_err(|error| line(&error))?;
    let asked =
        ConsentChannel::new(&programs.state).ask(Ask::OlderBundle, [0; 32], [0; 32], |_| ());
    asked.map_err(|error| format!("the badge keeps its bundle: {}", line(&error)))?;
    programs.run(&["slot", "rollback"], None)
}

/// The badge, for one host.
#[derive(Debug)]
pub struct Side {
    id: u32,
    board: Arc<BadgeService>,
}

impl Side {
    /// The file that is being received, if it is this host's.
    fn mine(&self) -> Result<MutexGuard<'_, Receiving>, String> {
        let mut receiving = self.board.receiving();
        match receiving.owner {
            Some((owner, _)) if owner == self.id => {
                receiving.heard = Instant::now();
                receiving.owner = Some((owner, receiving.heard));
                Ok(receiving)
            }
            _ => Err("begin the file anew; another host sent one meanwhile".to_owned()),
        }
    }
}

impl Badge for Side {
    fn status(&mut self) -> BadgeStatus {
        self.board.hub.status()
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        self.board.hub.log(from, MAX_LINES)
    }

    fn config(&mut self) -> String {
        let Programs { config, state, .. } = &self.board.programs;
        let text = settings::read(config, Some(state)).map(|found| found.text).unwrap_or_default();
        if text.len() > MAX_CONFIG { String::new() } else { text }
    }

    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        if kind == FileKind::Config && bytes as usize > MAX_CONFIG {
            return Err(format!("{bytes} bytes are not a configuration; at most {MAX_CONFIG}"));
        }
        let mut receiving = self.board.receiving();
        // With the lock: a file that is complete keeps it until its job runs.
        if self.board.job.is_running() {
            return Err("the badge is still at what came before; try again when it is done".into());
        }
        if let Some((owner, heard)) = receiving.owner
            && owner != self.id
            && heard.elapsed() < ABANDONED
        {
            return Err("another host sends a file just now; try again when it is done".into());
        }
        receiving.heard = Instant::now();
        receiving.owner = Some((self.id, receiving.heard));
        receiving.kind = kind;
        receiving.inbox.begin(kind, bytes, sha256).map_err(|error| error.to_string())
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        self.mine()?.inbox.chunk(offset, data).map_err(|error| error.to_string())
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let mut receiving = self.mine()?;
        receiving.owner = None;
        let file = receiving.inbox.finish().map_err(|error| error.to_string())?;
        let kind = receiving.kind;
        let (programs, hub) = (self.board.programs.clone(), Arc::clone(&self.board.hub));
        self.board.job.start(move || {
            let done = match kind {
                FileKind::Bundle => programs.run(&["slot", "install"], Some(&file)),
                FileKind::Config => settings::take(&file, &programs, &hub),
            };
            // Whatever the result, it is no longer needed.
            let _ = std::fs::remove_file(&file);
            if let Err(text) = &done {
                hub.note(text);
                hub.fault();
            }
            done
        })
    }

    fn progress(&mut self) -> Progress {
        match self.board.job.progress() {
            Progress::Working => match ConsentChannel::new(&self.board.programs.state).question() {
                Some(question) => Progress::Asks(question),
                None => Progress::Working,
            },
            other => other,
        }
    }

    fn rollback(&mut self) -> Result<Progress, String> {
        let (programs, hub) = (self.board.programs.clone(), Arc::clone(&self.board.hub));
        self.board.job.start(move || {
            let done = roll_back(&programs);
            if let Err(text) = &done {
                hub.note(text);
            }
            done
        })
    }

    fn self_test(&mut self) -> Result<Progress, String> {
        let programs = self.board.programs.clone();
        let store = Store::new(&programs.state);
        let (running, mark) = (self.board.hub.status().running, store.mark());
        let tested = Arc::clone(&self.board.tested);
        let last = lock(&tested).clone().filter(|last| {
            let is_fresh = last.outcome.is_ok() || last.at.elapsed() < RETEST;
            is_fresh && (last.running, &last.mark) == (running, &mark)
        });
        if let Some(last) = last {
            return self.board.job.start(move || last.outcome);
        }
        let file: Option<PathBuf> = match running {
            BundleSource::Embedded => None,
            BundleSource::A => Some(store.file(Slot::A)),
            BundleSource::B => Some(store.file(Slot::B)),
            BundleSource::File => {
                return Err(
                    "the configuration names a bundle's file; run `emocue-badge doctor`".into()
                );
            }
        };
        self.board.job.start(move || {
            let outcome = programs.run(&["slot", "check"], file.as_deref());
            let at = Instant::now();
            *lock(&tested) = Some(SelfTested { running, mark, outcome: outcome.clone(), at });
            outcome
        })
    }

    fn journals(&mut self, from: u32) -> Result<Vec<JournalEntry>, String> {
        let found = folder::list(&self.board.journals()).map_err(|error| line(&error))?;
        let entry = |it: folder::Listed| JournalEntry { number: it.number, bytes: it.bytes };
        Ok(found.into_iter().filter(|it| it.number >= from).map(entry).collect())
    }

    fn journal(&mut self, number: u32, offset: u32) -> Result<(u32, Vec<u8>), String> {
        // Sealed to the wearer's key, so the wearer is not asked.
        let part = folder::part(&self.board.journals(), number, offset, MAX_CHUNK);
        part.map(|part| (part.total, part.data)).map_err(|error| line(&error))
    }

    fn session_ended(&mut self) {
        let mut receiving = self.board.receiving();
        if receiving.owner.is_some_and(|(owner, _)| owner == self.id) {
            receiving.owner = None;
            // The next session continues from what was received so far.
            let _ = receiving.inbox.sync();
        }
    }
}

/// A thread that panicked while it held the lock left its data valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(state: &std::path::Path, program: &str) -> Arc<BadgeService> {
        let (program, config) = (program.into(), state.join("emocue.toml"));
        BadgeService::new(Arc::default(), Programs { program, config, state: state.to_owned() })
    }

    #[test]
    fn what_nobody_continues_is_removed_after_an_hour() {
        let state = tempfile::tempdir().unwrap();
        let service = service(state.path(), "none");
        let mut side = service.side();
        let start = Instant::now();
        assert_eq!(side.begin(FileKind::Bundle, 3000, [1; 32]), Ok(0));
        assert_eq!(side.chunk(0, &[7; 1000]), Ok(1000));
        let part = state.path().join("incoming/incoming.part");
        service.expire(start + EXPIRES / 2);
        assert!(part.exists());
        service.expire(start + EXPIRES * 2);
        assert!(!part.exists());
        assert!(side.chunk(1000, &[7; 1000]).unwrap_err().contains("begin"));
        assert_eq!(side.begin(FileKind::Bundle, 3000, [1; 32]), Ok(0));
    }

    #[test]
    fn journals_are_handed_out_sealed_and_nothing_else_is() {
        let state = tempfile::tempdir().unwrap();
        let mut side = service(state.path(), "none").side();
        assert_eq!(side.journals(1), Ok(Vec::new()));
        let secret = emocue_journal::JournalSecretKey::from_bytes(&[3; 32]);
        let folder = state.path().join("journal");
        let mut journal = emocue_journal::Journal::begin(&folder, &secret.public()).unwrap();
        journal.append(&emocue_journal::Interval { slot: 7, ..Default::default() }).unwrap();
        let whole = std::fs::read(journal.path()).unwrap();
        let entry = JournalEntry { number: 1, bytes: whole.len() as u32 };
        assert_eq!(side.journals(1), Ok(vec![entry]));
        assert_eq!(side.journals(2), Ok(Vec::new()));
        assert_eq!(side.journal(1, 0), Ok((entry.bytes, whole.clone())));
        assert_eq!(side.journal(1, 100), Ok((entry.bytes, whole[100..].to_vec())));
        std::fs::write(folder.join("journal-0002.sealed"), "not one, but long enough".repeat(9))
            .unwrap();
        for number in [0, 2, 3, u32::MAX] {
            assert!(side.journal(number, 0).is_err(), "{number}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_self_test_runs_once_for_a_bundle_however_often_a_host_asks() {
        let state = tempfile::tempdir().unwrap();
        let runs = state.path().join("runs");
        let program = state.path().join("program");
        let script = format!("#!/bin/sh\necho x >>'{}'\necho as expected\n", runs.display());
        std::fs::write(&program, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        let service = service(state.path(), program.to_str().unwrap());
        let mut side = service.side();
        let mut test = || {
            side.self_test().unwrap();
            while side.progress() == Progress::Working {
                std::thread::yield_now();
            }
            side.progress()
        };
        for _ in 0..3 {
            assert_eq!(test(), Progress::Done("as expected".into()));
        }
        let count = || std::fs::read_to_string(&runs).unwrap().lines().count();
        assert_eq!(count(), 1);
        // Other slots are tested again.
        std::fs::create_dir(state.path().join("slots")).unwrap();
        std::fs::write(state.path().join("slots/state"), "another").unwrap();
        test();
        assert_eq!(count(), 2);
    }

    #[test]
    fn without_a_bundle_before_nobody_is_asked_to_roll_back() {
        let state = tempfile::tempdir().unwrap();
        let service = service(state.path(), "none");
        let mut side = service.side();
        side.rollback().unwrap();
        while side.progress() == Progress::Working {
            std::thread::yield_now();
        }
        let Progress::Failed(why) = side.progress() else { panic!("{:?}", side.progress()) };
        assert!(why.contains("no previous one"), "{why}");
    }
}
