//! The badge: camera, faces, expression, panel.
//!
//! Data flow of a frame: [`camera`] -> [`vision`] -> [`answer`] -> [`show`], driven by [`badge`].
//!
//! Settings are in the crate `emocue-config`. A module uses only modules of rows above its own:
//!
//! ```text
//! answer  nodes  thermometer              results for a frame; the machine's files
//! sandbox  ffmpeg                         child processes
//! camera  cue  show                       hardware
//! config                                  their settings in one file
//! practice  keep                          answer: games, and what is stored by the wearer's consent
//! vision                                  camera, answer
//! bundle                                  vision: the networks in use, loaded
//! slots                                   bundle: installed bundles
//! link                                    slots, sandbox: requests of a host
//! badge                                   all of them: the loop
//! bench  doctor                           measure and check
//! cli                                     the command line; `verbs`, in the binary, implements it
//! ```
//!
//! Time is a parameter: code that depends on the clock takes `now: Instant`; only loops and drivers read the clock.

pub mod answer;
pub mod badge;
pub mod bench;
pub mod bundle;
pub mod camera;
pub mod cli;
pub mod cue;
pub mod doctor;
pub mod ffmpeg;
pub mod keep;
pub mod link;
pub mod nodes;
pub mod practice;
pub mod sandbox;
pub mod show;
pub mod slots;
pub mod thermometer;
pub mod vision;
