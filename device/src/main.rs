//! `emocue-badge`, the badge's binary.

mod cli;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Parser;
use emocue_device::badge::{self, Tally};
use emocue_device::bench;
use emocue_device::camera::{Mounted, Source};
use emocue_device::load::{describe, load};
use emocue_device::portraits::PORTRAITS;
use emocue_models::luma::Orientation;

use cli::{Bench, Cli, Demo, Failure, Look, Run, Show, Verb};

fn main() -> ExitCode {
    let start = Instant::now();
    let done = match Cli::parse().verb {
        Verb::Demo(demo) => run_demo(&demo),
        Verb::Run(run) => run_camera(&run),
        Verb::Bench(bench) => run_bench(&bench, start),
    };
    done.unwrap_or_else(|failure| {
        tell(format_args!("emocue-badge: {failure}"));
        failure.exit_code()
    })
}

fn run_camera(run: &Run) -> Result<ExitCode, Failure> {
    run_badge(&run.camera, run.mount.orientation(), &run.look, &run.show, run.limit)
}

fn run_demo(demo: &Demo) -> Result<ExitCode, Failure> {
    tell("Two portraits, looked at on this machine alone:");
    for portrait in &PORTRAITS {
        tell(format_args!("  {}: {} ({})", portrait.file, portrait.who, portrait.credit));
    }
    let code = run_badge(&Source::Portraits, Orientation::default(), &demo.look, &demo.show, None)?;
    let program = std::env::args().next().unwrap_or_else(|| "emocue-badge".to_owned());
    tell(format_args!(
        "Words say how a face looks, not what anybody feels. Your own picture next:\n  \
         {program} run --camera PHOTO.jpg --display overlay:looks"
    ));
    Ok(code)
}

fn run_badge(
    source: &Source,
    orientation: Orientation,
    look: &Look,
    show: &Show,
    limit: Option<u64>,
) -> Result<ExitCode, Failure> {
    let mut camera = Mounted::new(source.open()?, orientation);
    let mut vision = load(look.bundle.as_deref(), look.min_face)?;
    let mut displays = show.open()?;
    let stop = stop_on_signal();
    let complain = |error| tell(format_args!("emocue-badge: {error}"));
    match badge::run(&mut camera, &mut vision, &mut displays, limit, &stop, complain)? {
        Tally { unreadable: 0, .. } => Ok(ExitCode::SUCCESS),
        Tally { shown: 0, .. } => Err(Failure::NothingRead),
        _ => Ok(ExitCode::from(1)),
    }
}

fn run_bench(bench: &Bench, start: Instant) -> Result<ExitCode, Failure> {
    let bundles = std::iter::once(bench.look.bundle.as_deref());
    let bundles = bundles.chain(bench.beside.iter().map(|file| Some(file.as_path())));
    let mut start = start;
    let mut out = io::stdout().lock();
    for bundle in bundles {
        let mut vision = load(bundle, bench.look.min_face)?;
        let measured = bench::measure(start, &mut vision, bench.frames)?;
        let written = if bench.json {
            serde_json::to_writer(&mut out, &measured)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        } else {
            writeln!(out, "{}", describe(bundle)?).and_then(|()| measured.write_table(&mut out))
        };
        written.map_err(Failure::Output)?;
        start = Instant::now();
    }
    Ok(ExitCode::SUCCESS)
}

/// Becomes true at Ctrl-C or SIGTERM, so that the frame in work is finished. A second signal leaves at once: the
/// badge may be waiting for a frame that never comes.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tell(format_args!("emocue-badge: Ctrl-C will not stop cleanly: {error}"));
    }
    stop
}

/// Writes a line to standard error, which may be closed.
fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
