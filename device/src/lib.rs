//! The badge: camera, faces, expression, panel.
//!
//! A frame walks one way: [`camera`] -> [`vision`] -> [`answer`] -> [`show`], driven by [`badge`].

pub mod answer;
pub mod badge;
pub mod bench;
pub mod camera;
pub mod load;
pub mod portraits;
pub mod show;
pub mod vision;
