//! The subcommands.

mod board;
mod failure;
#[cfg(unix)]
mod link;
mod practice;
mod probe;
mod run;
mod slot;
mod usage;

pub(crate) use board::off;
pub(crate) use failure::Failure;
#[cfg(unix)]
pub(crate) use link::link;
pub(crate) use practice::practice;
pub(crate) use probe::{camera_outcome, panel_outcome, pins_outcome, screen_outcome};
pub(crate) use run::{every_frame, run_camera};
pub(crate) use slot::slot;
pub(crate) use usage::end_with;
