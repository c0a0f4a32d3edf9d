//! Cameras behind another program: frames from a child process.
