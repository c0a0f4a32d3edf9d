//! Import of published weights and of other projects' graphs.

pub mod adopt;
pub mod cascade;
pub mod haar;
pub mod mtcnn;
