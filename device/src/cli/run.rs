//! `emocue-badge run`: from a command line and a configuration to a badge that runs, and starts anew when either its bundle
//! or its configuration changes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use emocue_device::badge::live::{Again, Ended};
use emocue_device::badge::{self, Keeper, Tally, Watch};
use emocue_device::camera::{Camera, Mounted};
use emocue_device::config::Config;
use emocue_device::link::Hub;
use emocue_device::load::load;
use emocue_device::show::Display;
use emocue_device::slots::consent::{Attended, Desk};
use emocue_device::slots::{Booted, Slot, Store, Trust, boot};
use emocue_device::vision::Vision;
use emocue_link::message::Running;

use super::board::{live, panel};
use super::{Failure, Run};
use crate::{config, stop_on_signal, tell};

/// Looks at a camera until it ends or is told to.
pub(crate) fn run_camera(run: &Run) -> Result<ExitCode, Failure> {
    let hub = Arc::new(Hub::default());
    let mut attended = None;
    #[cfg(unix)]
    let mut service = None;
    let mut again: Option<Again> = None;
    let stop = stop_on_signal();
    loop {
        let config = config(run.config.as_deref())?;
        let state = run.state.as_deref().unwrap_or(&config.update.state);
        let source = match &run.camera {
            Some(source) => source.clone(),
            None => config.camera.source.parse()?,
        };
        let orientation = run.mount.orientation(config.camera.orientation());
        let camera = Mounted::new(source.open()?, orientation);
        let eyes = Eyes::open(run, &config, state)?;
        eyes.tell(&hub);
        let mut shown = run.show.settings(config.shown());
        shown.mode = again.map_or(shown.mode, |again| again.mode);
        // Without a configuration there is no panel but those that `--display` names.
        let with_panel = run.config.as_ref();
        let panel = with_panel.map(|_| panel(&config, shown, run.waits(&config)));
        let panel = panel.transpose()?.flatten();
        let mut displays = run.show.open(shown, panel.is_some())?;
        displays.extend(panel);
        if !camera.is_live() {
            return every_frame(camera, eyes.vision, displays, run.limit, &stop);
        }
        let keeper = match &run.config {
            Some(file) => {
                attended = attended.or_else(|| attend(state));
                #[cfg(unix)]
                if service.is_none() && attended.is_some() {
                    service = Some(serve(&hub, file, state, &config));
                }
                #[cfg(not(unix))]
                let _ = file;
                let watch = Watch {
                    state,
                    mark: eyes.mark,
                    on_trial: eyes.on_trial,
                    healthy: config.update.healthy(),
                    has_button: config.pins.button.is_some(),
                    attended: attended.clone(),
                };
                Some(Keeper::new(watch, Arc::clone(&hub)))
            }
            None => None,
        };
        let mut live = live(run, &config, Box::new(camera), eyes.vision, displays)?;
        live.keeper = keeper;
        live.hub = Arc::clone(&hub);
        if let Some(again) = again {
            (live.mode, live.paused) = (again.mode, again.paused);
        }
        let ended: Ended = live.run(&stop, |notice| {
            if notice.is_fault() {
                hub.fault();
            }
            say(&hub, &notice.to_string());
        })?;
        again = ended.again;
        if again.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Who looks, and where that comes from.
struct Eyes {
    vision: Vision,
    notes: Vec<String>,
    line: Option<String>,
    running: Running,
    release: (String, u32),
    trial: Option<u8>,
    on_trial: bool,
    mark: Vec<u8>,
}

impl Eyes {
    /// As the command line says, else as the configuration does, else as the slots do.
    fn open(run: &Run, config: &Config, state: &Path) -> Result<Self, Failure> {
        let look = run.look.or(&config.look);
        let store = Store::new(state);
        if look.bundle.is_some() || run.config.is_none() {
            let vision = load(look.bundle.as_deref(), look.min_face)?;
            let named = look.bundle.as_deref().map(|file| file.display().to_string());
            let running = if named.is_some() { Running::File } else { Running::Embedded };
            return Ok(Self {
                vision,
                notes: Vec::new(),
                line: None,
                running,
                release: (named.unwrap_or_default(), 0),
                trial: None,
                on_trial: false,
                mark: store.mark(),
            });
        }
        let trust = Trust::new(&config.update.keys, state);
        let booted = boot(&store, &trust, look.min_face)?;
        let line = Some(booted.line());
        let Booted { vision, slot, name, content_version, trial, notes, mark } = booted;
        let running = match slot {
            None => Running::Embedded,
            Some(Slot::A) => Running::A,
            Some(Slot::B) => Running::B,
        };
        let on_trial = trial.is_some();
        Ok(Self {
            vision,
            notes,
            line,
            running,
            release: (name, content_version),
            trial,
            on_trial,
            mark,
        })
    }

    /// Says so, to the log and to hosts.
    fn tell(&self, hub: &Hub) {
        hub.update(|status| {
            status.running = self.running;
            (status.bundle, status.content_version) = self.release.clone();
            status.trial = self.trial;
        });
        for note in &self.notes {
            hub.fault();
            say(hub, note);
        }
        if let Some(line) = &self.line {
            say(hub, line);
        }
    }
}

/// Says something to the terminal and to hosts.
fn say(hub: &Hub, line: &str) {
    hub.note(line);
    tell(format_args!("emocue-badge: {line}"));
}

/// Says that this badge answers questions, where it has a folder for that.
fn attend(state: &Path) -> Option<Arc<Attended>> {
    // A service's folder is there already.
    let _ = std::fs::create_dir_all(state);
    let attended = Desk::new(state).attend().map(Arc::new);
    if attended.is_none() {
        let state = state.display();
        tell(format_args!(
            "emocue-badge: no updates: {state} cannot be written, or another badge uses it; \
             [update] state or --state names another folder"
        ));
    }
    attended
}

#[cfg(unix)]
fn serve(
    hub: &Arc<Hub>,
    file: &Path,
    state: &Path,
    config: &Config,
) -> emocue_device::link::Service {
    use emocue_device::link::{Board, Programs, Service};
    let board = Board::new(Arc::clone(hub), Programs::own(file, state));
    let log = Arc::clone(hub);
    let service = Service::start(&board, &config.link, state, move |line| say(&log, &line));
    board.install_what_lies_there();
    service
}

/// Looks at every frame of a file, or at every picture.
pub(crate) fn every_frame(
    mut camera: Mounted<Box<dyn Camera>>,
    mut vision: Vision,
    mut displays: Vec<Box<dyn Display>>,
    limit: Option<u64>,
    stop: &std::sync::atomic::AtomicBool,
) -> Result<ExitCode, Failure> {
    let complain = |error| tell(format_args!("emocue-badge: {error}"));
    match badge::run(&mut camera, &mut vision, &mut displays, limit, stop, complain)? {
        Tally { unreadable: 0, .. } => Ok(ExitCode::SUCCESS),
        Tally { shown: 0, .. } => Err(Failure::NothingRead),
        _ => Ok(ExitCode::from(1)),
    }
}
