//! The badge: camera, faces, expression, panel.
//!
//! A frame walks one way: [`camera`] -> [`vision`] -> [`answer`] -> [`show`], driven by [`badge`].

pub mod answer;
pub mod badge;
pub mod bench;
pub mod camera;
pub mod clock;
pub mod cue;
pub mod doctor;
pub mod link;
pub mod load;
pub mod nodes;
pub mod show;
pub mod slots;
pub mod vision;
