//! `emocue-badge run`: builds a badge from the command line and a configuration, runs it, and restarts it when its
//! bundle or its configuration changes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use emocue_config::{Config, Mode, Source};
use emocue_device::answer::GameKind;
use emocue_device::badge::live::{Again, Live, LiveOptions, LiveParts, WearerOptions};
use emocue_device::badge::watchdog::Watchdog;
use emocue_device::badge::{self, BadgeError, MonitorSetup, Tally, UpdateMonitor};
use emocue_device::bundle::{LoadedBundle, Origin};
use emocue_device::camera::{self, Camera, CameraError, Mounted, NoCamera, OpenOptions};
use emocue_device::cli::RunArgs;
use emocue_device::link::{Hub, settings};
use emocue_device::sandbox;
use emocue_device::show::{self, Display, ShowSettings};
use emocue_device::slots::consent::{ConsentChannel, Presence};
use emocue_device::slots::{Store, Trust, boot};
use emocue_device::thermometer::Thermometer;
use emocue_device::vision::Vision;
use emocue_models::failure::line;

use super::Failure;
#[cfg(unix)]
use super::board::screen;
use super::board::{cues, panel};
use super::practice::{self, Keyboard};
use crate::{stop_on_signal, tell};

/// A game that the command line starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    /// The kind of game.
    pub(super) game: GameKind,
    /// Number of rounds, instead of the configuration's.
    pub(super) rounds: Option<u32>,
}

/// Runs a badge on a camera until it ends or a signal comes.
pub(crate) fn run_camera(run: &RunArgs) -> Result<ExitCode, Failure> {
    run_started(run, None)
}

/// Plays `started`, if there is one, or runs a badge on a camera, until it ends or a signal comes.
pub(super) fn run_started(run: &RunArgs, started: Option<Started>) -> Result<ExitCode, Failure> {
    let mut badge = Starts {
        run,
        started,
        hub: Arc::default(),
        stop: stop_on_signal(),
        served: None,
        presence: None,
        state: None,
        has_counted: false,
        mode: None,
        keys: None,
    };
    let ended = badge.until_end();
    Watchdog::from_env().stopping();
    ended
}

/// What follows a start.
enum Next {
    Again(Again),
    End(ExitCode),
}

/// State that outlives a start.
struct Starts<'a> {
    run: &'a RunArgs,
    started: Option<Started>,
    hub: Arc<Hub>,
    stop: Arc<AtomicBool>,
    served: Option<Served>,
    /// Shows other programs that this one uses the state folder.
    presence: Option<Arc<Presence>>,
    /// The folder with settings that a host sent, once it is known and if no other badge uses it.
    state: Option<PathBuf>,
    /// Whether the start of this program was counted for new settings.
    has_counted: bool,
    /// What panels showed at the start before, by the configuration.
    mode: Option<Mode>,
    /// The keyboard as the button, if there is no pin.
    keys: Option<Keyboard>,
}

/// Hosts are served while this exists.
struct Served {
    #[cfg(unix)]
    _service: emocue_device::link::Service,
}

