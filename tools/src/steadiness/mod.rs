//! `cargo xtask steadiness`: measures the steadiness of the shown answer, and its delay and CPU time.
//!
//! The real badge processes every clip twice: once each frame independently (`--steady off`), once with the default
//! settings.

mod badge;
mod bars;
mod changes;
mod clip;
mod faces;
mod fit;
mod generated;
mod joined;
mod log;
mod measure;
mod scene;
mod segments;
mod table;
mod truth;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use self::badge::{Badge, Mode};
pub(crate) use self::bars::SteadinessBudget;
use self::clip::{Clip, Rate};
use self::fit::Fit;
use self::joined::Joined;
use self::measure::{Figures, Pair};
use crate::Result;
use crate::budget::{Budget, table as budget_table};

/// Options of `cargo xtask steadiness`.
#[derive(Args)]
pub(crate) struct SteadinessArgs {
    /// Clips of people: Y4M, or anything that ffmpeg reads; clips with the same name up to the first hyphen are added up
    clips: Vec<PathBuf>,
    /// Frames per second, `own` for the clip's (default: own and 8 for clips; own (30), 8 and 5 for synthetic scenes)
    #[arg(long, value_delimiter = ',')]
    fps: Vec<Rate>,
    /// Also measure synthetic scenes of known truth, with faces of the data set in the folder EMOCUE_DATA, or else the
    /// embedded portraits
    #[arg(long)]
    generated: bool,
    /// Seed of the faces and of the times of their changes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Length of a synthetic scene, s
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = seconds)]
    seconds: f64,
    /// Only scenes with this name prefix; repeatable
    #[arg(long, value_name = "NAME")]
    scenes: Vec<String>,
    /// Networks to use instead of the embedded ones
    #[arg(long)]
    bundle: Option<PathBuf>,
    /// Measure this program (default: the badge, newly built)
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fit the settings of `[steady]` to these networks on these clips, and on synthetic scenes with --generated
    #[arg(long, conflicts_with_all = ["check", "json"])]
    fit: bool,
    /// Fail when a figure is above its limit in tools/budget.toml
    #[arg(long)]
    check: bool,
}

impl SteadinessArgs {
    /// Synthetic scenes of 20 s: a changing expression under every condition, and two people; compared with the limits.
    pub(crate) fn brief() -> Self {
        Self {
            clips: Vec::new(),
            fps: vec![Rate::Own, Rate::Fps(8.0)],
            generated: true,
            seed: 1,
            seconds: 20.0,
            scenes: vec!["changes".to_owned(), "two".to_owned()],
            bundle: None,
            badge: None,
            json: None,
            fit: false,
            check: true,
        }
    }

    fn fps(&self, usual: &[Rate]) -> Vec<Rate> {
        if self.fps.is_empty() { usual.to_vec() } else { self.fps.clone() }
    }
}

/// Default rates of clips.
const CLIP_RATES: &[Rate] = &[Rate::Own, Rate::Fps(8.0)];

/// Parses the length of a scene, 1 to 3600 s.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1.0..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "expected 1 to 3600 s".to_owned())
}

/// A clip at one rate.
#[derive(Serialize)]
struct ClipFigures {
    clip: String,
    group: String,
    fps: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Measures, prints Markdown, and compares with the limits.
pub(crate) fn run(args: &SteadinessArgs) -> Result<()> {
    if args.clips.is_empty() && !args.generated {
        return Err("name clips, or use --generated".into());
    }
    let budget = Budget::read()?.steadiness;
    let clips: Vec<Clip> = args.clips.iter().map(|path| Clip::open(path)).collect::<Result<_>>()?;
    let badge = Badge::new(args.badge.clone(), args.bundle.clone())?;
    if args.fit {
        return fit(args, &badge, &clips, &budget);
    }
    let (mut of_clips, mut joined, mut scenes) = (Vec::new(), Vec::new(), Vec::new());
    for rate in args.fps(CLIP_RATES) {
        for clip in &clips {
            eprintln!("steadiness: {} at {rate} frames a second", clip.name);
            let pair = Pair::run(&badge, || clip.stream(rate))
                .map_err(|e| format!("{}: {e}", clip.name))?;
            if rate == Rate::Own {
                joined.extend(Joined::of(clip, &pair.raw.frames));
            }
            of_clips.push(ClipFigures {
                clip: clip.name.clone(),
                group: clip.group().to_owned(),
                fps: rate.to_string(),
                figures: Figures::of(&pair),
            });
        }
    }
    for rate in args.fps(CLIP_RATES) {
        for joined in &joined {
            scenes.push(joined.run(&badge, rate)?);
        }
    }
    if args.generated {
        scenes.extend(generated::run(&badge, args, &args.fps(generated::RATES))?);
    }
    print!("{}", table::of_clips(&of_clips));
    print!("{}", table::of_scenes(&scenes));
    let lines = bars::compare(&budget, &of_clips, &scenes);
    println!("{}", budget_table(&lines));
    if let Some(path) = &args.json {
        let all = serde_json::json!({ "clips": of_clips, "scenes": scenes, "bars": lines });
        std::fs::write(path, serde_json::to_vec_pretty(&all)?)
            .map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let over: Vec<&str> =
        lines.iter().filter(|line| line.is_over()).map(|line| line.what.as_str()).collect();
    if args.check && !over.is_empty() {
        return Err(format!("over the bars of tools/budget.toml: {}", over.join(", ")).into());
    }
    Ok(())
}

/// Classifies every frame independently, evaluates all settings on the answers, and prints the best.
fn fit(
    args: &SteadinessArgs,
    badge: &Badge,
    clips: &[Clip],
    budget: &SteadinessBudget,
) -> Result<()> {
    let mut fit = Fit::default();
    for rate in args.fps(CLIP_RATES) {
        for clip in clips {
            eprintln!("steadiness: {} at {rate} frames a second", clip.name);
            let run = badge.run(clip.stream(rate)?, Mode::Raw);
            fit.add(rate.to_string(), run.map_err(|e| format!("{}: {e}", clip.name))?.frames, None);
        }
    }
    if args.generated {
        generated::add(badge, args, &args.fps(generated::RATES), &mut fit)?;
    }
    print!("{}", fit.report(budget)?);
    Ok(())
}
