//! 24 hours on a bad cable: bytes are lost, changed and inserted, the cable is pulled out, and meanwhile a host polls
//! the status, sends bundles and settings, and disconnects and reconnects. What arrives is whole, and after the noise
//! everything works.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use emocue_link::client::ClientSettings;
use emocue_link::frame::MAX_FRAME;
use emocue_link::message::{BadgeStatus, FileKind, JournalEntry, LogLine, Progress};
use emocue_link::random::Random;
use emocue_link::server::ServerSettings;
use emocue_link::{Badge, Client, ClientError, Inbox, LinkError};
use tempfile::TempDir;

use crate::common::status;
use crate::simulated::{Bench, HostEnd};
use crate::weather::{Weather, forecast};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Recovery time after noise: a session that its host has left ends after 10 s of silence, and a badge whose cable was
/// pulled out opens its port after 2 s.
const RECOVERED: Duration = Duration::from_secs(15);

/// How long the badge works on a file.
const WORK: Duration = Duration::from_secs(2);

/// Longest bundle, bytes: 26 s.
const LONGEST: usize = 300_000;

/// Most that either side, all files included, holds at once, bytes.
const MOST_MEMORY: u64 = 3 << 20;

/// Most bytes that wait in one direction, on the wire and after it: a terminal's buffer, and two long frames.
const MOST_WAITING: usize = 4096 + 2 * MAX_FRAME;

/// What the badge received and did.
struct State {
    inbox: Inbox,
    _folder: TempDir,
    /// What the host is sending.
    sent: Vec<u8>,
    text: String,
    log: u32,
    /// The time until which it is busy.
    works: Option<Instant>,
    /// Whole files, and how often a beginning continued another.
    whole: u64,
    continued: u64,
    self_tests: u64,
    sessions_ended: u64,
    now: Instant,
}

/// A badge, of which every server gets a copy.
#[derive(Clone)]
struct Shared(Rc<RefCell<State>>);

impl Badge for Shared {
    fn status(&mut self) -> BadgeStatus {
        let mut state = self.0.borrow_mut();
        state.log += 1;
        BadgeStatus { log_next: state.log, ..status() }
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        let line = |number| LogLine { number, time_ms: 10, text: format!("line {number}") };
        (from..self.0.borrow().log).take(8).map(line).collect()
    }

    fn config(&mut self) -> String {
        self.0.borrow().text.clone()
    }

    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        let mut state = self.0.borrow_mut();
        assert_eq!(bytes as usize, state.sent.len(), "no damaged request is taken for a good one");
        let offset = state.inbox.begin(kind, bytes, sha256).map_err(|error| error.to_string())?;
        state.continued += u64::from(offset > 0);
        Ok(offset)
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        self.0.borrow_mut().inbox.chunk(offset, data).map_err(|error| error.to_string())
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let mut state = self.0.borrow_mut();
        let path = state.inbox.finish().map_err(|error| error.to_string())?;
        let whole = std::fs::read(&path).unwrap();
        assert!(whole == state.sent, "{} bytes came whole that were never sent", whole.len());
        if path.extension().is_some_and(|extension| extension == "toml") {
            state.text = String::from_utf8(whole).unwrap();
        }
        state.whole += 1;
        state.works = Some(state.now + WORK);
        Ok(Progress::Working)
    }

    fn progress(&mut self) -> Progress {
        let state = self.0.borrow();
        match state.works {
            None => Progress::Idle,
            Some(until) if state.now < until => Progress::Working,
            Some(_) => Progress::Done("installed".into()),
        }
    }

    fn rollback(&mut self) -> Result<Progress, String> {
        Err("no previous bundle".into())
    }

    fn self_test(&mut self) -> Result<Progress, String> {
        let mut state = self.0.borrow_mut();
        state.self_tests += 1;
        state.works = Some(state.now + WORK);
        Ok(Progress::Working)
    }

    fn journals(&mut self, _: u32) -> Result<Vec<JournalEntry>, String> {
        Ok(Vec::new())
    }

    fn journal(&mut self, _: u32, _: u32) -> Result<(u32, Vec<u8>), String> {
        Err("no journal with this number".into())
    }

    fn session_ended(&mut self) {
        self.0.borrow_mut().sessions_ended += 1;
    }
}

