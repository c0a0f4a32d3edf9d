//! A voice: a sound file for an answer, played by a program of the system, so that no frame waits for it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use emocue_config::{Player, VoiceSettings};

use super::CueError;
use super::cadence::{Cadence, CueState};
use crate::answer::Answer;

/// Interval at which the end of a word is checked.
const LOOK: Duration = Duration::from_millis(50);

/// A word that lasts longer is cut off: a sound device may be stuck.
const LONGEST: Duration = Duration::from_secs(10);

/// Speaks one answer at a time; others are dropped meanwhile. It is silent once this value is dropped.
pub struct Voice {
    cadence: Cadence,
    /// Whether there is a file for [`Answer::Unsure`].
    says_unsure: bool,
    orders: Option<Sender<Order>>,
    shared: Arc<Shared>,
    speaker: Option<JoinHandle<()>>,
}

enum Order {
    Say(Answer),
    Silence,
}

/// State that the speaker's thread reports.
#[derive(Default)]
struct Shared {
    busy: AtomicBool,
    failure: Mutex<Option<CueError>>,
}

/// The name of an answer's sound file; `None` for answers that are never spoken.
pub fn sound_file(answer: Answer) -> Option<String> {
    match answer {
        Answer::Looks(expression) => Some(format!("{}.wav", expression.name())),
        Answer::Unsure => Some("unsure.wav".to_owned()),
        Answer::NoFace | Answer::FaceFound | Answer::TooDark | Answer::TooFar => None,
    }
}

impl Voice {
    /// A voice with the player and the files of `settings`. A missing player or file is reported when it is needed.
    pub fn new(settings: &VoiceSettings) -> Self {
        Self::with_program(settings, Path::new(settings.player.name()))
    }

    /// The same with `program` as the player.
    pub(crate) fn with_program(settings: &VoiceSettings, program: &Path) -> Self {
        let (orders, taken) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let speaker = Speaker {
            program: program.to_owned(),
            player: settings.player,
            folder: settings.folder.clone(),
            shared: Arc::clone(&shared),
            playing: None,
            told: Told::default(),
        };
        Self {
            cadence: Cadence::new(settings.every(), false),
            says_unsure: sound_file(Answer::Unsure)
                .is_some_and(|name| settings.folder.join(name).exists()),
            orders: Some(orders),
            shared,
            speaker: Some(thread::spawn(move || speaker.follow(&taken))),
        }
    }

    /// Speaks `answer`, about the face `track`, if it is a change that should be signalled now; see [`Cadence::tells`].
    pub fn say(&mut self, now: Instant, answer: Answer, track: Option<u32>) {
        let counts = match answer {
            Answer::Looks(_) => true,
            Answer::Unsure => self.says_unsure,
            Answer::NoFace | Answer::FaceFound | Answer::TooDark | Answer::TooFar => false,
        };
        if !counts {
            return;
        }
        let is_busy = self.shared.busy.load(Ordering::Acquire);
        let cue = if is_busy { CueState::Busy } else { CueState::Ready };
        if self.cadence.tells(now, answer, track, cue) {
            self.shared.busy.store(true, Ordering::Release);
            self.order(Order::Say(answer));
        }
    }

    /// Ends the current word.
    pub fn silence(&self) {
        self.order(Order::Silence);
    }

    /// The error since the last call. The same error is reported once.
    pub fn failure(&self) -> Option<CueError> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The thread runs as long as this value exists.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(speaker) = self.speaker.take() {
            let _ = speaker.join();
        }
    }
}

/// Which errors were already reported.
#[derive(Default)]
struct Told {
    file: bool,
    player: bool,
}

/// The thread's side.
struct Speaker {
    program: PathBuf,
    player: Player,
    folder: PathBuf,
    shared: Arc<Shared>,
    playing: Option<Playing>,
    told: Told,
}

/// A running player; when dropped, it is killed and waited for.
struct Playing {
    child: Child,
    since: Instant,
}

impl Drop for Playing {
    fn drop(&mut self) {
        // Fails only if it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Speaker {
    fn follow(mut self, orders: &Receiver<Order>) {
        loop {
            let order = match self.playing {
                Some(_) => orders.recv_timeout(LOOK),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Say(answer)) => {
                    self.playing = None;
                    self.playing = self.begin(answer);
                    if self.playing.is_none() {
                        self.rest();
                    }
                }
                Ok(Order::Silence) => self.rest(),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Marks that nothing is playing.
    fn rest(&mut self) {
        self.playing = None;
        self.shared.busy.store(false, Ordering::Release);
    }

    fn begin(&mut self, answer: Answer) -> Option<Playing> {
        let file = self.folder.join(sound_file(answer)?);
        if let Err(error) = std::fs::File::open(&file) {
            if !std::mem::replace(&mut self.told.file, true) {
                self.fail(missing_file(&file, &error));
            }
            return None;
        }
        let mut command = Command::new(&self.program);
        command.args(self.player.options()).arg(&file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SIGINT from the terminal is only for this program, which ends the player.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(child) => Some(Playing { child, since: Instant::now() }),
            Err(error) => {
                self.fail_player(error.to_string(), &self.install());
                None
            }
        }
    }

    /// Checks whether the player has ended, and its exit status.
    fn look(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        let ended = match playing.child.try_wait() {
            Ok(None) if playing.since.elapsed() < LONGEST => return,
            Ok(None) => Some(format!("still plays after {} s", LONGEST.as_secs())),
            Ok(Some(status)) if status.success() => None,
            Ok(Some(status)) => Some(format!("it ended ({status})")),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = ended {
            let (name, folder) = (self.player.name(), self.folder.display());
            let next = format!(
                "run it by hand: `{name} {folder}/happiness.wav`; the user belongs to the group audio, and the service \
                 needs voice.conf (docs/voice.md)"
            );
            self.fail_player(reason, &next);
        }
        self.rest();
    }

    fn install(&self) -> String {
        let package = self.player.package();
        format!("install it: `sudo apt install {package}`, or name another player under [voice]")
    }

    fn fail_player(&mut self, reason: String, next: &str) {
        if !std::mem::replace(&mut self.told.player, true) {
            let what = format!("no voice: the player {}", self.program.display());
            self.fail(CueError { what, reason, next: next.to_owned() });
        }
    }

    fn fail(&self, error: CueError) {
        *self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

fn missing_file(file: &Path, error: &io::Error) -> CueError {
    CueError {
        what: format!("no voice: {}", file.display()),
        reason: error.to_string(),
        next: "make the files on a computer: `emocue voice --language en --to DIR`, and copy them there"
            .to_owned(),
    }
}
