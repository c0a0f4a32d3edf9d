//! What a live badge reports to the log.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use emocue_config::{Reason, UsePlace};
use emocue_journal::JournalError;
use emocue_link::consent::{HOW_TO_ANSWER, Question};
use emocue_models::failure::line;

use crate::answer::{GameKind, Kept};
use crate::camera::CameraError;
use crate::cue::CueError;
use crate::keep::PictureError;
use crate::slots::{Slot, SlotError};

/// A line of the log.
#[derive(Debug)]
pub enum Notice {
    /// The camera streams.
    Streams,
    /// The camera gives no frames; it is tried again until it does.
    Missing(CameraError),
    /// The wearer paused it; the camera is closed.
    Paused,
    /// The wearer resumed it.
    Resumed,
    /// The session's last minute begins.
    LastMinute,
    /// The session's time is up; the camera is closed.
    SessionEnded,
    /// The wearer started another session.
    SessionBegins,
    /// Heat reduces the frame rate by this factor; 1 for not at all.
    Slowed(u32),
    /// A pin fails.
    Pin(CueError),
    /// A voice's player or file is missing, or fails.
    Voice(CueError),
    /// A new bundle ran for a healthy minute and is confirmed.
    Confirmed(Slot),
    /// The confirmation of a bundle could not be written.
    NotConfirmed(SlotError),
    /// The host requests something that the wearer is asked about.
    Asks(Question),
    /// A practice game begins, in a school or at work for this reason.
    Plays(GameKind, Reason),
    /// It has ended.
    Played,
    /// A game with the camera is not allowed here.
    NotPlayed(UsePlace),
    /// Storing this is not allowed here.
    NotKept(Kept, UsePlace),
    /// The wearer agreed: a journal begins in this file.
    JournalBegins(PathBuf),
    /// It has ended.
    JournalEnded,
    /// The last interval of a journal could not be written.
    JournalLost(JournalError),
    /// The wearer agreed: pictures are being stored.
    KeepsPictures,
    /// Pictures are no longer stored; the number of stored ones.
    PicturesEnded(u32),
    /// A picture could not be stored.
    PictureLost(PictureError),
    /// Another bundle or configuration is to be used.
    Restarts,
    /// The camera did not close in time.
    Stuck,
    /// The number of processed frames, and their mean latency.
    Stopped {
        /// Frames that were processed.
        looks: u64,
        /// Mean latency from the sensor to the displays, if the camera has timestamps.
        age: Option<Duration>,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Streams => f.write_str("camera streams"),
            Self::Missing(error) => write!(f, "camera missing: {}", line(error)),
            Self::Paused => f.write_str("paused: the camera is closed"),
            Self::Resumed => f.write_str("resumes"),
            Self::LastMinute => f.write_str("the session ends in a minute"),
            Self::SessionEnded => {
                f.write_str("the session has ended: the camera is closed; a press starts another")
            }
            Self::SessionBegins => f.write_str("another session begins"),
            Self::Slowed(1) => f.write_str("cool again: at the usual frame rate"),
            Self::Slowed(factor) => write!(f, "hot: processes {factor} times fewer frames"),
            Self::Pin(error) | Self::Voice(error) => f.write_str(&line(error)),
            Self::Confirmed(slot) => write!(f, "slot {slot} ran well and is confirmed"),
            Self::NotConfirmed(error) => {
                write!(f, "the bundle on trial cannot be confirmed: {}", line(error))
            }
            Self::Asks(question) => {
                let (words, code) = (question.ask.words(), question.code());
                write!(f, "a host asks: {words} Its code is {code}. {HOW_TO_ANSWER}")
            }
            Self::Plays(game, Reason::None) => write!(f, "practice begins: {}", name(*game)),
            Self::Plays(game, reason) => {
                write!(f, "practice begins: {}; recorded reason: {}", name(*game), reason.name())
            }
            Self::Played => f.write_str("practice has ended"),
            Self::NotPlayed(place) => write!(
                f,
                "no game with the camera: use = {:?}; record a reason in the configuration, or play cards",
                place.name()
            ),
            Self::NotKept(kept, place) => {
                let kept = match kept {
                    Kept::Journal => "journal",
                    Kept::Pictures => "pictures",
                };
                write!(f, "no {kept}: the configuration says use = {:?}", place.name())
            }
            Self::JournalBegins(path) => {
                let path = path.display();
                write!(f, "the wearer agreed on the badge: a journal is stored in {path}")
            }
            Self::JournalEnded => f.write_str("the journal has ended"),
            Self::JournalLost(error) => f.write_str(&line(error)),
            Self::KeepsPictures => {
                f.write_str("the wearer agreed on the badge: pictures of faces are stored")
            }
            Self::PicturesEnded(count) => {
                write!(f, "pictures are not stored any more; {count} were")
            }
            Self::PictureLost(error) => f.write_str(&line(error)),
            Self::Restarts => f.write_str("starts again with another bundle or configuration"),
            Self::Stuck => f.write_str("the camera does not close; the LED is off anyway"),
            Self::Stopped { looks, age: Some(age) } => {
                let age = age.as_millis();
                write!(f, "stopped after {looks} frames, {age} ms old on average")
            }
            Self::Stopped { looks, age: None } => write!(f, "stopped after {looks} frames"),
        }
    }
}

/// A game as the command line names it.
fn name(game: GameKind) -> &'static str {
    match game {
        GameKind::ShowMe => "show",
        GameKind::Guess => "guess",
        GameKind::Cards => "cards",
    }
}

impl Notice {
    /// Whether something went wrong.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Missing(_)
                | Self::Pin(_)
                | Self::Voice(_)
                | Self::NotConfirmed(_)
                | Self::PictureLost(_)
                | Self::JournalLost(_)
                | Self::Stuck
        )
    }
}
