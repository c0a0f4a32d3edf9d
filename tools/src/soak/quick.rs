//! The short form: compares memory after 20,000 synthetic frames with memory after 1,000.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::GROWTH;
use super::process::Taken;
use crate::Result;
use crate::cargo::{Profile, badge};

/// Numbers of frames after which memory is read: after the warm-up, and much later.
const MARKS: [u64; 2] = [1_000, 20_000];

/// Number of frames after the last mark, so that the badge still runs when memory is read.
const BEYOND: u64 = 500;

/// Runs the badge on synthetic frames and compares its resident memory at the marks.
pub(super) fn run() -> Result<()> {
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
            resident[mark] = Taken::by(process)?.resident_kb;
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
