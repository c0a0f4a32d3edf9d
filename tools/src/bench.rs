//! `cargo xtask bench`: the badge's CPU time, memory and size against its budget, and with other forms of the
//! classifier.

mod forms;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use clap::Args;
use serde::Deserialize;

use crate::Result;
use crate::budget::{Budget, BudgetLine, table};
use crate::calibration;
use crate::cargo::{Profile, badge, build_badge, cargo, check, output, root};

/// The bundle embedded in the badge.
const DEFAULT_BUNDLE: &str = "models/bundles/default.emocue";

/// The stages of a frame, in order.
pub(crate) const STAGES: [&str; 6] = ["decode", "detect", "classify", "draw", "total", "stream"];

/// Arguments for the badge.
const JSON: [&str; 2] = ["bench", "--json"];

/// Number of program starts; the minimum counts, since other load can only add to the wall time.
const STARTS: u32 = 5;

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Which build to measure
    #[arg(long, value_enum, default_value = "release")]
    pub(crate) profile: Profile,
    /// Measure the badge without a new build
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Measure the classifier in floats and in integers too; needs emocue, which takes minutes to build
    #[arg(long)]
    pub(crate) forms: bool,
}

/// What `emocue-badge bench --json` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct BenchReport {
    pub(crate) stages: BTreeMap<String, Time>,
    pub(crate) total: Time,
    stream: Time,
    pub(crate) start_to_first_answer_ms: f64,
    peak_rss_bytes: f64,
    pub(crate) fewest_faces: u32,
}

