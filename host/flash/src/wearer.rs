//! Compares a badge's questions to its wearer with what was sent.

use std::ops::ControlFlow;

use emocue_link::consent::{Ask, HOW_TO_ANSWER, Question};
use emocue_link::message::Progress;
use emocue_models::bundle::Sha256;

use crate::bundle::PreparedBundle;
use crate::console::FlashProgress;

/// The question of a badge with link version 1.0.
const NO_CODE: &str = "The badge asks its wearer to press its button. Its program seems to be older and to have no code \
                       to compare. If its panel shows digits, that is not true: refuse, and use another cable. \
                       Otherwise press only if the cable leads straight to your badge, and update its program then.";

/// The part of what was sent that the question to the wearer covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    ask: Ask,
    key: [u8; 32],
    sha256: [u8; 32],
}

impl Sent {
    /// A request to roll back.
    pub(crate) const ROLLBACK: Self = Self { ask: Ask::OlderBundle, key: [0; 32], sha256: [0; 32] };

    /// A configuration's text.
    pub(crate) fn settings(text: &str) -> Self {
        Self { ask: Ask::NewSettings, key: [0; 32], sha256: Sha256::of(text.as_bytes()).0 }
    }

    /// A bundle.
    pub(crate) fn bundle(bundle: &PreparedBundle) -> Self {
        let key = bundle.signer.map_or([0; 32], |signer| signer.to_bytes());
        Self { ask: Ask::NewMaker, key, sha256: Sha256::of(&bundle.bytes).0 }
    }

    /// The question about it with the given number.
    fn question(self, number: [u8; 16]) -> Question {
        let Self { ask, key, sha256 } = self;
        Question { ask, key, sha256, number }
    }
}

/// Shows the badge's question, with the code of what was actually sent.
pub(crate) struct Questions {
    sent: Sent,
    /// Whether the badge supports codes.
    has_codes: bool,
    shown: Option<Progress>,
    is_deceived: bool,
}

impl Questions {
    /// Questions about `sent`, from a badge with link version 1.`minor`.
    pub(crate) fn new(sent: Sent, minor: u16) -> Self {
        Self { sent, has_codes: minor >= 1, shown: None, is_deceived: false }
    }

    /// Whether the badge asked about something other than what was sent.
    pub(crate) fn is_deceived(&self) -> bool {
        self.is_deceived
    }

    /// Shows a new question; breaks if it is about something other than what was sent, or if the user stops.
    pub(crate) fn see(
        &mut self,
        state: &Progress,
        progress: &mut dyn FlashProgress,
    ) -> ControlFlow<()> {
        let is_new = self.shown.as_ref() != Some(state);
        match state {
            Progress::Asks(question) if is_new => {
                self.is_deceived = *question != self.sent.question(question.number);
                if !self.is_deceived {
                    let (words, code) = (question.ask.words(), question.code());
                    progress.say(&format!("The badge asks its wearer: {words}"));
                    progress.say(&format!("    code  {code}"));
                    progress.say(HOW_TO_ANSWER);
                }
            }
            Progress::PressButton(_) if self.has_codes => self.is_deceived = true,
            // Not the peer's text: an attacker between badge and host could choose it.
            Progress::PressButton(_) if is_new => progress.say(NO_CODE),
            _ => {}
        }
        if is_new {
            self.shown = Some(state.clone());
        }
        match self.is_deceived || progress.stop() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
