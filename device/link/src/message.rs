//! What host and badge can say to each other. There is no message for a picture, a face, an answer or a person, so
//! none of these can cross the wire. The wearer's journals cross sealed, as bytes that neither side can read.

use serde::{Deserialize, Serialize};

use crate::consent::Question;

/// Version of these messages.
///
/// The rule: both sides speak when their `major` is the same. Within a major, messages are only added at the ends of
/// the enums, and fields never change; each side uses what the lower `minor` of the two has. Whatever else changes
/// raises `major`, and the older side has to be updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Raised by what the other side would misunderstand.
    pub major: u16,
    /// Raised by what the other side may not know yet.
    pub minor: u16,
}

/// What this program speaks.
pub const VERSION: Version = Version { major: 1, minor: 2 };

/// The first minor version with journals.
pub const JOURNALS_SINCE: u16 = 2;

/// Most bytes of a file in one message. With it every frame stays below 4096 bytes, which is what a Linux terminal
/// keeps for a reader that is late.
pub const MAX_CHUNK: usize = 2048;

/// Largest file that is transferred, bytes: the largest bundle.
pub const MAX_TRANSFER: u32 = 64 << 20;

/// Longest text in a message, bytes.
pub const MAX_TEXT: usize = 1024;

/// Most log lines in one message.
pub const MAX_LINES: usize = 8;

/// Most journals in one list.
pub const MAX_LISTED: usize = 64;

/// Largest journal that is transferred, bytes.
pub const MAX_JOURNAL: u32 = 1 << 16;

/// From the host to the badge. Each gets exactly one [`Reply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Begins a session. [`Reply::Hello`], or [`Reply::Refused`] with [`Refusal::Busy`] or [`Refusal::Version`].
    Hello {
        /// What the host speaks.
        version: Version,
    },
    /// How the badge is: [`Reply::Status`].
    Status,
    /// Lines of its log from number `from` on: [`Reply::Log`].
    Log {
        /// The first line wanted.
        from: u32,
    },
    /// A part of its configuration's text: [`Reply::Config`].
    GetConfig {
        /// The first byte wanted.
        offset: u32,
    },
    /// A file follows; one that was begun before with the same hash continues: [`Reply::Offset`].
    Begin {
        /// What it is.
        kind: FileKind,
        /// Its length, at most [`MAX_TRANSFER`].
        bytes: u32,
        /// Its SHA-256.
        sha256: [u8; 32],
    },
    /// A part of the file: [`Reply::Offset`] with where to continue, which is also the answer to a part that is
    /// there already or does not follow.
    Chunk {
        /// Where it belongs.
        offset: u32,
        /// At most [`MAX_CHUNK`] bytes.
        data: Vec<u8>,
    },
    /// The file is whole: [`Reply::Progress`]; what comes of it is asked for with [`Request::Progress`].
    Finish,
    /// Progress of what was asked for last: [`Reply::Progress`].
    Progress,
    /// Return to the bundle before, which the wearer has to allow: [`Reply::Progress`].
    Rollback,
    /// Look at the embedded portraits with the bundle that runs: [`Reply::Progress`].
    SelfTest,
    /// Ends the session, so that another host may begin one at once: [`Reply::Bye`].
    Bye,
    /// The wearer's journals with number `from` or a higher one: [`Reply::Journals`] (from version 1.2 on).
    Journals {
        /// The first number wanted.
        from: u32,
    },
    /// A part of a journal, as sealed as it lies there: [`Reply::Journal`] (from version 1.2 on).
    GetJournal {
        /// Its number.
        number: u32,
        /// The first byte wanted.
        offset: u32,
    },
}

