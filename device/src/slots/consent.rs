//! The consent channel: one program asks, the running badge shows the question, and its button answers.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use emocue_link::consent::{Ask, Question};
use emocue_models::failure::{Failure, exit};
use serde::{Deserialize, Serialize};

use super::files;

/// How long the badge shows a question.
pub const SHOWN: Duration = Duration::from_secs(60);

/// A press that began before the question was visible for this time does not answer it.
pub const VISIBLE: Duration = Duration::from_secs(2);

/// How long the asking program waits: a little longer, so that it receives the badge's own timeout.
const WAITED: Duration = Duration::from_secs(65);

/// Polling interval for the answer.
const AGAIN: Duration = Duration::from_millis(100);

/// Longest question or answer that is read, bytes.
const LONGEST: u64 = 4096;

/// The answer of the wearer, or of the badge if the wearer cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The button was held.
    Yes,
    /// A short press.
    No,
    /// No press within [`SHOWN`].
    Silence,
    /// The badge has no button.
    NoButton,
    /// The badge has no panel.
    NoPanel,
    /// Several questions in a row were refused or not answered.
    Later,
}

#[derive(Serialize, Deserialize)]
struct ConsentAnswer {
    /// Identifies the question.
    number: [u8; 16],
    verdict: Verdict,
}

/// A question as earlier programs wrote it. They cannot show the code that the wearer has to compare.
#[derive(Deserialize)]
struct UncodedQuestion {
    id: u64,
}

/// The answer that an earlier program understands.
#[derive(Serialize)]
struct UncodedAnswer {
    id: u64,
    verdict: Verdict,
}

/// Why there is no consent.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The wearer refused with a short press.
    #[error("the wearer refused by a short press")]
    Declined,
    /// No answer in time.
    #[error("the button was not held for 3 s within a minute")]
    Silence,
    /// The badge has no button.
    #[error("it has no button to press")]
    NoButton,
    /// The badge has no panel.
    #[error("it has no panel to show the question")]
    NoPanel,
    /// Several questions in a row were refused or not answered.
    #[error(
        "its wearer refused or did not answer several questions, so it asks none for some minutes"
    )]
    Later,
    /// No badge is running.
    #[error("no badge runs here that could ask its wearer")]
    NobodyRuns,
    /// Another program is asking.
    #[error("the badge shows another question")]
    Busy,
    /// The state folder cannot be used.
    #[error("cannot ask through {}: {source}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Failure for ConsentError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Declined | Self::Folder { .. } => return None,
            Self::Silence => "Try again, and hold it when the panel asks.",
            Self::NoButton | Self::NoPanel => {
                "Without them, keys and settings come on the card or over SSH ([update] keys), and `emocue-badge slot \
                 rollback` returns to the bundle before."
            }
            Self::NobodyRuns => "Start it: `systemctl start emocue-badge`.",
            Self::Busy => "Try again in a minute.",
            Self::Later => {
                "Ask the wearer, and try again in ten minutes, or after the badge was restarted."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Folder { .. } => exit::FOLDER,
            _ => exit::NOT_ACCEPTED,
        }
    }
}

/// Carries questions to the running badge, and its answers back, as files in the state folder.
#[derive(Clone, Debug)]
pub struct ConsentChannel {
    state: PathBuf,
}

