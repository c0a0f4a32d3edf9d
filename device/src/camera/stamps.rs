//! Numbers and times of a live camera's frames.

use std::time::Instant;

use super::FrameInfo;

/// Numbers a live camera's frames, across reconnections.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    index: u64,
    /// When the very first frame was captured.
    began: Option<Instant>,
}

impl Stamps {
    /// Fills in `info` for the next frame of the camera `name`.
    pub(super) fn next(&mut self, name: &str, captured: Instant, info: &mut FrameInfo) {
        let began = *self.began.get_or_insert(captured);
        name.clone_into(&mut info.source);
        info.index = self.index;
        info.time_ms = Some(captured.duration_since(began).as_millis() as u64);
        info.captured = Some(captured);
        self.index += 1;
    }
}