/// From the badge to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The session begins.
    Hello {
        /// What the badge speaks.
        version: Version,
        /// The badge's program: `"0.1.0"`.
        program: String,
    },
    /// How the badge is.
    Status(BadgeStatus),
    /// Lines of its log.
    Log {
        /// At most [`MAX_LINES`], in order; none when there are no newer ones.
        lines: Vec<LogLine>,
    },
    /// A part of the configuration's text.
    Config {
        /// Length of the whole text, bytes.
        total: u32,
        /// At most [`MAX_CHUNK`] bytes from the offset that was asked for.
        data: Vec<u8>,
    },
    /// Where the file continues.
    Offset {
        /// Bytes that are there and safe.
        offset: u32,
    },
    /// Progress of what was asked for.
    Progress(Progress),
    /// It is not done.
    Refused(Refusal),
    /// The session has ended.
    Bye,
    /// The wearer's journals (from version 1.2 on).
    Journals {
        /// At most [`MAX_LISTED`] journals in the order of their numbers; empty after the last one.
        journals: Vec<JournalEntry>,
    },
    /// A part of a journal (from version 1.2 on).
    Journal {
        /// Length of its whole records, bytes. It only grows.
        total: u32,
        /// At most [`MAX_CHUNK`] bytes from the offset that was asked for.
        data: Vec<u8>,
    },
}

/// A sealed file of the wearer's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its number, from 1.
    pub number: u32,
    /// Length of its whole records, bytes.
    pub bytes: u32,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A signed bundle.
    Bundle,
    /// A configuration, TOML.
    Config,
}

/// Progress of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Nothing was asked for yet.
    Idle,
    /// The badge works on it.
    Working,
    /// The badge waits for a press of its button; the text tells what for. For hosts of version 1.0; later ones get
    /// [`Progress::Asks`].
    PressButton(String),
    /// Done; the text tells what.
    Done(String),
    /// Not done; the text tells why, and what to do.
    Failed(String),
    /// The badge shows this question to its wearer (from version 1.1 on).
    Asks(Question),
}

/// Why a request is not done at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Another host has a session.
    Busy,
    /// Another major version; the badge speaks this one.
    Version(Version),
    /// No session, or it has ended: begin with [`Request::Hello`].
    NoSession,
    /// The badge cannot, or will not; the text tells why, and what to do.
    Cannot(String),
}

/// What a badge is doing, as far as the camera goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CameraState {
    /// No frame yet.
    Starting,
    /// Frames come.
    Streaming,
    /// The wearer paused it, or its session has ended; the camera is closed.
    Paused,
    /// The camera is unplugged or does not answer.
    CameraMissing,
}

/// Where the bundle comes from that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BundleSource {
    /// Inside the program.
    Embedded,
    /// Slot A.
    A,
    /// Slot B.
    B,
    /// A file that the configuration names.
    File,
}

/// How the badge is: its machine, never what it sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BadgeStatus {
    /// What it is doing.
    pub state: CameraState,
    /// Time since its start, ms.
    pub uptime_ms: u64,
    /// Frames looked at in a second, 1/1000 Hz, over the last seconds.
    pub fps_milli: u32,
    /// From the sensor to the displays on average over the last seconds, ms, where the camera tells.
    pub latency_ms: Option<u32>,
    /// Of the board, 1/1000 degrees Celsius.
    pub temperature_milli: Option<i32>,
    /// Heat slows the badge by this factor; 1 is its usual pace.
    pub slowdown: u32,
    /// The power board's warning, where there is one.
    pub battery_low: Option<bool>,
    /// Where its bundle comes from.
    pub running: BundleSource,
    /// What the bundle is called.
    pub bundle: String,
    /// Its release.
    pub content_version: u32,
    /// Starts that a bundle on trial has left before the other one returns; `None` when it is confirmed.
    pub trial: Option<u8>,
    /// How often something went wrong since the start: a camera or a pin lost, a bundle refused.
    pub faults: u32,
    /// The number of the next log line.
    pub log_next: u32,
}

/// A line of the badge's log. Lines tell of the machine, never of what it sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts lines from 0 at the badge's start.
    pub number: u32,
    /// Time since the badge's start, ms.
    pub time_ms: u64,
    /// What happened, at most [`MAX_TEXT`] bytes.
    pub text: String,
}
