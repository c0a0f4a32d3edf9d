//! What can go wrong on the host's side.

use std::time::Duration;

use crate::message::{MAX_TRANSFER, VERSION, Version};
use crate::server::MAX_CONFIG;
use crate::transport::LinkError;

/// Why a badge did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The bytes do not go or come.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Nothing answered at all.
    #[error("no badge answered within {} s; check that the cable is a data cable and plugged in, that the badge \
        runs with this port in its configuration ([link] port = ...), and that both sides have the same baud rate",
        .0.as_secs_f32())]
    NoAnswer(Duration),
    /// What was sent came back.
    #[error(
        "the port sends back what it gets, so no badge is there; check that it is the right port, that no login \
        console runs on it, and that the data wires are not joined"
    )]
    Echo,
    /// Another host has a session.
    #[error("another host holds the badge; end its program, or wait 10 s if it was killed")]
    Busy,
    /// Host and badge cannot speak with each other.
    #[error("the badge speaks version {}.{} of the link and this program {}.{}: update {}", .badge.major,
        .badge.minor, VERSION.major, VERSION.minor, older(.badge))]
    Version {
        /// What the badge speaks.
        badge: Version,
    },
    /// It answered before, and does not any more.
    #[error("the badge has been silent for {} s; check the cable and try again, what arrived is kept",
        .0.as_secs_f32())]
    Silent(Duration),
    /// Requests reach the badge in pieces only, again and again.
    #[error(
        "the line damages nearly everything; use a shorter cable, join the grounds, or take a lower baud rate"
    )]
    Noise,
    /// The badge has no session of ours; [`crate::Client`] begins another one where that is safe.
    #[error("the badge ended the session; connect again")]
    SessionOver,
    /// The session ended while something was asked for that may not be done twice.
    #[error(
        "the badge ended the session before it answered, and may have done what was asked for; look at its \
        status before asking again"
    )]
    Unsure,
    /// It will not; its own words.
    #[error("the badge refuses: {0}")]
    Refused(String),
    /// It tried; its own words.
    #[error("the badge could not do it: {0}")]
    Failed(String),
    /// It was restarted while it was at it.
    #[error(
        "the badge no longer knows what it was asked for, so it was restarted meanwhile; look at its status"
    )]
    Forgotten,
    /// The caller did not want to go on.
    #[error("stopped; what arrived is kept, and the next try goes on from there")]
    Stopped,
    /// A file that no badge takes.
    #[error("{0} bytes are too many; a file has at most {MAX_TRANSFER}")]
    TooLarge(u64),
    /// The badge asks for the same part of a file again and again.
    #[error("the transfer does not get beyond byte {offset}; restart the badge and try again")]
    Stalled {
        /// Where it stands.
        offset: u32,
    },
    /// A configuration that no badge has.
    #[error(
        "the badge's configuration claims {0} bytes, more than the {MAX_CONFIG} that it may have; update this \
        program"
    )]
    ConfigTooLong(u32),
    /// The configuration is no text.
    #[error("the badge's configuration is not UTF-8; replace it")]
    ConfigNotText,
    /// A reply that does not fit the request, from a badge with other ideas.
    #[error("the badge answered {request} with something else; update the older side")]
    Unexpected {
        /// What was asked for.
        request: &'static str,
    },
}

fn older(badge: &Version) -> &'static str {
    if badge.major < VERSION.major { "the badge" } else { "this program" }
}
