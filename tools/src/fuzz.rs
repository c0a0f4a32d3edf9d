//! `cargo xtask fuzz`: fuzzes all code that reads untrusted bytes, with libFuzzer.
//!
//! The targets are those of `tools/fuzz`, built by a stable compiler as `cargo fuzz --sanitizer none` builds them: with
//! counters at every edge, debug assertions and overflow checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::Deserialize;
use tempfile::TempDir;

use crate::Result;
use crate::cargo::{cargo, check, output, root, target_folder};

/// Compiler flags for the fuzz targets and their dependencies.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks";

/// Crates of the inference runtime, which no target runs: compiled without optimisation.
const UNUSED: [&str; 8] = [
    "tract-core",
    "tract-data",
    "tract-extra",
    "tract-hir",
    "tract-linalg",
    "tract-nnef",
    "tract-onnx",
    "tract-onnx-opl",
];

/// Options of libFuzzer: inputs of at most 8 KiB, 20 s and 2 GiB for each.
const OPTIONS: [&str; 5] = [
    "-max_len=8192",
    "-timeout=20",
    "-rss_limit_mb=2048",
    "-use_value_profile=1",
    "-print_final_stats=1",
];

/// Minimum time for a target, s.
const LEAST: u64 = 5;

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// The targets, by the names of the files in tools/fuzz/fuzz_targets (default: all)
    targets: Vec<String>,
    /// Time of all targets together, minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Run the targets without a new build
    #[arg(long)]
    no_build: bool,
}

/// Figures of a run, from libFuzzer's output.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    executions: u64,
    /// Number of reached edges, and of all edges in the program.
    reached: u64,
    edges: u64,
}

/// Builds the targets, runs one after the other, and fails if one of them found a fault.
pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    let folder = root().join("tools/fuzz");
    let targets = chosen(&known(&folder)?, &args.targets)?;
    let triple = host()?;
    if !args.no_build {
        build(&triple, &targets)?;
    }
    let programs = target_folder().join(&triple).join("release");
    let seconds = (args.minutes * 60.0 / targets.len() as f64) as u64;
    println!("target             executions   CPU s   /CPU s   edges reached");
    let mut faults = Vec::new();
    for target in &targets {
        let program = programs.join(&target.name);
        faults.extend(fuzz(&program, &target.name, &folder, seconds.max(LEAST))?);
    }
    println!("{:.2} CPU hours", children()? / 3600.0);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{} found a fault:\n{}", faults.len(), faults.join("\n")).into()),
    }
}

/// The part of the fuzz manifest that lists the targets.
#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Target>,
}

/// A fuzz target.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    name: String,
    required_features: Vec<String>,
}

impl Target {
    /// Whether it needs the inference runtime.
    fn needs_networks(&self) -> bool {
        self.required_features.iter().any(|feature| feature == "networks")
    }
}

/// The targets of the manifest in `folder`.
fn known(folder: &Path) -> Result<Vec<Target>> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml"))?;
    Ok(toml::from_str::<Manifest>(&text)?.bin)
}

/// The requested targets; all when none is named.
fn chosen(known: &[Target], wanted: &[String]) -> Result<Vec<Target>> {
    let named = |name: &String| known.iter().find(|target| target.name == *name).cloned();
    if let Some(name) = wanted.iter().find(|name| named(name).is_none()) {
        let names: Vec<&str> = known.iter().map(|target| target.name.as_str()).collect();
        return Err(
            format!("there is no fuzz target {name}; there are {}", names.join(", ")).into()
        );
    }
    Ok(if wanted.is_empty() { known.to_vec() } else { wanted.iter().filter_map(named).collect() })
}

/// The compiler's host triple.
fn host() -> Result<String> {
    let printed = output(Command::new("rustc").arg("-vV"))?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say its host")?.to_owned())
}

