//! `emocue flash` from outside: onto a mounted card, into images, over SSH. The cable is tested beside its own code.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod image;
mod kit;
mod mount;
mod partition;
mod ssh;
