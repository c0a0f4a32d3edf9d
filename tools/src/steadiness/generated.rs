//! The generated benchmark: drawn scenes, of which it is known what should be shown.

use serde::Serialize;

use super::SteadinessArgs;
use super::badge::{Badge, Stream};
use super::clip::Rate;
use super::measure::{Figures, Pair};
use super::scene::pictures::Gallery;
use super::scene::script::{Kind, scenes};
use super::truth::TruthFigures;
use crate::Result;

/// Frames a second of scenes where nothing else is asked for.
pub(super) const RATES: &[Rate] = &[Rate::Own, Rate::Fps(8.0), Rate::Fps(5.0)];

/// What a camera gives.
const OWN: f64 = 30.0;

/// A scene at one rate.
#[derive(Serialize)]
pub(super) struct SceneFigures {
    pub(super) scene: String,
    #[serde(skip)]
    pub(super) kind: Kind,
    pub(super) fps: f64,
    /// Every frame by itself, against what is known.
    pub(super) raw_truth: TruthFigures,
    /// The same as a badge does it.
    pub(super) steady_truth: TruthFigures,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// Draws the scenes that `args` asks for and runs the badge on each at every rate.
pub(super) fn run(
    badge: &Badge,
    args: &SteadinessArgs,
    rates: &[Rate],
) -> Result<Vec<SceneFigures>> {
    let data = std::env::var_os("EMOCUE_DATA").map(std::path::PathBuf::from);
    let gallery = Gallery::choose(badge, data.as_deref(), args.seed)?;
    let kinds: Vec<&str> = gallery.known.iter().map(|one| one.answer.as_str()).collect();
    eprintln!("steadiness: scenes with {}: {}", gallery.source, kinds.join(", "));
    let asked = |name: &str| {
        args.scenes.is_empty() || args.scenes.iter().any(|start| name.starts_with(start.as_str()))
    };
    let mut all = Vec::new();
    for rate in rates {
        let fps = match rate {
            Rate::Own => OWN,
            Rate::Fps(fps) => *fps,
        };
        for (kind, scene) in &scenes(&gallery, args.seconds, args.seed) {
            if !asked(&scene.name) {
                continue;
            }
            eprintln!("steadiness: {} at {fps} frames a second", scene.name);
            let stream = || Ok(Stream::Drawn(Box::new(|out| scene.write(fps, out))));
            let pair = Pair::run(badge, stream).map_err(|e| format!("{}: {e}", scene.name))?;
            all.push(SceneFigures {
                scene: scene.name.clone(),
                kind: *kind,
                fps,
                raw_truth: TruthFigures::of(&pair.raw.frames, &scene.truth),
                steady_truth: TruthFigures::of(&pair.steady.frames, &scene.truth),
                figures: Figures::of(&pair),
            });
        }
    }
    match all.is_empty() {
        true => Err("no scene has such a name".into()),
        false => Ok(all),
    }
}
