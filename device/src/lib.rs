//! The badge: camera, faces, expression, panel.
//!
//! A frame walks one way: [`camera`] -> [`vision`] -> [`answer`].

pub mod answer;
pub mod camera;
pub mod portraits;
pub mod vision;
