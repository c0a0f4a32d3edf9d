//! Where the eyes, the nose and the mouth lie in a dataset's rows: found by a bundle's detector, kept in a file.

mod file;
mod find;
mod study;

pub use file::{read, text};
pub use find::{MIN_FACE, find_all};
pub use study::{LandmarkStudy, Spread, study};