impl Starts<'_> {
    fn until_end(&mut self) -> Result<ExitCode, Failure> {
        let mut again: Option<Again> = None;
        loop {
            // Kept, in case that the badge returns to its settings before: a paused badge stays paused.
            match self.start(again.clone()) {
                Ok(Next::Again(next)) => again = Some(next),
                Ok(Next::End(code)) => return Ok(code),
                Err(failure @ Failure::Badge(BadgeError::Stuck)) => return Err(failure),
                // Settings that a host sent are rolled back when the badge cannot run with them.
                Err(failure) if self.state.as_deref().is_some_and(settings::give_up) => {
                    self.hub.fault();
                    self.say(&format!("{}\nreturns to the settings before", line(&failure)));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn start(&mut self, again: Option<Again>) -> Result<Next, Failure> {
        let run = self.run;
        let mut config = self.config()?;
        let is_shared = match self.state.clone() {
            Some(state) => {
                let is_shared = self.is_shared(&state);
                if !is_shared && run.camera.is_none() && self.settings_are_spent(&state) {
                    config = self.config()?;
                }
                is_shared
            }
            None => false,
        };
        let state = run.state.as_deref().unwrap_or(&config.update.state);
        let game = self.started.map(|started| started.game);
        let camera = self.camera(&config)?;
        // Before anything in the folder changes, such as the number of starts of a bundle on trial.
        if run.config.is_some() && camera.is_live() && !is_shared {
            self.announce(state);
        }
        let bundle = self.bundle(&config, state, is_shared)?;
        let mark = Store::new(state).mark();
        let mut shown = run.show.settings(self.shown(&config));
        let configured = self.mode.replace(shown.mode);
        if let Some(again) = &again
            && configured == Some(shown.mode)
        {
            shown.mode = again.mode;
        }
        // Without a configuration there are only the panels and screens that `--display` names.
        let with_panel = run.config.as_ref();
        let panel = with_panel.map(|_| panel(&config, shown, run.waits(&config)));
        let mut own: Vec<_> = panel.transpose()?.flatten().into_iter().collect();
        #[cfg(unix)]
        if with_panel.is_some() {
            own.extend(screen(&config, &shown, run.waits(&config))?);
        }
        let input = match &run.camera {
            Some(Source::Path(path)) => Some(path.as_path()),
            _ => None,
        };
        let (another, is_live) = (!own.is_empty(), camera.is_live());
        let mut displays = run.show.open(shown, input, another, again.is_some(), is_live)?;
        displays.extend(own);
        let LoadedBundle { mut vision, origin, .. } = bundle;
        vision.set_over_time(run.look.over_time(&config));
        if !camera.is_live() {
            if game.is_some() {
                let source_name = self.source_name(&config);
                return Err(Failure::NotLive { source_name });
            }
            if let Some(port) = run.config.as_ref().and_then(|_| config.link.port()) {
                self.say(&format!("no host is served at {port}: that takes a live camera"));
            }
            return every_frame(camera, vision, displays, run.limit, &self.stop).map(Next::End);
        }
        // Before hosts are served: settings that the badge cannot run with are rolled back first.
        let mut cues = cues(&config)?;
        if run.keyboard && cues.button.is_none() {
            cues.button = Some(self.keys.get_or_insert_with(Keyboard::new).presses());
        }
        let mut wearer = WearerOptions::new(&config, with_panel.map(|_| state.to_owned()));
        if let Some(rounds) = self.started.and_then(|started| started.rounds) {
            wearer.practice.rounds = rounds;
        }
        let watched = run.config.as_deref().filter(|_| !is_shared);
        let monitor = watched.map(|file| {
            self.serve(file, state, &config);
            let watched = MonitorSetup {
                state,
                mark,
                on_trial: matches!(origin, Origin::Slot { trial: Some(_), .. }),
                healthy: config.update.healthy(),
                has_button: config.pins.button.is_some() || run.keyboard,
                has_panel: config.panel.enabled || config.screen.enabled || run.show.has_panel(),
                presence: self.presence.clone(),
            };
            UpdateMonitor::new(watched, Arc::clone(&self.hub))
        });
        let parts = LiveParts {
            vision,
            displays,
            cues,
            thermometer: Thermometer::new(Path::new("/")),
            watchdog: Watchdog::from_env(),
            monitor,
            hub: Arc::clone(&self.hub),
        };
        let options = LiveOptions {
            mode: shown.mode,
            paused: again.as_ref().is_some_and(|again| again.paused) || !camera_is_needed(game),
            pace: config.pace,
            wait_for_camera: run.waits(&config),
            limit: run.limit,
            wearer,
            game,
            seed: seed(),
            vibration: config.vibration,
            session: config.session,
            session_state: again.as_ref().map(|again| again.session).unwrap_or_default(),
            presses: again.map(|again| again.presses).unwrap_or_default(),
        };
        let live = Live { camera: Box::new(camera), parts, options };
        let ended = live.run(&self.stop, |notice| {
            if notice.is_fault() {
                self.hub.fault();
            }
            self.say(&notice.to_string());
        })?;
        Ok(ended.again.map_or(Next::End(ExitCode::SUCCESS), Next::Again))
    }

    /// Counts a start of the service, which names no camera, with settings that are not confirmed; returns whether they have had all of theirs, so that the
    /// badge returned to the settings before. A start may end in a crash, or be ended by the watchdog.
    fn settings_are_spent(&mut self, state: &Path) -> bool {
        if std::mem::replace(&mut self.has_counted, true) || settings::count_start(state) {
            return false;
        }
        let has_returned = settings::give_up(state);
        if has_returned {
            self.hub.fault();
            self.say("new settings did not last a minute in any of their starts: returns to the settings before");
        }
        has_returned
    }

    /// The camera that the command line names, else the configuration; none for a game that needs none.
    fn camera(&self, config: &Config) -> Result<Mounted, Failure> {
        let run = self.run;
        let orientation = run.mount.orientation(config.camera.orientation());
        if let Some(Started { game, .. }) = self.started {
            practice::check(game, config)?;
            if !game.uses_camera() {
                return Ok(Mounted::new(Box::new(NoCamera), orientation));
            }
        }
        let source = match &run.camera {
            Some(source) => source.clone(),
            None => config.camera.source.parse()?,
        };
        let mut note = |note: &str| tell(format_args!("emocue-badge: {note}"));
        let options = OpenOptions {
            is_recursive: run.recursive,
            keeps_colors: run.show.has_colors(),
            guard: Some(sandbox::own_program()),
        };
        let camera = camera::open_with(&source, &options, &mut note)?;
        Ok(Mounted::new(camera, orientation))
    }

    /// The camera's name in messages.
    fn source_name(&self, config: &Config) -> String {
        match &self.run.camera {
            Some(Source::Path(path)) => path.display().to_string(),
            Some(_) => "that source".to_owned(),
            None => config.camera.source.clone(),
        }
    }

    /// The configuration with the settings that a host sent, or the built-in values.
    fn config(&mut self) -> Result<Config, Failure> {
        let Some(file) = &self.run.config else { return Ok(Config::default()) };
        let found = settings::read(file, self.run.state.as_deref())?;
        let state = self.run.state.as_ref().unwrap_or(&found.config.update.state);
        self.state = Some(state.clone());
        if let Some(note) = &found.note {
            self.say(note);
        }
        Ok(found.config)
    }

    /// The displays' settings from the configuration. Words are English if its language cannot be used.
    fn shown(&self, config: &Config) -> ShowSettings {
        let mut shown = ShowSettings::from(&config.panel);
        if self.run.show.language.is_none() {
            match show::language::load(&config.panel.language) {
                Ok(language) => shown.language = language,
                Err(error) => {
                    self.hub.fault();
                    self.say(&format!("{}\nthe words are English", line(&error)));
                }
            }
        }
        shown
    }

    /// The bundle that the command line names, else the configuration, else the slots; reported to the log and hosts.
    /// Of a folder that another badge uses it takes none, since a start of a bundle on trial counts.
    fn bundle(
        &self,
        config: &Config,
        state: &Path,
        is_shared: bool,
    ) -> Result<LoadedBundle, Failure> {
        let look = self.run.look.or(&config.look);
        if look.bundle.is_some() || self.run.config.is_none() || is_shared {
            let bundle = LoadedBundle::load(look.bundle.as_deref(), look.min_face)?;
            self.hub.runs(&bundle);
            return Ok(bundle);
        }
        let (store, trust) = (Store::new(state), Trust::new(&config.update.keys, state));
        let mut notes = Vec::new();
        let bundle = boot(&store, &trust, look.min_face, &mut notes)?;
        self.hub.runs(&bundle);
        for note in &notes {
            self.hub.fault();
            self.say(note);
        }
        self.say(&bundle.runs());
        Ok(bundle)
    }

    /// Whether another badge uses the state folder; its settings are not this program's to give up then.
    fn is_shared(&mut self, state: &Path) -> bool {
        let is_shared = self.presence.is_none() && ConsentChannel::new(state).is_present();
        if is_shared {
            self.state = None;
            self.say(&format!(
                "no updates from {}: another badge uses it; the embedded bundle runs; [update] state or --state names \
                 another folder",
                state.display()
            ));
        }
        is_shared
    }

    /// Announces that this program uses the state folder.
    fn announce(&mut self, state: &Path) {
        if self.presence.is_some() {
            return;
        }
        // A service's folder already exists.
        let _ = std::fs::create_dir_all(state);
        self.presence = ConsentChannel::new(state).announce().map(Arc::new);
        if self.presence.is_none() {
            self.say(&format!(
                "no updates from {}: it cannot be written; [update] state or --state names another folder",
                state.display()
            ));
        }
    }

    /// Begins to serve hosts, if there is a folder for the files that they send.
    fn serve(&mut self, file: &Path, state: &Path, config: &Config) {
        if self.served.is_some() || self.presence.is_none() {
            return;
        }
        #[cfg(unix)]
        let service = {
            use emocue_device::link::{BadgeService, Programs, Service};
            let board = BadgeService::new(Arc::clone(&self.hub), Programs::own(file, state));
            let log = Arc::clone(&self.hub);
            let service = Service::start(&board, &config.link, state, move |line| say(&log, &line));
            board.install_what_lies_there();
            service
        };
        #[cfg(not(unix))]
        let _ = (file, config);
        self.served = Some(Served {
            #[cfg(unix)]
            _service: service,
        });
    }

    fn say(&self, line: &str) {
        say(&self.hub, line);
    }
}

/// Whether the camera has to be open from the start.
fn camera_is_needed(game: Option<GameKind>) -> bool {
    game.is_none_or(GameKind::uses_camera)
}

/// A seed that differs in each run, for the order of games.
fn seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// Reports a line to the terminal and to hosts.
fn say(hub: &Hub, line: &str) {
    hub.note(line);
    tell(format_args!("emocue-badge: {line}"));
}

/// Processes every frame of a file, or every picture.
pub(crate) fn every_frame(
    mut camera: Mounted,
    mut vision: Vision,
    mut displays: Vec<Box<dyn Display>>,
    limit: Option<u64>,
    stop: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let complain = |error: CameraError| tell(format_args!("emocue-badge: {}", line(&error)));
    match badge::run(&mut camera, &mut vision, &mut displays, limit, stop, complain)? {
        Tally { unreadable: 0, .. } => Ok(ExitCode::SUCCESS),
        Tally { shown: 0, .. } => Err(Failure::NothingRead),
        _ => Ok(ExitCode::from(1)),
    }
}
