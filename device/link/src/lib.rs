//! Every byte between host and badge: [`message`] says what can be said, and nothing else can.
//!
//! | Module | What |
//! |---|---|
//! | [`message`] | what host and badge can say |
//! | [`consent`] | what a wearer is asked, and the code by which host and panel are compared |
//! | [`frame`] | a message as bytes that survive a bad cable |
//! | [`transport`], [`serial`] | where the bytes go |
//! | [`client`] | the host's side |
//! | [`server`] | the badge's side |
//! | [`inbox`] | where the badge keeps a file that is not whole yet |
//! | `random` | the same random numbers for the same seed, for games and tests |
//! | `faulty` | a bad cable, for tests (feature `test-util`) |
//!
//! The host asks, the badge answers, one request at a time: that is also the back-pressure, since a badge that is
//! busy has at most one whole request waiting. What is lost or damaged is said again, and a request that came twice
//! is done once.
//!
//! No picture, face or answer can cross: the badge has no message that would hold one. What it may fill freely are
//! texts of at most [`message::MAX_TEXT`] bytes about its machine, and its configuration's text. The wearer's journals are
//! sealed to the wearer's key, so what crosses of them is not readable here or there.

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
