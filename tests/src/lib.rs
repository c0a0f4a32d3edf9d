//! Whole-system tests of both binaries.
