//! What the badge stores, only by its wearer's consent: a journal of counts, and pictures of faces.
//!
//! [`Consent`] is a value that only [`ConsentFlow`] creates, from presses of the badge's own button; the writers
//! require it.

mod consent;
mod diary;
mod pictures;

pub use consent::{Consent, ConsentFlow, FlowAnswer};
pub use diary::Diary;
pub use pictures::{PictureError, PictureStore};
