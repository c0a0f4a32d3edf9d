//! MTCNN (Zhang et al. 2016): a cascade of three networks that finds boxes and five landmarks.

mod settings;

pub use settings::MtcnnSettings;
