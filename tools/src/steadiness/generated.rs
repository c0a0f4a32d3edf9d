//! The generated benchmark: drawn scenes, of which it is known what should be shown.

use serde::Serialize;

use super::SteadinessArgs;
use super::badge::{Badge, Mode, Stream};
use super::clip::Rate;
use super::fit::Fit;
use super::measure::{Figures, Pair};
use super::scene::Scene;
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
    /// As the command line names it: `own` is 30 for a drawn scene.
    pub(super) rate: String,
    pub(super) fps: f64,
    /// Every frame by itself, against what is known.
    pub(super) raw_truth: TruthFigures,
    /// The same as a badge does it.
    pub(super) steady_truth: TruthFigures,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// Draws the scenes that `args` asks for at every rate and hands each to `see`.
fn each(
    badge: &Badge,
    args: &SteadinessArgs,
    rates: &[Rate],
    mut see: impl FnMut(Kind, &Scene<'_>, Rate) -> Result<()>,
) -> Result<()> {
    let data = std::env::var_os("EMOCUE_DATA").map(std::path::PathBuf::from);
    let gallery = Gallery::choose(badge, data.as_deref(), args.seed)?;
    let kinds: Vec<&str> = gallery.known.iter().map(|one| one.answer.as_str()).collect();
    eprintln!("steadiness: scenes with {}: {}", gallery.source, kinds.join(", "));
    let mut scenes = scenes(&gallery, args.seconds, args.seed);
    let starts = |name: &str| args.scenes.iter().any(|start| name.starts_with(start.as_str()));
    scenes.retain(|(_, scene)| args.scenes.is_empty() || starts(&scene.name));
    if scenes.is_empty() {
        return Err("no scene has such a name".into());
    }
    for rate in rates {
        for (kind, scene) in &scenes {
            eprintln!("steadiness: {} at {} frames a second", scene.name, rate.or(OWN));
            see(*kind, scene, *rate).map_err(|e| format!("{}: {e}", scene.name))?;
        }
    }
    Ok(())
}

fn stream<'a>(scene: &'a Scene<'_>, fps: f64) -> Stream<'a> {
    Stream::Drawn(Box::new(move |out| scene.write(fps, out)))
}

/// Runs the badge on every scene at every rate.
pub(super) fn run(
    badge: &Badge,
    args: &SteadinessArgs,
    rates: &[Rate],
) -> Result<Vec<SceneFigures>> {
    let mut all = Vec::new();
    each(badge, args, rates, |kind, scene, rate| {
        let fps = rate.or(OWN);
        let pair = Pair::run(badge, || Ok(stream(scene, fps)))?;
        all.push(SceneFigures {
            scene: scene.name.clone(),
            kind,
            rate: rate.to_string(),
            fps,
            raw_truth: TruthFigures::of(&pair.raw.frames, &scene.truth),
            steady_truth: TruthFigures::of(&pair.steady.frames, &scene.truth),
            figures: Figures::of(&pair),
        });
        Ok(())
    })?;
    Ok(all)
}

/// Adds every scene with a known answer to `fit`.
pub(super) fn add(
    badge: &Badge,
    args: &SteadinessArgs,
    rates: &[Rate],
    fit: &mut Fit,
) -> Result<()> {
    each(badge, args, rates, |kind, scene, rate| {
        if kind == Kind::Changes {
            let raw = badge.run(stream(scene, rate.or(OWN)), Mode::Raw)?.frames;
            fit.add(rate.to_string(), raw, Some((kind, scene.truth.clone())));
        }
        Ok(())
    })
}
