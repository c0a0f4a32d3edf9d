//! Cameras that V4L2 knows.
