//! Published models that the badge builds on or is compared with.

pub mod mtcnn;
mod pytorch;
