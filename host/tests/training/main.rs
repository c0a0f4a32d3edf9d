//! Trainings as a user runs them.

#![allow(clippy::unwrap_used)] // helpers of tests

mod bench;
mod binary;
mod face;
mod interrupt;