/// Held by a running badge that answers questions.
pub struct Presence(#[expect(dead_code, reason = "unlocked when it is closed")] File);

impl ConsentChannel {
    /// The channel in the state folder `state`.
    pub fn new(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// Announces that a badge runs; `None` if that is not possible, or another one runs. Earlier questions become
    /// invalid.
    pub fn announce(&self) -> Option<Presence> {
        let file = files::open_lock(&self.path("run.lock")).ok()?;
        file.try_lock().ok()?;
        let _ = fs::remove_file(self.path("ask"));
        Some(Presence(file))
    }

    /// Whether a badge runs.
    pub fn is_present(&self) -> bool {
        let locked = File::open(self.path("run.lock")).map(|file| file.try_lock());
        matches!(locked, Ok(Err(TryLockError::WouldBlock)))
    }

    /// Asks for `ask` and waits for the button. `key` is the signer of the received file and `sha256` its SHA-256;
    /// zeros if there is none. `tell` gets the question with its code.
    ///
    /// # Errors
    /// [`ConsentError`] for every answer but yes.
    pub fn ask(
        &self,
        ask: Ask,
        key: [u8; 32],
        sha256: [u8; 32],
        tell: impl FnOnce(&Question),
    ) -> Result<(), ConsentError> {
        if !self.is_present() {
            return Err(ConsentError::NobodyRuns);
        }
        let (asked, answer) = (self.path("ask"), self.path("answer"));
        let cannot = |source| ConsentError::Folder { path: asked.clone(), source };
        let _turn = self.turn().map_err(cannot)?.ok_or(ConsentError::Busy)?;
        let question = Question { ask, key, sha256, number: draw() };
        let _ = fs::remove_file(&answer);
        files::replace(&asked, &json(&question)).map_err(cannot)?;
        tell(&question);
        let start = Instant::now();
        let verdict = loop {
            let given =
                read::<ConsentAnswer>(&answer).filter(|given| given.number == question.number);
            if let Some(given) = given {
                break given.verdict;
            }
            if start.elapsed() > WAITED || !self.is_present() {
                break Verdict::Silence;
            }
            std::thread::sleep(AGAIN);
        };
        let _ = fs::remove_file(&asked);
        let _ = fs::remove_file(&answer);
        match verdict {
            Verdict::Yes => Ok(()),
            Verdict::No => Err(ConsentError::Declined),
            Verdict::Silence => Err(ConsentError::Silence),
            Verdict::NoButton => Err(ConsentError::NoButton),
            Verdict::NoPanel => Err(ConsentError::NoPanel),
            Verdict::Later => Err(ConsentError::Later),
        }
    }

    /// One question at a time.
    fn turn(&self) -> io::Result<Option<File>> {
        let file = files::open_lock(&self.path("ask.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The waiting question. One without a code is refused.
    pub fn question(&self) -> Option<Question> {
        let asked = self.path("ask");
        let question = read(&asked);
        if question.is_none()
            && let Some(UncodedQuestion { id }) = read(&asked)
        {
            // The help of this verdict says how else to add a key.
            let answer = UncodedAnswer { id, verdict: Verdict::NoButton };
            let _ = files::replace(&self.path("answer"), &json(&answer));
            let _ = fs::remove_file(asked);
        }
        question
    }

    /// Answers and removes the question.
    pub fn answer(&self, question: &Question, verdict: Verdict) {
        // If this fails, the asking program times out.
        let _ = files::replace(
            &self.path("answer"),
            &json(&ConsentAnswer { number: question.number, verdict }),
        );
        let _ = fs::remove_file(self.path("ask"));
    }
}

/// An unpredictable number.
fn draw() -> [u8; 16] {
    // The standard library seeds its hash keys from the system's random numbers.
    let keys = RandomState::new();
    let [first, second] = [1_u64, 2].map(|half| keys.hash_one(half).to_le_bytes());
    std::array::from_fn(|at| if at < 8 { first[at] } else { second[at - 8] })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&files::read(path, LONGEST).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(channel: &ConsentChannel) -> Result<(), ConsentError> {
        channel.ask(Ask::NewSettings, [0; 32], [7; 32], |_| ())
    }

    #[test]
    fn every_question_has_a_number_of_its_own() {
        let numbers: std::collections::HashSet<_> = (0..1000).map(|_| draw()).collect();
        assert_eq!(numbers.len(), 1000);
    }

    /// Waits for a question and answers it.
    fn answered(verdict: Verdict) -> Result<(), ConsentError> {
        let state = tempfile::tempdir().unwrap();
        let channel = ConsentChannel::new(state.path());
        let presence = channel.announce().unwrap();
        let done = std::thread::scope(|scope| {
            let asks = scope.spawn(|| ask(&channel));
            let question = loop {
                match channel.question() {
                    Some(question) => break question,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!((question.ask, question.sha256), (Ask::NewSettings, [7; 32]));
            assert!(matches!(ask(&channel), Err(ConsentError::Busy)));
            channel.answer(&question, verdict);
            asks.join().unwrap()
        });
        assert_eq!(channel.question(), None);
        drop(presence);
        assert!(matches!(ask(&channel), Err(ConsentError::NobodyRuns)));
        done
    }

    #[test]
    fn only_a_yes_agrees() {
        assert!(answered(Verdict::Yes).is_ok());
        assert!(matches!(answered(Verdict::No), Err(ConsentError::Declined)));
        assert!(matches!(answered(Verdict::Silence), Err(ConsentError::Silence)));
        assert!(matches!(answered(Verdict::NoButton), Err(ConsentError::NoButton)));
        assert!(matches!(answered(Verdict::NoPanel), Err(ConsentError::NoPanel)));
    }

    #[test]
    fn a_badge_that_goes_answers_for_itself() {
        let state = tempfile::tempdir().unwrap();
        let channel = ConsentChannel::new(state.path());
        let presence = channel.announce().unwrap();
        assert!(channel.announce().is_none());
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| ask(&channel));
            while channel.question().is_none() {
                std::thread::yield_now();
            }
            drop(presence);
            assert!(matches!(asks.join().unwrap(), Err(ConsentError::Silence)));
        });
    }
}
