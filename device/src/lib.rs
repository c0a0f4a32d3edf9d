//! The badge: camera, faces, expression, panel.
//!
//! A frame walks one way: [`camera`] -> detect -> crop -> classify -> [`answer`] -> [`show`].

pub mod answer;
