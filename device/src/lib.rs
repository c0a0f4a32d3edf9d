//! The badge: camera, faces, expression, panel.
//!
//! A frame walks one way: [`camera`] -> [`vision`] -> [`answer`] -> [`show`].

pub mod answer;
pub mod camera;
pub mod portraits;
pub mod show;
pub mod vision;
