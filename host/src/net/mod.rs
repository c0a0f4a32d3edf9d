//! Network architectures in burn, one file each.

pub mod badge;
