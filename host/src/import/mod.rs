//! Published weights and other people's graphs, as the badge needs them.

pub mod adopt;
pub mod cascade;
pub mod haar;
pub mod mtcnn;
