//! Tests of the link's public API.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod common;
mod consent;
mod day;
mod inbox;
mod journal;
mod messages;
#[cfg(unix)]
mod serial;
mod session;
mod simulated;
mod transfer;
mod weather;
