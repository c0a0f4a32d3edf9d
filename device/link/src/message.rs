//! The messages between host and badge. There is no message for a picture, a face, an answer or a person, so none of
//! these can be transferred. The wearer's journals are transferred sealed, as bytes that neither side can read.

use serde::{Deserialize, Serialize};

use crate::consent::Question;

/// Version of these messages.
///
/// Two sides are compatible if their `major` is the same. Within a major version, messages are only added at the ends
/// of the enums, and fields never change; each side uses what the lower `minor` of the two has. Any other change raises
/// `major`, and the older side has to be updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Raised by incompatible changes.
    pub major: u16,
    /// Raised by new messages.
    pub minor: u16,
}

/// The version of this program.
pub const VERSION: Version = Version { major: 1, minor: 2 };

/// The first minor version with journals.
pub const JOURNALS_SINCE: u16 = 2;

/// Most bytes of a file in one message. With it every frame stays below 4096 bytes, which a Linux terminal buffers for
/// a slow reader.
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
        /// The host's version.
        version: Version,
    },
    /// The badge's status: [`Reply::Status`].
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
    /// Begins a file; one that was begun before with the same hash continues: [`Reply::Offset`].
    Begin {
        /// Its kind.
        kind: FileKind,
        /// Its length, bytes, at most [`MAX_TRANSFER`].
        bytes: u32,
        /// Its SHA-256.
        sha256: [u8; 32],
    },
    /// A part of the file: [`Reply::Offset`] with the offset to continue from, which is also the reply to a part that
    /// was received before or does not follow.
    Chunk {
        /// Its offset in the file, bytes.
        offset: u32,
        /// At most [`MAX_CHUNK`] bytes.
        data: Vec<u8>,
    },
    /// Ends the file: [`Reply::Progress`]; the result is requested with [`Request::Progress`].
    Finish,
    /// Progress of the last request that takes time: [`Reply::Progress`].
    Progress,
    /// Rolls back to the previous bundle, which the wearer has to allow: [`Reply::Progress`].
    Rollback,
    /// Runs the self-test on the embedded portraits with the running bundle: [`Reply::Progress`].
    SelfTest,
    /// Ends the session, so that another host may begin one at once: [`Reply::Bye`].
    Bye,
    /// The wearer's journals with number `from` or a higher one: [`Reply::Journals`] (from version 1.2 on).
    Journals {
        /// The first number wanted.
        from: u32,
    },
    /// A part of a journal's sealed file: [`Reply::Journal`] (from version 1.2 on).
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
        /// The badge's version.
        version: Version,
        /// The badge's program: `"0.1.0"`.
        program: String,
    },
    /// The badge's status.
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
        /// At most [`MAX_CHUNK`] bytes from the requested offset.
        data: Vec<u8>,
    },
    /// The offset from which the file continues.
    Offset {
        /// Bytes that were received.
        offset: u32,
    },
    /// Progress of a request that takes time.
    Progress(Progress),
    /// The request is refused.
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
        /// At most [`MAX_CHUNK`] bytes from the requested offset.
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

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A signed bundle.
    Bundle,
    /// A configuration, TOML.
    Config,
}

/// Progress of a request that takes time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// No such request was made yet.
    Idle,
    /// The badge works on it.
    Working,
    /// The badge waits for a press of its button; the text says why. For hosts of version 1.0; later ones get
    /// [`Progress::Asks`].
    PressButton(String),
    /// Done; the text says what.
    Done(String),
    /// Failed; the text says why, and what to do.
    Failed(String),
    /// The badge shows this question to its wearer (from version 1.1 on).
    Asks(Question),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Another host has a session.
    Busy,
    /// Another major version; the badge speaks this one.
    Version(Version),
    /// No session, or it has ended: begin with [`Request::Hello`].
    NoSession,
    /// The badge cannot do it or refuses; the text says why, and what to do.
    Cannot(String),
}

/// The state of a badge's camera.
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

/// The source of the running bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BundleSource {
    /// Embedded in the program.
    Embedded,
    /// Slot A.
    A,
    /// Slot B.
    B,
    /// A file that the configuration names.
    File,
}

/// The badge's status: its machine, never what the camera shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BadgeStatus {
    /// The camera's state.
    pub state: CameraState,
    /// Time since its start, ms.
    pub uptime_ms: u64,
    /// Frames processed per second, 1/1000 Hz, over the last seconds.
    pub fps_milli: u32,
    /// Mean latency from the sensor to the displays over the last seconds, ms, if the camera has timestamps.
    pub latency_ms: Option<u32>,
    /// Temperature of the board, 1/1000 degrees Celsius.
    pub temperature_milli: Option<i32>,
    /// Factor by which heat reduces the frame rate; 1 for none.
    pub slowdown: u32,
    /// The power board's warning, where there is one.
    pub battery_low: Option<bool>,
    /// The source of its bundle.
    pub running: BundleSource,
    /// The bundle's name.
    pub bundle: String,
    /// The bundle's release number.
    pub content_version: u32,
    /// Starts that a bundle on trial has left before the badge rolls back; `None` when it is confirmed.
    pub trial: Option<u8>,
    /// Number of faults since the start: a camera or a pin lost, a bundle refused.
    pub faults: u32,
    /// The number of the next log line.
    pub log_next: u32,
}

/// A line of the badge's log. Lines are about the machine, never about what the camera shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts lines from 0 at the badge's start.
    pub number: u32,
    /// Time since the badge's start, ms.
    pub time_ms: u64,
    /// What happened, at most [`MAX_TEXT`] bytes.
    pub text: String,
}
