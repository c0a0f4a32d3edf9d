//! The generated benchmark: synthetic scenes with ground truth.

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

/// Default frame rates of scenes.
pub(super) const RATES: &[Rate] = &[Rate::Own, Rate::Fps(8.0), Rate::Fps(5.0)];

/// Frame rate of [`Rate::Own`] for scenes, Hz.
const OWN: f64 = 30.0;

/// A scene at one rate.
#[derive(Serialize)]
pub(super) struct SceneFigures {
    pub(super) scene: String,
    #[serde(skip)]
    pub(super) kind: Kind,
    /// The rate as on the command line: `own` is 30 Hz for a synthetic scene.
    pub(super) rate: String,
    pub(super) fps: f64,
    /// Single-frame answers against the ground truth.
    pub(super) raw_truth: TruthFigures,
    /// The badge's shown answers against the ground truth.
    pub(super) steady_truth: TruthFigures,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// Draws the requested scenes at every rate and calls `see` with each.
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

/// Adds every scene with ground truth to `fit`.
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
