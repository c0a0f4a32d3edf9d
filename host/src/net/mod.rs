//! Network architectures in burn, one file each.

pub mod badge;
pub mod conv;
mod flex;
pub mod norm;
