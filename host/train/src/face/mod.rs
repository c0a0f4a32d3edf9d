//! Training of `emocue-face`, the badge's own face detector.
//!
//! | Module | What |
//! |---|---|
//! | [`run`] | a training in its folder, from pictures to the graph |
//! | [`net`] | the network, defined once for burn, ONNX and a counter of operations |
//! | [`transfer`] | initial weights from a graph |
//! | [`recipe`] | every setting of a training, as TOML |
//! | [`material`] | the pictures from which scenes are drawn |
//! | [`view`] | the affine map from a picture to a frame |
//! | [`scene`], [`disturb`] | one training frame: its content and its disturbances |
//! | [`grid`], [`targets`] | cells and their targets |
//! | [`teacher`], [`views`] | the teacher's outputs for clean frames, and their cache |
//! | [`loss`], [`worker`], [`train`] | the loop over steps and its parts |
//! | [`validate`] | validation of the averaged weights |
//! | [`checkpoint`] | a training's whole state in one file |

pub mod checkpoint;
pub mod disturb;
pub mod grid;
pub mod loss;
pub mod material;
pub mod net;
pub mod recipe;
pub mod run;
pub mod scene;
pub mod targets;
pub mod teacher;
pub mod train;
pub mod transfer;
pub mod validate;
pub mod view;
pub mod views;
pub mod worker;

#[cfg(test)]
mod tests;

/// Width of a training frame, px.
pub const WIDTH: usize = 320;
/// Height of a training frame, px.
pub const HEIGHT: usize = 240;
/// Values of a cell: a score (logit), the box's centre, width and height, five landmarks.
pub const VALUES: usize = 15;
