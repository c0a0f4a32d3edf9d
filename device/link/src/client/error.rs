//! Errors on the host's side.

use std::time::Duration;

use crate::message::{JOURNALS_SINCE, MAX_JOURNAL, MAX_TRANSFER, VERSION, Version};
use crate::server::MAX_CONFIG;
use crate::transport::LinkError;

/// Why a request to a badge failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The bytes cannot be sent or received.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Nothing answered at all.
    #[error("no badge answered within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    /// What was sent came back.
    #[error("the port sends back what it receives, so no badge is there")]
    Echo,
    /// Another host has a session.
    #[error("another host has a session with the badge")]
    Busy,
    /// Host and badge have different major versions.
    #[error("the badge has version {}.{} of the link and this program {}.{}", .badge.major, .badge.minor,
        VERSION.major, VERSION.minor)]
    Version {
        /// The badge's version.
        badge: Version,
    },
    /// The badge's program is older than journals.
    #[error("the badge has version {}.{} of the link, and journals came with {}.{JOURNALS_SINCE}", .badge.major,
        .badge.minor, VERSION.major)]
    NoJournals {
        /// The badge's version.
        badge: Version,
    },
    /// A journal longer than any badge's.
    #[error("a journal claims {0} bytes, more than the {MAX_JOURNAL} that it may have")]
    JournalTooLong(u32),
    /// It answered before, and no longer does.
    #[error("the badge has been silent for {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// Requests reach the badge damaged, again and again.
    #[error("the line damages nearly everything")]
    Noise,
    /// The badge has no session of ours; [`crate::Client`] begins another one where that is safe.
    #[error("the badge ended the session")]
    SessionEnded,
    /// The session ended during a request that must not be repeated.
    #[error("the badge ended the session before it answered, and may have done what was asked for")]
    Unsure,
    /// The badge refuses; its message.
    #[error("the badge refuses: {0}")]
    Refused(String),
    /// The badge tried and failed; its message.
    #[error("the badge failed: {0}")]
    Failed(String),
    /// It was restarted meanwhile.
    #[error("the badge no longer knows what it was asked for, so it was restarted meanwhile")]
    Forgotten,
    /// The caller stopped it.
    #[error("stopped; what arrived is kept, and the next try continues from there")]
    Stopped,
    /// A file that is too large for any badge.
    #[error("{0} bytes are too many; a file has at most {MAX_TRANSFER}")]
    TooLarge(u64),
    /// The badge requests the same part of a file again and again.
    #[error("the transfer does not get beyond byte {offset}")]
    Stalled {
        /// The offset that it requests, bytes.
        offset: u32,
    },
    /// A configuration longer than any badge's.
    #[error(
        "the badge's configuration claims {0} bytes, more than the {MAX_CONFIG} that it may have"
    )]
    ConfigTooLong(u32),
    /// The configuration is not text.
    #[error("the badge's configuration is not UTF-8")]
    ConfigNotText,
    /// A reply that does not fit the request.
    #[error("the badge answered {request} with something else")]
    Unexpected {
        /// The request.
        request: &'static str,
    },
}

impl ClientError {
    /// What to do about it, in whole sentences.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Link(error) => return error.help(),
            Self::NoAnswer(_) => {
                "Check that the cable is a data cable and plugged in, that the badge runs with this port in its \
                 configuration ([link] port = ...), and that both sides have the same baud rate."
            }
            Self::Echo => {
                "Check that it is the right port, that no login console runs on it, and that the data wires are not \
                 joined."
            }
            Self::Busy => "End the other host's program, or wait 10 s if it was killed.",
            Self::Version { badge } if badge.major < VERSION.major => "Update the badge.",
            Self::NoJournals { .. } => "Update the badge.",
            Self::Version { .. } | Self::ConfigTooLong(_) | Self::JournalTooLong(_) => {
                "Update this program."
            }
            Self::Silent(_) => "Check the cable and try again; what arrived is kept.",
            Self::Noise => "Use a shorter cable, join the grounds, or take a lower baud rate.",
            Self::SessionEnded => "Connect again.",
            Self::Unsure => "Look at the badge's status before you ask again.",
            Self::Forgotten => "Look at the badge's status.",
            Self::Stalled { .. } => "Restart the badge and try again.",
            Self::ConfigNotText => "Replace it.",
            Self::Unexpected { .. } => "Update the older side.",
            Self::Refused(_) | Self::Failed(_) | Self::Stopped | Self::TooLarge(_) => return None,
        };
        Some(help.to_owned())
    }
}