/// The host's results of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Day {
    asked: u64,
    transfers: u64,
    /// Those of them that arrived in the noise.
    in_noise: u64,
    settings: u64,
    self_tests: u64,
    sessions: u64,
    /// Operations that failed and were repeated.
    failed: u64,
    /// Periods of a good cable, in each of which everything worked.
    calms: u64,
}

/// The host of a badge on a bad cable.
struct Host {
    bench: Bench<Shared>,
    badge: Shared,
    random: Random,
    client: Option<Client<HostEnd<Shared>>>,
    /// Time of the last change of the weather, and whether a file was sent since then.
    since: Instant,
    sent: bool,
    /// The bundle that did not arrive.
    broken_off: Option<Vec<u8>>,
    day: Day,
}

impl Host {
    /// The time since which the cable is good.
    fn calm(&self) -> Option<Instant> {
        let (weather, since) = self.bench.weather();
        (weather == Weather::default()).then_some(since)
    }

    /// The host's next operation. It may fail only while there is noise, and only with errors that noise can cause.
    fn next(&mut self) {
        let (_, since) = self.bench.weather();
        if since != self.since {
            (self.since, self.sent) = (since, false);
        }
        let (weather, _) = self.bench.weather();
        if weather.pulled && self.client.is_none() {
            return self.pass(Duration::from_secs(1));
        }
        let (began, calm) = (self.bench.now(), self.calm());
        let has_to_send = !self.sent && calm.is_some_and(|since| began >= since + RECOVERED);
        let done = if has_to_send { self.bundle() } else { self.deed() };
        if done.is_ok() && has_to_send {
            self.day.calms += 1;
        }
        let Err(error) = done else { return };
        self.day.failed += 1;
        // The watching host gives up and reconnects.
        drop(self.client.take());
        assert!(
            matches!(
                error,
                ClientError::Link(_)
                    | ClientError::NoAnswer(_)
                    | ClientError::Silent(_)
                    | ClientError::Noise
                    | ClientError::Stalled { .. }
                    | ClientError::SessionEnded
                    | ClientError::Unsure
                    | ClientError::Busy
            ),
            "noise never becomes {error:?}"
        );
        if let Some(since) = self.calm() {
            assert!(began < since + RECOVERED, "{:?} after the noise: {error:?}", began - since);
        }
        self.pass(Duration::from_secs(1));
    }

    fn pass(&mut self, time: Duration) {
        self.bench.pass(time);
        self.badge.0.borrow_mut().now = self.bench.now();
    }

    fn client(&mut self) -> Result<&mut Client<HostEnd<Shared>>, ClientError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let port = self.bench.open().ok_or(ClientError::Link(LinkError::Closed))?;
                let client = Client::connect(port, ClientSettings::default())?;
                self.day.sessions += 1;
                client
            }
        };
        Ok(self.client.insert(client))
    }

    fn deed(&mut self) -> Result<(), ClientError> {
        match self.random.below(100) {
            0..=1 => self.bundle()?,
            2 => self.settings()?,
            3 => self.self_test()?,
            4 => {
                // With or without `Bye`.
                if let (Some(client), true) = (self.client.take(), self.random.below(2) == 0) {
                    client.bye();
                }
            }
            _ => {
                let client = self.client()?;
                let status = client.status()?;
                let from = status.log_next.saturating_sub(3);
                let lines = client.log(from)?;
                assert!((from..).zip(&lines).all(|(number, line)| line.number == number));
                self.day.asked += 1;
            }
        }
        let pause = Duration::from_millis(self.random.below(4000) as u64);
        self.pass(pause);
        Ok(())
    }

    /// Sends a file until it is whole, on new sessions where that is needed, as a user does.
    fn send(&mut self, kind: FileKind, file: Vec<u8>) -> Result<(), ClientError> {
        self.badge.0.borrow_mut().sent.clone_from(&file);
        let whole = self.badge.0.borrow().whole;
        let badge = self.badge.clone();
        let bench = self.bench.clone();
        let client = self.client()?;
        client.send(kind, &file, &mut |_| ControlFlow::Continue(()))?;
        assert!(badge.0.borrow().whole > whole, "the badge has what it said it has");
        badge.0.borrow_mut().now = bench.now();
        client.wait_done(&mut |_| {
            badge.0.borrow_mut().now = bench.now();
            ControlFlow::Continue(())
        })?;
        self.sent = true;
        Ok(())
    }

    fn bundle(&mut self) -> Result<(), ClientError> {
        let file = self.broken_off.take().unwrap_or_else(|| {
            let bytes = 1 + self.random.below(LONGEST);
            self.random.bytes(bytes)
        });
        let done = self.send(FileKind::Bundle, file.clone());
        match done {
            Ok(()) => {
                self.day.transfers += 1;
                self.day.in_noise += u64::from(self.calm().is_none());
            }
            // The transfer continues in the next session.
            Err(_) => self.broken_off = Some(file),
        }
        done
    }

    fn settings(&mut self) -> Result<(), ClientError> {
        let text = format!("# {}\n", self.random.number()).repeat(1 + self.random.below(100));
        self.send(FileKind::Config, text.clone().into_bytes())?;
        let now = self.client()?.config()?;
        assert_eq!(now, text);
        self.day.settings += 1;
        Ok(())
    }

    fn self_test(&mut self) -> Result<(), ClientError> {
        let before = self.badge.0.borrow().self_tests;
        let asked = self.client()?.self_test();
        let done = self.badge.0.borrow().self_tests - before;
        assert!(done <= 1, "one question became {done} self-tests");
        asked?;
        assert_eq!(done, 1, "the badge does what it said it does");
        self.day.self_tests += 1;
        Ok(())
    }
}

