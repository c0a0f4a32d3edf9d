//! `emocue-badge`, the badge's binary.

mod verbs;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Parser;
use emocue_config::{Config, Source};
use emocue_device::bench;
use emocue_device::bundle::LoadedBundle;
use emocue_device::camera::{self, Mounted, v4l2};
use emocue_device::cli::{Bench, Cli, ConfigVerb, Demo, Doctor, Verb};
use emocue_device::doctor::{self, Host, Probes};
use emocue_device::link::settings;
use emocue_device::show;
use emocue_models::failure::{self, Failure as _, exit};
use emocue_models::luma::Orientation;
use emocue_models::plain::PlainWriter;
use emocue_models::stop::StopRequests;
use emocue_run::portraits::PORTRAITS;

use verbs::Failure;

fn main() -> ExitCode {
    let start = Instant::now();
    let cli = Cli::try_parse().unwrap_or_else(|error| verbs::end_with(error));
    let done = match cli.verb {
        Verb::Demo(demo) => run_demo(&demo),
        Verb::Run(run) => verbs::run_camera(&run),
        Verb::Practice(practice) => verbs::practice(practice),
        Verb::Cameras => list_cameras(),
        Verb::Doctor(doctor) => run_doctor(&doctor),
        Verb::Config(verb) => about_config(&verb),
        Verb::Off(off) => settings::read(&off.config, None)
            .map_err(Failure::from)
            .and_then(|found| verbs::off(&found.config))
            .map(|()| ExitCode::SUCCESS),
        Verb::Slot(verb) => verbs::slot(&verb),
        #[cfg(unix)]
        Verb::Link(link) => verbs::link(&link),
        Verb::Bench(bench) => run_bench(&bench, start),
        #[cfg(unix)]
        Verb::Guard { command } => {
            camera::pipe::guard(&command).map(|()| ExitCode::SUCCESS).map_err(Failure::Guard)
        }
    };
    done.unwrap_or_else(|failure| {
        // Standard error may be closed.
        let _ = failure::write(&failure, &mut io::stderr());
        ExitCode::from(failure.exit_code())
    })
}

fn run_demo(demo: &Demo) -> Result<ExitCode, Failure> {
    tell("Two portraits, looked at on this machine alone:");
    for portrait in &PORTRAITS {
        tell(format_args!("  {}: {} ({})", portrait.file, portrait.who, portrait.credit));
    }
    let camera = Mounted::new(camera::open(&Source::Portraits)?, Orientation::default());
    let bundle = LoadedBundle::load(demo.look.bundle.as_deref(), demo.look.min_face)?;
    let displays = demo.show.open(show::ShowSettings::default(), None, false, false, false)?;
    let code = verbs::every_frame(camera, bundle.vision, displays, None, &stop_on_signal())?;
    let program = std::env::args().next().unwrap_or_else(|| "emocue-badge".to_owned());
    tell(format_args!(
        "Words say how a face looks, not what anybody feels. Your own picture next:\n  \
         {program} run --camera PHOTO.jpg --display overlay:looks"
    ));
    Ok(code)
}

/// The configuration in `file`, or the built-in values.
fn config(file: Option<&Path>) -> Result<Config, Failure> {
    Ok(file.map(Config::read).transpose()?.unwrap_or_default())
}

fn list_cameras() -> Result<ExitCode, Failure> {
    let mut out = PlainWriter(io::stdout().lock());
    v4l2::list(&mut out).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn run_doctor(doctor: &Doctor) -> Result<ExitCode, Failure> {
    let probes = Probes {
        camera: &verbs::camera_outcome,
        panel: &verbs::panel_outcome,
        screen: &verbs::screen_outcome,
        pins: &verbs::pins_outcome,
    };
    let findings = doctor::examine(doctor.config.as_deref(), &Host::default(), &probes);
    let mut out = PlainWriter(io::stdout().lock());
    let written = match doctor.json {
        true => findings.write_json(&mut out),
        false => findings.write_lines(&mut out),
    };
    written.map_err(Failure::Output)?;
    Ok(ExitCode::from(u8::from(findings.problems() > 0)))
}

fn about_config(verb: &ConfigVerb) -> Result<ExitCode, Failure> {
    let mut out = PlainWriter(io::stdout().lock());
    let written = match verb {
        ConfigVerb::Check { file } => {
            let config = Config::check_file(file)?;
            show::language::load(&config.panel.language)?;
            config.write_summary(&mut out)
        }
        ConfigVerb::Show { file } => config(file.as_deref())?.write_toml(&mut out),
    };
    written.map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn run_bench(bench: &Bench, start: Instant) -> Result<ExitCode, Failure> {
    let bundles = std::iter::once(bench.look.bundle.as_deref());
    let bundles = bundles.chain(bench.beside.iter().map(|file| Some(file.as_path())));
    let mut start = start;
    let mut out = PlainWriter(io::stdout().lock());
    for bundle in bundles {
        let mut bundle = LoadedBundle::load(bundle, bench.look.min_face)?;
        let measured = bench::measure(start, &mut bundle.vision, bench.frames)?;
        let written = if bench.json {
            serde_json::to_writer(&mut out, &measured)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        } else {
            writeln!(out, "{}", bundle.describe()).and_then(|()| measured.write_table(&mut out))
        };
        written.map_err(Failure::Output)?;
        start = Instant::now();
    }
    Ok(ExitCode::SUCCESS)
}

/// Becomes true at Ctrl-C or SIGTERM, so that the current frame is finished. A second signal exits at once: the badge
/// may be waiting for a frame that never comes.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let mut requests = StopRequests::default();
    let handler = move || {
        flag.store(true, Ordering::Relaxed);
        if requests.again(Instant::now()) {
            std::process::exit(exit::INTERRUPTED.into());
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tell(format_args!("emocue-badge: Ctrl-C will not stop cleanly: {error}"));
    }
    stop
}

/// Writes a line to standard error, which may be closed.
fn tell(line: impl fmt::Display) {
    let _ = writeln!(PlainWriter(io::stderr()), "{line}");
}