/// Builds the targets. Those without the inference runtime are built separately, since they build and run faster.
/// `--target` keeps the flags from build scripts.
fn build(triple: &str, targets: &[Target]) -> Result<()> {
    for networks in [false, true] {
        let names = targets.iter().filter(|target| target.needs_networks() == networks);
        let names: Vec<&str> = names.flat_map(|target| ["--bin", &target.name]).collect();
        if names.is_empty() {
            continue;
        }
        let mut command = cargo();
        command.args(["build", "--release", "--package", "emocue-fuzz", "--target", triple]);
        command.args(["--no-default-features", "--features"]);
        command.arg(if networks { "libfuzzer,networks" } else { "libfuzzer" });
        for package in UNUSED {
            command.args(["--config", &format!("profile.release.package.{package}.opt-level=0")]);
        }
        check(command.args(names).env("RUSTFLAGS", FLAGS))?;
    }
    Ok(())
}

/// Runs one target and prints its figures; returns the fault that it found.
fn fuzz(program: &Path, target: &str, folder: &Path, seconds: u64) -> Result<Option<String>> {
    let seeds = TempDir::new()?;
    let place = |kind: &str| -> Result<PathBuf> {
        let place = folder.join(kind).join(target);
        std::fs::create_dir_all(&place)?;
        Ok(place)
    };
    let (corpus, artifacts) = (place("corpus")?, place("artifacts")?);
    let mut command = Command::new(program);
    command.env("EMOCUE_FUZZ_SEEDS", seeds.path()).args(OPTIONS);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args([&corpus, seeds.path()]);
    let inputs = folder.join("inputs").join(target);
    if inputs.is_dir() {
        command.arg(inputs);
    }
    let before = children()?;
    let ran = command.output().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let printed = String::from_utf8_lossy(&ran.stderr);
    let Figures { executions, reached, edges } = figures(&printed);
    let seconds = children()? - before;
    let rate = executions as f64 / seconds.max(0.01);
    println!("{target:<16} {executions:>12} {seconds:>7.0} {rate:>8.0}   {reached} of {edges}");
    if ran.status.success() {
        return Ok(None);
    }
    let of_interest = |line: &&str| {
        ["panicked at", "ERROR: libFuzzer", "Test unit written"].iter().any(|it| line.contains(it))
    };
    let lines: Vec<&str> = printed.lines().filter(of_interest).take(4).collect();
    Ok(Some(format!("{target}: {}\n  {}", ran.status, lines.join("\n  "))))
}

/// CPU time (user and system) of all ended child processes, s: independent of the computer's load.
fn children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let ticks = ticks_of_children(&stat).ok_or("/proc/self/stat is not as proc(5) describes it")?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Sum of `cutime` and `cstime` of proc(5), fields 16 and 17, in clock ticks. Field 2, a name in parentheses, may
/// contain spaces.
fn ticks_of_children(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(13);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// Parses libFuzzer's output.
fn figures(printed: &str) -> Figures {
    let number = |text: &str| {
        let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    };
    let last = |key: &str| printed.rfind(key).map_or(0, |at| number(&printed[at + key.len()..]));
    Figures {
        executions: last("stat::number_of_executed_units:"),
        reached: last(" cov: "),
        edges: last("PC tables ("),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_libfuzzer_prints() {
        let printed = "INFO: Loaded 1 PC tables (5152 PCs): 5152 [0x1,0x2),\n\
            #2\tINITED cov: 700 ft: 9\n#9\tNEW    cov: 917 ft: 10\n\
            stat::number_of_executed_units: 76801\nstat::average_exec_per_sec:     843\n";
        let expected = Figures { executions: 76801, reached: 917, edges: 5152 };
        assert_eq!(figures(printed), expected);
        assert_eq!(figures("cannot be started"), Figures::default());
    }

    #[test]
    fn cpu_time_of_children_is_read_past_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 130 45 20 0 1";
        assert_eq!(ticks_of_children(stat), Some(175));
        assert_eq!(ticks_of_children("7 (a"), None);
    }

    #[test]
    fn targets_are_those_of_the_manifest_and_unknown_names_are_refused() {
        let known = known(&root().join("tools/fuzz")).unwrap();
        let needs = |name: &str| {
            let found = chosen(&known, &[name.to_owned()]).unwrap();
            (found.len(), found[0].needs_networks())
        };
        assert_eq!((needs("bundle"), needs("onnx")), ((1, false), (1, true)));
        assert_eq!(chosen(&known, &[]).unwrap().len(), known.len());
        assert!(chosen(&known, &["bundles".to_owned()]).is_err());
    }
}
