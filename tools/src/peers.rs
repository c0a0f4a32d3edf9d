//! `cargo xtask peers`: compares the classifier with ONNX Runtime and LiteRT on this machine.
//!
//! `tools/peers/compare.py` measures in a Python environment below the target folder; this module starts it and checks
//! the budget.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::Deserialize;

use crate::Result;
use crate::budget::Budget;
use crate::cargo::{Profile, cargo, check, root, target_folder};

/// The packages to compare with, with pinned versions.
const REQUIREMENTS: &str = "tools/peers/requirements.txt";

/// Measured on x86 only; budgets of all other forms apply everywhere.
const X86_FORM: &str = "int8-avx2";

/// `[peers]` of `tools/budget.toml`: the required speed-up of each of our forms over each other form.
pub(crate) type PeersBudget = BTreeMap<String, BTreeMap<String, f64>>;

/// Options of `cargo xtask peers`.
#[derive(Args)]
pub(crate) struct PeersArgs {
    /// Fail when the integer classifier is slower than the limits in tools/budget.toml allow
    #[arg(long)]
    check: bool,
    /// Write all figures, versions and the processor's name to this file, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A float ONNX graph, or one with 8-bit weights, of one 48x48 input (default: the default bundle's network)
    #[arg(long, value_name = "ONNX")]
    classifier: Option<PathBuf>,
    /// Measure without a new build
    #[arg(long)]
    no_build: bool,
}

/// The part of `compare.py`'s JSON that the budget check needs.
#[derive(Deserialize)]
struct PeersReport {
    forms: Vec<MeasuredForm>,
}

#[derive(Deserialize)]
struct MeasuredForm {
    form: String,
    best_us: f64,
}

/// A ratio and its minimum.
struct RatioBar {
    what: String,
    measured: f64,
    least: f64,
}

impl RatioBar {
    /// Whether it is below its minimum, or NaN.
    fn is_missed(&self) -> bool {
        self.measured.is_nan() || self.measured < self.least
    }
}

/// Builds, makes the environment, measures, and compares with the budget if requested.
pub(crate) fn run(args: &PeersArgs) -> Result<()> {
    let budget = Budget::read()?;
    if !args.no_build {
        // With the whole workspace's features, as the tests build it.
        let examples = ["--example", "timed", "--example", "crops"];
        check(cargo().args(["build", "--release", "--workspace", "--bins"]).args(examples))?;
    }
    let python = environment(&target_folder().join("peers"))?;
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("peers.json");
    let mut compare = Command::new(python);
    compare.arg(root().join("tools/peers/compare.py")).arg("--out").arg(&report);
    compare.arg("--built").arg(target_folder().join(Profile::Release.name()));
    if let Some(classifier) = &args.classifier {
        compare.arg("--classifier").arg(classifier);
    }
    check(&mut compare)?;
    let text = std::fs::read_to_string(&report)?;
    if let Some(out) = &args.out {
        std::fs::write(out, &text).map_err(|e| format!("{}: {e}", out.display()))?;
    }
    if !args.check {
        return Ok(());
    }
    let bars = bars(&budget.peers, &serde_json::from_str(&text)?, cfg!(target_arch = "x86_64"))?;
    print!("{}", table(&bars));
    let missed: Vec<_> = bars.iter().filter(|bar| bar.is_missed()).map(|bar| &*bar.what).collect();
    match missed.as_slice() {
        [] => Ok(()),
        _ => Err(format!("slower than tools/budget.toml allows: {}", missed.join(", ")).into()),
    }
}

/// Makes a Python environment with the pinned packages; returns its interpreter.
fn environment(folder: &Path) -> Result<PathBuf> {
    let venv = check(Command::new("python3").args(["-m", "venv"]).arg(folder));
    venv.map_err(|e| format!("{e}\n  Python 3.11 or newer with its venv module is needed"))?;
    let python = folder.join("bin/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(root().join(REQUIREMENTS));
    let installed = check(&mut install);
    installed.map_err(|e| {
        format!("{e}\n  the packages of {REQUIREMENTS} are needed; is a package index reachable?")
    })?;
    Ok(python)
}

fn bars(budget: &PeersBudget, report: &PeersReport, is_x86: bool) -> Result<Vec<RatioBar>> {
    let best = |name: &str| {
        let form = report.forms.iter().find(|form| form.form == name);
        form.map(|form| form.best_us).ok_or(format!("the comparison measured no {name}"))
    };
    let mut bars = Vec::new();
    for (ours, others) in budget.iter().filter(|(ours, _)| is_x86 || *ours != X86_FORM) {
        for (other, &least) in others {
            let measured = best(other)? / best(ours)?;
            bars.push(RatioBar { what: format!("{ours} against {other}"), measured, least });
        }
    }
    Ok(bars)
}

fn table(bars: &[RatioBar]) -> String {
    let width = bars.iter().map(|bar| bar.what.len()).max().unwrap_or(0);
    let mut table = format!("{:width$}   measured  at least\n", "");
    for bar in bars {
        let RatioBar { what, measured, least } = bar;
        let missed = if bar.is_missed() { "  MISSED" } else { "" };
        let _ = writeln!(table, "{what:width$} {measured:10.2} {least:9.2}{missed}");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(forms: &[(&str, f64)]) -> PeersReport {
        let form = |&(form, best_us): &(&str, f64)| MeasuredForm { form: form.to_owned(), best_us };
        PeersReport { forms: forms.iter().map(form).collect() }
    }

    #[test]
    fn a_form_that_is_too_slow_misses_its_bar() {
        let budget = Budget::read().unwrap().peers;
        let times = [("tract-f32", 800.0), ("litert-int8", 120.0), ("onnxruntime-int8", 140.0)];
        let with =
            |int8, avx2| report(&[&times[..], &[("int8", int8), ("int8-avx2", avx2)]].concat());
        let missed = |report: &PeersReport| -> Vec<String> {
            let bars = bars(&budget, report, true).unwrap();
            bars.into_iter().filter(RatioBar::is_missed).map(|bar| bar.what).collect()
        };
        assert!(missed(&with(100.0, 200.0)).is_empty());
        assert_eq!(missed(&with(112.0, 200.0)), ["int8 against litert-int8"]);
        assert_eq!(missed(&with(100.0, 240.0)), ["int8-avx2 against tract-f32"]);
        assert!(missed(&with(f64::NAN, 200.0)).len() > 1);
    }

    #[test]
    fn a_form_that_was_not_measured_is_an_error_but_for_x86_forms_elsewhere() {
        let budget = Budget::read().unwrap().peers;
        let all = ["tract-f32", "int8", "litert-int8", "onnxruntime-int8"].map(|name| (name, 1.0));
        assert!(
            bars(&budget, &report(&all), true).is_err_and(|e| e.to_string().contains(X86_FORM))
        );
        assert_eq!(bars(&budget, &report(&all), false).unwrap().len(), 3);
        assert!(bars(&budget, &report(&all[..1]), false).is_err());
    }
}
