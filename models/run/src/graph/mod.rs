//! ONNX graphs before tract reads them.

mod constants;
mod fold;
mod index;

pub(crate) use constants::{Constant, Numbers};
pub(crate) use fold::fold;
pub(crate) use index::{Index, float, int, ints, text};
