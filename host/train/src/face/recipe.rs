//! A detector's recipe: every setting of its training as TOML.

use std::path::Path;

use emocue_models::files;

use serde::{Deserialize, Serialize};

use super::net::FaceNetSpec;
use crate::recipe::{Optimizer, RecipeError};

/// Everything a training depends on besides the pictures, the teacher and the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceRecipe {
    /// The network.
    pub net: FaceNetSpec,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Length and learning rate.
    pub schedule: FaceSchedule,
    /// Content of the frames.
    pub scenes: Scenes,
    /// Disturbances of the frames.
    pub disturb: Disturb,
    /// Weights of the loss's parts.
    pub loss: LossWeights,
}

/// The learning rate over time: linear warm-up, then half a cosine down to 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceSchedule {
    /// Frames of the whole training.
    pub frames: usize,
    /// Frames of the warm-up.
    pub warmup_frames: usize,
    /// Frames between two validations of the averaged weights.
    pub validate_every: usize,
}

/// Shares and ranges of scenes; scenes besides photographs and composites have no face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenes {
    /// Share of photographs, `0..=1`.
    pub photographs: f32,
    /// Share of faces pasted on pictures without a face, `0..=1`.
    pub composites: f32,
    /// Share of hard negatives, in which the network has detected a face, among frames without a face, `0..=1`.
    pub hard: f32,
    /// Clean views of each photograph that the teacher is run on.
    pub views: usize,
    /// Smallest face, px of the longer side.
    pub least: f32,
    /// Largest face, px of the longer side.
    pub most: f32,
    /// Share of scenes whose face is drawn with at most 40 px, `0..=1`; others may be as small by chance.
    pub small: f32,
    /// Share of scenes that are rotated by up to `turn_degrees`, `0..=1`; the others by up to 8 degrees.
    pub turned: f32,
    /// Largest rotation in either direction, degrees.
    pub turn_degrees: f32,
    /// Largest change of the aspect ratio in either direction, as a natural logarithm.
    pub aspect: f32,
}

/// Probabilities of disturbances of a frame, `0..=1` each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturb {
    /// A painted mask on a face.
    pub mask: f32,
    /// Painted sunglasses on a face.
    pub sunglasses: f32,
    /// Half of a face covered.
    pub half_covered: f32,
    /// Low light, with sensor noise.
    pub dark: f32,
    /// Low contrast.
    pub flat: f32,
    /// Motion blur.
    pub motion: f32,
    /// Defocus.
    pub defocus: f32,
    /// Backlight.
    pub backlight: f32,
    /// JPEG compression.
    pub jpeg: f32,
}

/// Weights of the loss's parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// Exponent of the focal loss (Lin et al. 2017).
    pub focal: f32,
    /// Boxes, by generalised IoU (Rezatofighi et al. 2019).
    pub boxes: f32,
    /// Landmarks, by the absolute error of their coordinates in face sizes.
    pub landmarks: f32,
}

/// Recipes that are part of the binary: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[("face", include_str!("../../recipes/face.toml"))];

