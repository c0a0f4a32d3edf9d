//! Bundles that came after the program: two slots, of which one runs, and how a badge survives whatever happens to
//! them.
//!
//! ```text
//! STATE/slots/a.emocue, b.emocue   the bundles
//! STATE/slots/state                which one runs, and how far each is trusted ([`pointer`])
//! STATE/slots/lock                 held while a program changes them
//! STATE/keys                       public keys that were accepted by a press of the button ([`trust`])
//! STATE/ask, STATE/answer          what a program asks the wearer, and the answer ([`consent`])
//! ```
//!
//! A new bundle is written beside the one that runs ([`Install`]) and gets a few starts on trial. After a minute
//! without a fault it is kept ([`Store::confirm`]); else the one before returns ([`boot`]). Every change of the slots is
//! one rename after everything that it leads to is on the disk, so whenever power fails the badge starts with the
//! old bundle or with the new one. Where neither can be used it starts with the one inside the program. Nothing here
//! looks at the time of day.

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

/// Starts that a new bundle gets before the one before it returns.
pub const TRIALS: u8 = 3;
