//! `emocue-badge run`: from a command line and a configuration to a badge that runs, and starts anew when either its bundle
//! or its configuration changes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use emocue_config::Config;
use emocue_device::badge::live::Again;
use emocue_device::badge::{self, Keeper, Tally, Watch};
use emocue_device::camera::{self, Camera, Mounted};
use emocue_device::link::{Hub, settings};
use emocue_device::load::load;
use emocue_device::show::Display;
use emocue_device::slots::consent::{Attended, Desk};
use emocue_device::slots::{Booted, Slot, Store, Trust, boot};
use emocue_device::vision::Vision;
use emocue_link::message::BundleSource;

use super::board::{live, panel};
use super::{Failure, Run};
use crate::{config, stop_on_signal, tell};

/// Looks at a camera until it ends or is told to.
pub(crate) fn run_camera(run: &Run) -> Result<ExitCode, Failure> {
    let mut badge = Starts { run, hub: Arc::default(), stop: stop_on_signal(), served: None };
    let mut again = None;
    loop {
        match (badge.start(again), &run.config) {
            (Ok(Next::Again(next)), _) => again = Some(next),
            (Ok(Next::End(code)), _) => return Ok(code),
            // Settings that a host sent are given up when the badge cannot run with them.
            (Err(failure), Some(config)) if settings::give_up(config) => {
                badge.hub.fault();
                badge.say(&format!("{failure}\nreturns to the settings before"));
            }
            (Err(failure), _) => return Err(failure),
        }
    }
}

/// What comes after a start.
enum Next {
    Again(Again),
    End(ExitCode),
}

/// What outlives a start.
struct Starts<'a> {
    run: &'a Run,
    hub: Arc<Hub>,
    stop: Arc<AtomicBool>,
    served: Option<Served>,
}

/// While it lives, hosts are served, and questions answered.
struct Served {
    attended: Arc<Attended>,
    #[cfg(unix)]
    _service: emocue_device::link::Service,
}

impl Starts<'_> {
    fn start(&mut self, again: Option<Again>) -> Result<Next, Failure> {
        let run = self.run;
        let config = config(run.config.as_deref())?;
        let state = run.state.as_deref().unwrap_or(&config.update.state);
        let source = match &run.camera {
            Some(source) => source.clone(),
            None => config.camera.source.parse()?,
        };
        let orientation = run.mount.orientation(config.camera.orientation());
        let camera = Mounted::new(camera::open(&source)?, orientation);
        let eyes = Eyes::open(run, &config, state)?;
        eyes.tell(&self.hub);
        let mut shown = run.show.settings((&config.panel).into());
        shown.mode = again.map_or(shown.mode, |again| again.mode);
        // Without a configuration there is no panel but those that `--display` names.
        let with_panel = run.config.as_ref();
        let panel = with_panel.map(|_| panel(&config, shown, run.waits(&config)));
        let panel = panel.transpose()?.flatten();
        let mut displays = run.show.open(shown, panel.is_some())?;
        displays.extend(panel);
        if !camera.is_live() {
            return every_frame(camera, eyes.vision, displays, run.limit, &self.stop)
                .map(Next::End);
        }
        let keeper = run.config.as_deref().map(|file| {
            self.serve(file, state, &config);
            let watch = Watch {
                state,
                config: file,
                mark: eyes.mark,
                on_trial: eyes.trial.is_some(),
                healthy: config.update.healthy(),
                has_button: config.pins.button.is_some(),
                attended: self.served.as_ref().map(|served| Arc::clone(&served.attended)),
            };
            Keeper::new(watch, Arc::clone(&self.hub))
        });
        let mut live = live(run, &config, Box::new(camera), eyes.vision, displays)?;
        live.keeper = keeper;
        live.hub = Arc::clone(&self.hub);
        live.mode = shown.mode;
        live.paused = again.is_some_and(|again| again.paused);
        let ended = live.run(&self.stop, |notice| {
            if notice.is_fault() {
                self.hub.fault();
            }
            self.say(&notice.to_string());
        })?;
        Ok(ended.again.map_or(Next::End(ExitCode::SUCCESS), Next::Again))
    }

    /// Serves hosts from now on, where there is a folder for what they send.
    fn serve(&mut self, file: &Path, state: &Path, config: &Config) {
        if self.served.is_some() {
            return;
        }
        // A service's folder is there already.
        let _ = std::fs::create_dir_all(state);
        let Some(attended) = Desk::new(state).attend().map(Arc::new) else {
            let state = state.display();
            self.say(&format!(
                "no updates: {state} cannot be written, or another badge uses it; [update] state or --state names \
                 another folder"
            ));
            return;
        };
        #[cfg(unix)]
        let service = {
            use emocue_device::link::{Board, Programs, Service};
            let board = Board::new(Arc::clone(&self.hub), Programs::own(file, state));
            let log = Arc::clone(&self.hub);
            let service = Service::start(&board, &config.link, state, move |line| say(&log, &line));
            board.install_what_lies_there();
            service
        };
        #[cfg(not(unix))]
        let _ = (file, config);
        self.served = Some(Served {
            attended,
            #[cfg(unix)]
            _service: service,
        });
    }

    fn say(&self, line: &str) {
        say(&self.hub, line);
    }
}

/// Who looks, and where that comes from.
struct Eyes {
    vision: Vision,
    notes: Vec<String>,
    line: Option<String>,
    running: BundleSource,
    release: (String, u32),
    trial: Option<u8>,
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
            let running = if named.is_some() { BundleSource::File } else { BundleSource::Embedded };
            return Ok(Self {
                vision,
                notes: Vec::new(),
                line: None,
                running,
                release: (named.unwrap_or_default(), 0),
                trial: None,
                mark: store.mark(),
            });
        }
        let trust = Trust::new(&config.update.keys, state);
        let booted = boot(&store, &trust, look.min_face)?;
        let line = Some(booted.line());
        let Booted { vision, slot, name, content_version, trial, notes, mark } = booted;
        let running = match slot {
            None => BundleSource::Embedded,
            Some(Slot::A) => BundleSource::A,
            Some(Slot::B) => BundleSource::B,
        };
        Ok(Self { vision, notes, line, running, release: (name, content_version), trial, mark })
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

/// Looks at every frame of a file, or at every picture.
pub(crate) fn every_frame(
    mut camera: Mounted<Box<dyn Camera>>,
    mut vision: Vision,
    mut displays: Vec<Box<dyn Display>>,
    limit: Option<u64>,
    stop: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let complain = |error| tell(format_args!("emocue-badge: {error}"));
    match badge::run(&mut camera, &mut vision, &mut displays, limit, stop, complain)? {
        Tally { unreadable: 0, .. } => Ok(ExitCode::SUCCESS),
        Tally { shown: 0, .. } => Err(Failure::NothingRead),
        _ => Ok(ExitCode::from(1)),
    }
}