/// Simulates a day of `time`, and returns the results.
fn day(time: Duration, seed: u64) -> (Day, String) {
    // The files are temporary, so they need not be on a disk.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.unwrap();
    let begun = Instant::now();
    let state = State {
        inbox: Inbox::new(folder.path()),
        _folder: folder,
        sent: Vec::new(),
        text: String::new(),
        log: 0,
        works: None,
        whole: 0,
        continued: 0,
        self_tests: 0,
        sessions_ended: 0,
        now: begun,
    };
    let badge = Shared(Rc::new(RefCell::new(state)));
    let settings = ServerSettings::new("0.1.0");
    let bench = Bench::new(badge.clone(), settings, seed, forecast(time, seed));
    let start = bench.now();
    let mut host = Host {
        bench: bench.clone(),
        badge: badge.clone(),
        random: Random::of(seed, "host"),
        client: None,
        since: start,
        sent: false,
        broken_off: None,
        day: Day::default(),
    };
    // The forecast ends with a good cable.
    while bench.now() < start + time || host.calm().is_none() {
        host.next();
    }
    // A new host is served, and receives the right status.
    drop(host.client.take());
    host.pass(RECOVERED);
    host.settings().unwrap();
    host.client.take().unwrap().bye();
    let (state, carried, day) = (badge.0.borrow(), bench.carried(), host.day);
    let told = format!(
        "{} h in {:.1} s, seed {seed}: {carried:?}, {day:?}, {} files whole, {} continued, {} self-tests, {} sessions \
         ended, at most {} bytes waited",
        time.as_secs() / 3600,
        begun.elapsed().as_secs_f64(),
        state.whole,
        state.continued,
        state.self_tests,
        state.sessions_ended,
        bench.waited(),
    );
    assert!(bench.waited() < MOST_WAITING, "{} bytes waited", bench.waited());
    assert!(state.whole >= day.transfers + day.settings);
    assert!(state.self_tests >= day.self_tests);
    (day, told)
}

#[test]
fn a_day_of_noise_leaves_nothing_stuck_and_nothing_half() {
    let mut went = Day::default();
    let mut told = String::new();
    let memory = measure(|| (went, told) = day(DAY, 1));
    println!("{told}\n{memory:?}");
    assert!(memory.bytes_max < MOST_MEMORY, "{memory:?}");
    assert_eq!(memory.bytes_current, told.capacity() as i64, "{memory:?}");
    assert!(went.asked > 10_000 && went.transfers > 100 && went.calms > 50, "{went:?}");
    assert!(went.in_noise > 100, "the noise lets hardly a file through: {went:?}");
    assert!(went.failed > 50, "a day without one failure has no noise: {went:?}");
}

#[test]
fn the_same_seed_gives_the_same_hour() {
    let hour = Duration::from_secs(3600);
    let [day, same, other] = [7, 7, 8].map(|seed| day(hour, seed).0);
    assert_eq!(day, same);
    assert_ne!(day, other);
}
