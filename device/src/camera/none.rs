//! No camera, for games without one.

use emocue_models::luma::Luma;

use super::{Camera, CameraError, CameraRead, FrameInfo};

/// A live camera that never gives a frame; a badge that uses it begins paused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCamera;

impl Camera for NoCamera {
    fn next(&mut self, _: &mut Luma, _: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        Ok(CameraRead::End)
    }

    fn is_live(&self) -> bool {
        true
    }
}