impl BenchReport {
    /// Time of one of [`STAGES`].
    pub(crate) fn time(&self, name: &str) -> Result<&Time> {
        match name {
            "total" => Ok(&self.total),
            "stream" => Ok(&self.stream),
            stage => Ok(self.stages.get(stage).ok_or(format!("the badge measures no {stage}"))?),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Time {
    pub(crate) min_ms: f64,
    median_ms: f64,
}

/// Bytes on disk.
struct Sizes {
    /// The stripped program without its embedded bundle.
    binary: f64,
    bundle: f64,
}

/// Builds and measures; prints a table and, as the last line, JSON.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let budget = Budget::read()?;
    if !args.no_build {
        build_badge(args.profile)?;
        if args.forms {
            // With the whole workspace's features, as the tests build it.
            check(cargo().args(["build", "--release", "--workspace", "--bin", "emocue"]))?;
        }
    }
    let badge = badge(args.profile);
    let before = calibration::fastest_ms();
    let mut report = measure(Command::new(&badge).args(JSON))?;
    if report.fewest_faces == 0 {
        return Err("the badge finds no face in its own clip, so its times say nothing".into());
    }
    for _ in 1..STARTS {
        let again = measure(Command::new(&badge).args(JSON).args(["--frames", "1"]))?
            .start_to_first_answer_ms;
        report.start_to_first_answer_ms = report.start_to_first_answer_ms.min(again);
    }
    let unit_ms = rounded(calibration::fastest_ms().min(before));
    let bundle = size(&root().join(DEFAULT_BUNDLE))?;
    let sizes = Sizes { binary: stripped_size(&badge)? - bundle, bundle };
    let lines = compare(&budget, &report, unit_ms, args.profile.name(), &sizes)?;
    println!("{} build; a calibration loop takes {unit_ms:.3} ms here", args.profile.name());
    print!("{}", table(&lines));
    let forms = if args.forms { forms::run(&badge)? } else { Vec::new() };
    if args.forms {
        print!("{}", forms::table(&forms));
    }
    let figures = serde_json::json!({ "calibration_ms": unit_ms, "lines": lines, "forms": forms });
    println!("{figures}");
    let over: Vec<_> =
        lines.iter().filter(|line| line.is_over()).map(|line| line.what.as_str()).collect();
    if over.is_empty() {
        return Ok(());
    }
    Err(format!("over the budget of tools/budget.toml: {}", over.join(", ")).into())
}

/// Runs a badge command that prints JSON.
fn measure(bench: &mut Command) -> Result<BenchReport> {
    let report = output(bench)?;
    Ok(serde_json::from_str(&report)
        .map_err(|e| format!("`emocue-badge bench --json` printed something else: {e}"))?)
}

fn compare(
    budget: &Budget,
    report: &BenchReport,
    unit_ms: f64,
    profile: &str,
    sizes: &Sizes,
) -> Result<Vec<BudgetLine>> {
    let limit_of = |table: &BTreeMap<String, f64>, name: &str| {
        table.get(name).copied().ok_or(format!("tools/budget.toml has no limit for {name}"))
    };
    let mut lines = Vec::new();
    for name in STAGES {
        let time = report.time(name)?;
        lines.push(BudgetLine {
            what: format!("{name}, CPU"),
            measured: rounded(time.min_ms / unit_ms),
            limit: limit_of(&budget.stage_ratio, name)?,
            unit: "loops",
            note: format!("min {:.3} ms, median {:.3} ms", time.min_ms, time.median_ms),
        });
    }
    let answer = report.start_to_first_answer_ms;
    let binary_limit = limit_of(&budget.binary_mb, profile)?;
    for (what, measured, limit, unit) in [
        ("start to first answer", answer, budget.start_to_first_answer_ms, "ms"),
        ("peak RSS", report.peak_rss_bytes / 1e6, budget.peak_rss_mb, "MB"),
        ("stripped binary without bundle", sizes.binary / 1e6, binary_limit, "MB"),
        ("bundle", sizes.bundle / 1e6, budget.bundle_mb, "MB"),
    ] {
        let (what, measured) = (what.to_owned(), rounded(measured));
        lines.push(BudgetLine { what, measured, limit, unit, note: String::new() });
    }
    Ok(lines)
}

/// Rounds to three decimal places; more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn size(path: &Path) -> Result<f64> {
    let file = std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(file.len() as f64)
}

fn stripped_size(program: &Path) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let stripped = folder.path().join("stripped");
    output(Command::new("strip").arg("-o").args([&stripped, program]))?;
    size(&stripped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_badge_meets_its_limit() {
        let report = r#"{
            "stages": { "decode": { "min_ms": 2, "median_ms": 3 }, "detect": { "min_ms": 9, "median_ms": 9.5 },
                        "classify": { "min_ms": 1, "median_ms": 1 }, "draw": { "min_ms": 0.1, "median_ms": 0.1 } },
            "total": { "min_ms": 12.1, "median_ms": 13 },
            "stream": { "min_ms": 4, "median_ms": 4 },
            "start_to_first_answer_ms": 120, "peak_rss_bytes": 61000000, "fewest_faces": 1
        }"#;
        let report = serde_json::from_str(report).unwrap();
        let sizes = Sizes { binary: 15e6, bundle: 5e6 };
        let limits = |all: &[(&str, f64)]| {
            all.iter().map(|(name, limit)| ((*name).to_owned(), *limit)).collect()
        };
        let budget = Budget {
            peak_rss_mb: 60.0,
            start_to_first_answer_ms: 500.0,
            bundle_mb: 6.0,
            binary_mb: limits(&[("dist", 20.0)]),
            stage_ratio: limits(&[
                ("decode", 3.0),
                ("detect", 10.0),
                ("classify", 2.0),
                ("draw", 1.0),
                ("total", 15.0),
                ("stream", 6.0),
            ]),
            ..Budget::read().unwrap()
        };
        let lines = compare(&budget, &report, 1.0, "dist", &sizes).unwrap();
        assert_eq!(lines.len(), 10);
        let over: Vec<_> =
            lines.iter().filter(|line| line.is_over()).map(|l| l.what.as_str()).collect();
        assert_eq!(over, ["peak RSS"]);
        // When the calibration loop takes twice as long, the same milliseconds count half.
        let slow = compare(&budget, &report, 2.0, "dist", &sizes).unwrap();
        assert_eq!(slow[0].measured * 2.0, lines[0].measured);
    }
}
