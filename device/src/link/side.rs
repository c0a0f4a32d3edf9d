//! One host's view of the badge.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use emocue_link::message::{BadgeStatus, BundleSource, FileKind, LogLine, MAX_LINES, Progress};
use emocue_link::server::MAX_CONFIG;
use emocue_link::{Badge, Inbox};

use emocue_link::consent::Ask;
use emocue_models::failure::line;

use super::hub::Hub;
use super::job::{Job, Programs};
use super::settings;
use crate::slots::consent::ConsentChannel;
use crate::slots::{Slot, Store};

/// A file whose host is silent for so long may make way for another host's.
const ABANDONED: Duration = Duration::from_secs(10);

/// What all hosts share.
#[derive(Debug)]
pub struct BadgeService {
    hub: Arc<Hub>,
    programs: Programs,
    receiving: Mutex<Receiving>,
    job: Job,
    hosts: AtomicU32,
}

/// The file that comes.
#[derive(Debug)]
struct Receiving {
    inbox: Inbox,
    kind: FileKind,
    /// Whose it is, and when that host was last heard.
    owner: Option<(u32, Instant)>,
}

impl BadgeService {
    /// A badge that does what is asked through `programs`.
    pub fn new(hub: Arc<Hub>, programs: Programs) -> Arc<Self> {
        let inbox = Inbox::new(programs.state.join("incoming"));
        let receiving = Mutex::new(Receiving { inbox, kind: FileKind::Bundle, owner: None });
        Arc::new(Self { hub, programs, receiving, job: Job::default(), hosts: AtomicU32::new(0) })
    }

    /// The badge for one more host.
    pub fn side(self: &Arc<Self>) -> Side {
        Side { id: self.hosts.fetch_add(1, Ordering::Relaxed), board: Arc::clone(self) }
    }

    fn receiving(&self) -> MutexGuard<'_, Receiving> {
        self.receiving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Installs a bundle that lies in the inbox since before the badge started, as on a card that a host wrote. What is
    /// refused is removed, and told; what only lacks a press of the button waits for the next start.
    pub fn install_what_lies_there(&self) {
        let file = self.programs.state.join("incoming").join("bundle.emocue");
        if !file.is_file() {
            return;
        }
        let (programs, hub) = (self.programs.clone(), Arc::clone(&self.hub));
        // A job that is under way is a host's; the file waits.
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

/// Returns to the bundle before, if there is one and the wearer agrees: whoever holds the cable could otherwise bring
/// back what was fixed.
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
    /// The file that comes, if it is this host's.
    fn mine(&self) -> Result<MutexGuard<'_, Receiving>, String> {
        let mut receiving = self.board.receiving();
        match receiving.owner {
            Some((owner, _)) if owner == self.id => {
                receiving.owner = Some((owner, Instant::now()));
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
        let text = std::fs::read_to_string(&self.board.programs.config).unwrap_or_default();
        if text.len() > MAX_CONFIG { String::new() } else { text }
    }

    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        if self.board.job.is_running() {
            return Err("the badge is still at what came before; try again when it is done".into());
        }
        if kind == FileKind::Config && bytes as usize > MAX_CONFIG {
            return Err(format!("{bytes} bytes are not a configuration; at most {MAX_CONFIG}"));
        }
        let mut receiving = self.board.receiving();
        if let Some((owner, heard)) = receiving.owner
            && owner != self.id
            && heard.elapsed() < ABANDONED
        {
            return Err("another host sends a file just now; try again when it is done".into());
        }
        receiving.owner = Some((self.id, Instant::now()));
        receiving.kind = kind;
        receiving.inbox.begin(kind, bytes, sha256).map_err(|error| error.to_string())
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        self.mine()?.inbox.chunk(offset, data).map_err(|error| error.to_string())
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let (file, kind) = {
            let mut receiving = self.mine()?;
            receiving.owner = None;
            (receiving.inbox.finish().map_err(|error| error.to_string())?, receiving.kind)
        };
        let (programs, hub) = (self.board.programs.clone(), Arc::clone(&self.board.hub));
        self.board.job.start(move || {
            let done = match kind {
                FileKind::Bundle => programs.run(&["slot", "install"], Some(&file)),
                FileKind::Config => settings::take(&file, &programs, &hub),
            };
            // Whatever came of it, it is not needed any more.
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
        let file: Option<PathBuf> = match self.board.hub.status().running {
            BundleSource::Embedded => None,
            BundleSource::A => Some(store.file(Slot::A)),
            BundleSource::B => Some(store.file(Slot::B)),
            BundleSource::File => {
                return Err(
                    "the configuration names a bundle's file; run `emocue-badge doctor`".into()
                );
            }
        };
        self.board.job.start(move || programs.run(&["slot", "check"], file.as_deref()))
    }

    fn session_ended(&mut self) {
        let mut receiving = self.board.receiving();
        if receiving.owner.is_some_and(|(owner, _)| owner == self.id) {
            receiving.owner = None;
            // The next session continues from what came so far.
            let _ = receiving.inbox.sync();
        }
    }
}
