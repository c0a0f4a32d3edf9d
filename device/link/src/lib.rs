//! The protocol between host and badge: [`message`] defines all messages.
//!
//! | Module | What |
//! |---|---|
//! | [`message`] | the messages |
//! | [`consent`] | questions to the wearer, and the code that is compared on host and panel |
//! | [`frame`] | the framing of messages |
//! | [`transport`], [`serial`] | byte transports |
//! | [`client`] | the host's side |
//! | [`server`] | the badge's side |
//! | [`inbox`] | storage for a file that is not whole yet |
//! | `random` | seeded random numbers, for games and tests |
//! | `faulty` | a bad cable, for tests (feature `test-util`) |
//!
//! The host sends one request at a time, and the badge replies: that is also the flow control, since a busy badge has
//! at most one whole request waiting. Lost or damaged messages are sent again, and a request that arrives twice is
//! executed once.
//!
//! No picture, face or answer can be transferred: there is no message for one. Free text is limited to texts of at most
//! [`message::MAX_TEXT`] bytes about the machine, and the configuration's text. The wearer's journals are sealed to the
//! wearer's key, so neither side can read them.

mod baud;
mod channel;
pub mod client;
pub mod consent;
#[cfg(feature = "test-util")]
pub mod faulty;
pub mod frame;
pub mod inbox;
pub mod message;
pub mod random;
#[cfg(unix)]
pub mod serial;
pub mod server;
pub mod transport;

pub use baud::BAUDS;
pub use client::{Client, ClientError};
pub use inbox::Inbox;
pub use server::{Badge, Server};
pub use transport::{LinkError, Transport};
