//! Landmarks of a dataset's rows: detected by a bundle's detector, stored in a file.

mod file;
mod find;
mod study;

pub use file::{read, text};
pub use find::{MIN_FACE, find_all};
pub use study::{LandmarkStudy, Spread, study};
