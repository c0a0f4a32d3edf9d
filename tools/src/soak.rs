//! `cargo xtask soak`: memory after many frames is what it was after few.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use clap::Args;

use crate::Result;
use crate::cargo::{Profile, badge, build_badge};

/// Frames after which memory is read: everything is warm, and much later.
const MARKS: [u64; 2] = [1_000, 20_000];

/// Frames beyond the last mark, so that the badge still runs when it is read.
const BEYOND: u64 = 500;

/// How much memory may have grown between the marks.
const GROWTH: f64 = 0.02;

/// Options of `cargo xtask soak`.
#[derive(Args)]
pub(crate) struct SoakArgs {
    /// Run the badge as it was built last
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// Runs the badge on drawn frames and compares its resident memory at the marks.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    if !args.no_build {
        build_badge(Profile::Release)?;
    }
    let frames = MARKS[1] + BEYOND;
    let mut badge = Command::new(badge(Profile::Release))
        .args(["run", "--display", "json", "--camera", &format!("synthetic:frames={frames}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = badge.stdout.take().map(BufReader::new).ok_or("the badge has no output")?;
    let watched = watch(badge.id(), lines);
    stop(&mut badge);
    let [early, late] = watched?;
    let growth = late as f64 / early as f64 - 1.0;
    println!(
        "soak: {early} kB resident after {} frames, {late} kB after {}: {:+.2} %",
        MARKS[0],
        MARKS[1],
        growth * 1e2
    );
    if growth > GROWTH {
        return Err(format!("memory grows by more than {} %", GROWTH * 1e2).into());
    }
    Ok(())
}

/// Resident memory at the marks, kB; the badge writes a line per frame.
fn watch(process: u32, lines: BufReader<ChildStdout>) -> Result<[u64; 2]> {
    let mut resident = [0; MARKS.len()];
    let mut seen = 0;
    for line in lines.lines() {
        line?;
        seen += 1;
        if let Some(mark) = MARKS.iter().position(|mark| *mark == seen) {
            let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
            resident[mark] = resident_kb(&status).ok_or("the system does not tell memory")?;
        }
        if seen == MARKS[1] {
            return Ok(resident);
        }
    }
    Err(format!("the badge ended after {seen} frames").into())
}

fn stop(badge: &mut Child) {
    let _ = badge.kill();
    let _ = badge.wait();
}

/// `VmRSS` of a process's status, kB.
fn resident_kb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_a_status() {
        let status = "Name:\tx\nVmHWM:\t   39000 kB\nVmRSS:\t   38024 kB\nThreads:\t1\n";
        assert_eq!(resident_kb(status), Some(38_024));
        assert_eq!(resident_kb("Name:\tx\n"), None);
    }
}
