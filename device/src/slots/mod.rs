//! Installed bundles: two slots (A/B updates), of which one runs, with a trial and rollback that survive power failures
//! and crashes.
//!
//! ```text
//! STATE/slots/a.emocue, b.emocue   the bundles
//! STATE/slots/state                which one runs, and the state of each ([`pointer`])
//! STATE/slots/lock                 held while a program changes them
//! STATE/keys                       public keys that were accepted by a press of the button ([`trust`])
//! STATE/ask, STATE/answer          a question to the wearer, and the answer ([`consent`])
//! ```
//!
//! A new bundle is written to the slot that does not run ([`Install`]) and gets a few starts on trial. After a minute
//! without a fault it is confirmed ([`Store::confirm`]); otherwise the badge rolls back to the previous one ([`boot`]).
//! Every change of the slots is one rename after everything that it refers to is on the disk, so after a power failure
//! at any time the badge starts with the old bundle or with the new one. If neither can be used, it starts with the
//! embedded one. The time of day is not used.

mod boot;
pub mod consent;
mod error;
mod files;
mod install;
pub mod pointer;
mod power;
mod status;
mod store;
#[cfg(test)]
pub(crate) mod tests;
pub mod trust;

pub use boot::{SlotStart, boot, choose};
pub use error::{Refusal, SlotError};
pub(crate) use files::read as read_file;
pub use files::replace as replace_file;
pub use install::{AskForKey, Install, Installed};
pub use pointer::{Held, Pointer};
#[cfg(feature = "test-util")]
pub use power::{PowerCut, with_power_cut};

pub use crate::bundle::Slot;
pub use status::{Next, SlotsStatus};
pub use store::Store;
pub use trust::Trust;

/// Number of starts of a new bundle before the badge rolls back.
pub const TRIALS: u8 = 3;
