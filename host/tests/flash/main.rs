//! `emocue flash` as a program: on a mounted card, in images, over SSH. The cable is tested in `emocue-flash`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod image;
mod kit;
mod mount;
mod partition;
mod ssh;
