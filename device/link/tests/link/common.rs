//! Shared by several tests: a badge that only counts, and single frames.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use emocue_link::client::ClientSettings;
use emocue_link::frame::{Body, Decoder, Encoder, Envelope, Event};
use emocue_link::message::{
    BadgeStatus, BundleSource, CameraState, FileKind, JournalEntry, LogLine, Progress, Reply,
    Request, VERSION,
};
use emocue_link::random::Random;
use emocue_link::server::ServerSettings;
use emocue_link::transport::PipeEnd;
use emocue_link::{Badge, Inbox, LinkError, Server, Transport};
use tempfile::TempDir;

/// Longer than any reply takes.
pub(crate) const LONG: Duration = Duration::from_secs(5);

/// Settings for a line without delays.
pub(crate) fn quick() -> ClientSettings {
    ClientSettings {
        answer: Duration::from_millis(20),
        quiet: Duration::from_millis(3),
        poll: Duration::from_millis(2),
        ..ClientSettings::default()
    }
}

/// Settings for a line without delays.
pub(crate) fn quick_server() -> ServerSettings {
    ServerSettings { quiet: Duration::from_millis(3), ..ServerSettings::new("0.1.0") }
}

/// Numbers of requests to a badge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) begins: Arc<AtomicU32>,
    pub(crate) chunks: Arc<AtomicU32>,
    pub(crate) self_tests: Arc<AtomicU32>,
    pub(crate) overs: Arc<AtomicU32>,
}

pub(crate) fn count(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::SeqCst)
}

fn add(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::SeqCst);
}

/// A badge with a real inbox.
pub(crate) struct Fake {
    pub(crate) folder: TempDir,
    pub(crate) inbox: Inbox,
    pub(crate) counts: Counts,
    pub(crate) received: Option<Vec<u8>>,
    pub(crate) states: Vec<Progress>,
    pub(crate) text: String,
    /// Sealed journals; the numbers count from 1.
    pub(crate) journals: Vec<Vec<u8>>,
    /// How long every eighth chunk takes.
    pub(crate) slow: Duration,
}

impl Default for Fake {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            inbox: Inbox::new(folder.path()),
            folder,
            counts: Counts::default(),
            received: None,
            states: Vec::new(),
            text: "[look]\n".to_owned(),
            journals: Vec::new(),
            slow: Duration::ZERO,
        }
    }
}

pub(crate) fn status() -> BadgeStatus {
    BadgeStatus {
        state: CameraState::Streaming,
        uptime_ms: 123_456,
        fps_milli: 14_900,
        latency_ms: Some(31),
        temperature_milli: Some(-5_500),
        slowdown: 1,
        battery_low: Some(false),
        running: BundleSource::A,
        bundle: "small".into(),
        content_version: 3,
        trial: Some(2),
        faults: 0,
        log_next: 7,
    }
}

impl Badge for Fake {
    fn status(&mut self) -> BadgeStatus {
        status()
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        let line = |number| LogLine { number, time_ms: 10, text: format!("line {number}") };
        (from..20).map(line).collect()
    }

    fn config(&mut self) -> String {
        self.text.clone()
    }

    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        add(&self.counts.begins);
        self.inbox.begin(kind, bytes, sha256).map_err(|error| error.to_string())
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        add(&self.counts.chunks);
        if count(&self.counts.chunks).is_multiple_of(8) && !self.slow.is_zero() {
            std::thread::park_timeout(self.slow);
        }
        self.inbox.chunk(offset, data).map_err(|error| error.to_string())
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let path = self.inbox.finish().map_err(|error| error.to_string())?;
        self.received = Some(std::fs::read(path).unwrap());
        Ok(Progress::Working)
    }

    fn progress(&mut self) -> Progress {
        if self.states.is_empty() { Progress::Idle } else { self.states.remove(0) }
    }

    fn rollback(&mut self) -> Result<Progress, String> {
        Err("no previous bundle".into())
    }

    fn self_test(&mut self) -> Result<Progress, String> {
        add(&self.counts.self_tests);
        Ok(Progress::Working)
    }

    fn journals(&mut self, from: u32) -> Result<Vec<JournalEntry>, String> {
        let journals = (1..).zip(&self.journals);
        let entry =
            |(number, bytes): (u32, &Vec<u8>)| JournalEntry { number, bytes: bytes.len() as u32 };
        Ok(journals.map(entry).skip_while(|entry| entry.number < from).collect())
    }

    fn journal(&mut self, number: u32, offset: u32) -> Result<(u32, Vec<u8>), String> {
        let bytes =
            self.journals.get_mut(number as usize - 1).ok_or("no journal with this number")?;
        let part = bytes[(offset as usize).min(bytes.len())..].to_vec();
        let total = bytes.len() as u32;
        // The badge appends meanwhile.
        if offset == 0 {
            bytes.push(0);
        }
        Ok((total, part))
    }

    fn session_ended(&mut self) {
        add(&self.counts.overs);
    }
}

/// Serves in a thread until the other side closes the transport; returns the badge.
pub(crate) fn serve(
    transport: impl Transport + Send + 'static,
    mut badge: Fake,
    settings: ServerSettings,
) -> JoinHandle<Fake> {
    std::thread::spawn(move || {
        let never = AtomicBool::new(false);
        let closed = Server::new(transport, &mut badge, settings).serve(&never);
        assert!(matches!(closed, Err(LinkError::Closed)), "{closed:?}");
        badge
    })
}

/// A file that cannot be compressed.
pub(crate) fn file(bytes: usize) -> Vec<u8> {
    Random::new(1).bytes(bytes)
}

/// A progress function that continues.
pub(crate) fn on(_: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Single frames, such as no correct host or badge sends.
pub(crate) struct Raw {
    pub(crate) end: PipeEnd,
    encoder: Encoder,
    decoder: Decoder,
}

impl Raw {
    pub(crate) fn new(end: PipeEnd) -> Self {
        Self { end, encoder: Encoder::default(), decoder: Decoder::default() }
    }

    pub(crate) fn say(&mut self, session: u32, sequence: u32, body: Body) {
        let envelope = Envelope { session, sequence, body };
        self.end.write_all(self.encoder.encode(&envelope).unwrap()).unwrap();
    }

    /// The next frame's envelope.
    pub(crate) fn hear(&mut self) -> Envelope {
        let mut byte = [0];
        loop {
            assert_eq!(self.end.read(&mut byte, LONG).unwrap(), 1, "nothing comes");
            match self.decoder.push(byte[0]) {
                Some(Event::Frame(envelope)) => return envelope,
                None => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The reply to a request.
    pub(crate) fn ask(&mut self, session: u32, sequence: u32, request: Request) -> Reply {
        self.say(session, sequence, Body::Request(request));
        let envelope = self.hear();
        assert_eq!((envelope.session, envelope.sequence), (session, sequence));
        match envelope.body {
            Body::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn hello(&mut self, session: u32) -> Reply {
        self.ask(session, 1, Request::Hello { version: VERSION })
    }
}
