//! `cargo xtask instructions`: the number of instructions of a frame and of a start on ARM processors.
//!
//! No board is needed: the virtual machine's clock advances by one nanosecond per instruction, so that a time that the
//! badge measures inside is an instruction count. The count does not depend on this computer's load. It does not give
//! the time on a board: a processor may execute several instructions at once, or wait for memory.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::Result;
use crate::bench::{BenchReport, STAGES};
use crate::cargo::Profile;
use crate::virtual_badge::machine::{Board, Machine, Plan};
use crate::virtual_badge::{build, kernel, logs, system};

/// CPU cores of the boards: Raspberry Pi Zero 2 W and 3; 4; 5.
const PROCESSORS: [&str; 3] = ["cortex-a53", "cortex-a72", "cortex-a76"];

/// Time limit of a bench on a computer under load.
const PATIENCE: Duration = Duration::from_secs(900);

/// Default number of frames: the count hardly differs between frames.
const FRAMES: u32 = 4;

/// Options of `cargo xtask instructions`.
#[derive(Args)]
pub(crate) struct InstructionsArgs {
    /// Count with this bundle too; repeatable
    #[arg(long, value_name = "FILE")]
    bundle: Vec<PathBuf>,
    /// Number of frames; the minimum counts
    #[arg(long, value_name = "N", default_value_t = FRAMES)]
    frames: u32,
    /// Which build to count
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl InstructionsArgs {
    /// The default bundle with the `dist` build.
    pub(crate) fn usual() -> Self {
        Self { bundle: Vec::new(), frames: FRAMES, profile: Profile::Dist }
    }
}

/// Boots a machine with each processor and prints a table.
pub(crate) fn run(args: &InstructionsArgs) -> Result<()> {
    let mut files = system(&build(args.profile)?.join("emocue-badge"))?;
    let mut bundles = vec![("default bundle".to_owned(), String::new())];
    for (number, bundle) in args.bundle.iter().enumerate() {
        let inside = format!("bundles/{number}");
        files.copy(&inside, bundle)?;
        bundles.push((bundle.display().to_string(), format!(" --bundle /{inside}")));
    }
    let (kernel, initramfs) = (kernel()?, files.finish());
    let mut reports: Vec<Vec<BenchReport>> = bundles.iter().map(|_| Vec::new()).collect();
    for cpu in PROCESSORS {
        let logs = logs(&format!("instructions-{cpu}"))?;
        let plan = Plan {
            board: Board::Counting { cpu },
            kernel: &kernel,
            initramfs: &initramfs,
            logs: &logs,
        };
        let mut machine = Machine::start(&plan)?;
        for ((_, option), reports) in bundles.iter().zip(&mut reports) {
            let command = format!("emocue-badge bench --json --frames {}{option}", args.frames);
            let printed = machine.shell.check(&command, PATIENCE)?;
            let report: BenchReport = serde_json::from_str(&printed)
                .map_err(|e| format!("`{command}` printed something else: {e}\n{printed}"))?;
            if report.fewest_faces == 0 {
                return Err(format!("no face found on {cpu}, so its counts say nothing").into());
            }
            reports.push(report);
        }
    }
    println!(
        "millions of instructions (not time) for a frame of 640x480 with one face, and from the start of the program to \
         its first answer; {} build",
        args.profile.name()
    );
    for ((name, _), reports) in bundles.iter().zip(&reports) {
        print!("{}", table(name, reports)?);
    }
    Ok(())
}

/// A row for each stage and one for the start, a column for each processor.
fn table(bundle: &str, reports: &[BenchReport]) -> Result<String> {
    let mut table = format!("{bundle}\n{:10}", "");
    for cpu in PROCESSORS {
        table += &format!(" {cpu:>10}");
    }
    // One millisecond is a million instructions.
    let mut row = |name: &str, counts: Vec<f64>| {
        table += &format!("\n{name:10}");
        counts.iter().for_each(|count| table += &format!(" {count:10.3}"));
    };
    for stage in STAGES {
        let least = |report: &BenchReport| Ok(report.time(stage)?.min_ms);
        row(stage, reports.iter().map(least).collect::<Result<_>>()?);
    }
    row("start", reports.iter().map(|report| report.start_to_first_answer_ms).collect());
    Ok(table + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_for_each_stage() {
        let report = || {
            let stage = r#"{ "min_ms": 81.5, "median_ms": 90 }"#;
            let text = format!(
                "{{ \"stages\": {{ \"decode\": {stage}, \"detect\": {stage}, \"classify\": {stage}, \"draw\": {stage} }},
                \"total\": {stage}, \"stream\": {stage}, \"start_to_first_answer_ms\": 402.5, \"peak_rss_bytes\": 1, \"fewest_faces\": 1 }}"
            );
            serde_json::from_str::<BenchReport>(&text).unwrap()
        };
        let table = table("default bundle", &[report(), report(), report()]).unwrap();
        assert_eq!(table.lines().count(), 3 + STAGES.len());
        assert!(table.ends_with("\nstart         402.500    402.500    402.500\n"), "{table}");
        assert!(table.contains("\ndetect         81.500     81.500     81.500\n"), "{table}");
    }
}