impl FaceRecipe {
    /// Loads a built-in recipe by name, else a TOML file; `None` if it is not a detector's recipe.
    ///
    /// # Errors
    /// [`RecipeError`] naming the setting.
    pub fn load(name: &str) -> Result<Option<Self>, RecipeError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).is_file() => {
                files::read_text(name).map_err(|source| RecipeError::Io(name.into(), source))?
            }
            None => return Ok(None),
        };
        let toml = |error| RecipeError::Toml(name.to_owned(), Box::new(error));
        let table: toml::Table = text.parse().map_err(toml)?;
        if !table.contains_key("scenes") {
            return Ok(None);
        }
        let recipe: Self = toml::from_str(&text).map_err(toml)?;
        recipe.check(name)?;
        Ok(Some(recipe))
    }

    /// Refuses a setting that is out of its range; `name` names the recipe in messages.
    ///
    /// # Errors
    /// [`RecipeError::Range`] naming the first invalid setting.
    pub fn check(&self, name: &str) -> Result<(), RecipeError> {
        let Self { net, optimizer, schedule, scenes, disturb, loss } = self;
        let shares = [
            ("scenes.photographs", scenes.photographs),
            ("scenes.composites", scenes.composites),
            ("scenes.photographs + scenes.composites", scenes.photographs + scenes.composites),
            ("scenes.hard", scenes.hard),
            ("scenes.small", scenes.small),
            ("scenes.turned", scenes.turned),
            ("scenes.aspect", scenes.aspect),
            ("disturb.mask", disturb.mask),
            ("disturb.sunglasses", disturb.sunglasses),
            ("disturb.half_covered", disturb.half_covered),
            ("disturb.dark", disturb.dark),
            ("disturb.flat", disturb.flat),
            ("disturb.motion", disturb.motion),
            ("disturb.defocus", disturb.defocus),
            ("disturb.backlight", disturb.backlight),
            ("disturb.jpeg", disturb.jpeg),
            ("optimizer.ema_decay", optimizer.ema_decay),
            ("net.keep", net.keep),
        ];
        let shares = shares.map(|(key, value)| (key, f64::from(value), 0.0, 1.0));
        let whole = |value: usize| value as f64;
        let others = [
            ("net.stem", whole(net.stem), 1.0, 256.0),
            ("net.width", whole(net.width), 1.0, 512.0),
            ("optimizer.learning_rate", optimizer.learning_rate, 1e-8, 10.0),
            ("optimizer.batch", whole(optimizer.batch), 1.0, 4096.0),
            ("optimizer.accumulate", whole(optimizer.accumulate), 1.0, 1.0),
            ("schedule.frames", whole(schedule.frames), whole(optimizer.batch), 1e12),
            ("schedule.warmup_frames", whole(schedule.warmup_frames), 0.0, whole(schedule.frames)),
            (
                "schedule.validate_every",
                whole(schedule.validate_every),
                whole(optimizer.batch),
                1e12,
            ),
            ("scenes.views", whole(scenes.views), 1.0, 256.0),
            ("scenes.least", f64::from(scenes.least), 4.0, 100.0),
            ("scenes.most", f64::from(scenes.most), f64::from(scenes.least), 400.0),
            ("scenes.turn_degrees", f64::from(scenes.turn_degrees), 0.0, 180.0),
            ("loss.focal", f64::from(loss.focal), 0.0, 8.0),
            ("loss.boxes", f64::from(loss.boxes), 0.0, 100.0),
            ("loss.landmarks", f64::from(loss.landmarks), 0.0, 100.0),
        ];
        let wrong = shares
            .iter()
            .chain(&others)
            .find(|(_, value, low, high)| !(*low..=*high).contains(value));
        wrong.map_or(Ok(()), |(key, value, low, high)| {
            let expected = format!("{low} to {high}");
            Err(RecipeError::Range(name.to_owned(), (*key).to_owned(), value.to_string(), expected))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_recipe_loads_and_survives_toml() {
        let recipe = FaceRecipe::load("face").unwrap().unwrap();
        let text = toml::to_string(&recipe).unwrap();
        assert_eq!(toml::from_str::<FaceRecipe>(&text).unwrap(), recipe);
        assert_eq!(FaceRecipe::load("badge").unwrap(), None);
    }

    #[test]
    fn names_what_is_out_of_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        for (from, to, word) in [
            ("photographs = 0.6", "photographs = 0.9", "scenes.photographs + scenes.composites"),
            ("most = 220.0", "most = 5.0", "scenes.most is 5"),
            ("views = 16", "views = 0", "scenes.views is 0"),
            ("focal", "fokal", "fokal"),
        ] {
            let text = BUILT_IN[0].1.replacen(from, to, 1);
            assert_ne!(text, BUILT_IN[0].1);
            std::fs::write(&path, text).unwrap();
            let error = FaceRecipe::load(path.to_str().unwrap()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
