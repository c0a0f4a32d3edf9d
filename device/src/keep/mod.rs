//! What the badge keeps, only by its wearer's consent: a journal of counts, and pictures of faces.
//!
//! Consent is a value that [`ConsentFlow`] alone makes, out of presses of the badge's own button; what writes takes it.

mod consent;
mod diary;
mod pictures;

pub use consent::{Consent, ConsentFlow, FlowAnswer};
pub use diary::Diary;
pub use pictures::{PictureError, PictureStore};
