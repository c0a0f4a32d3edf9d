//! Practice games, for one button: a [`Game`] receives answers, presses and the time, and returns what the screen
//! shows.
//!
//! Nothing is scored and nothing is stored. A game ends by itself; there is no failure, and no sign for one.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use emocue_config::{PracticeSettings, Reason};
use emocue_link::random::Random;
use emocue_models::label::Expression;

use crate::answer::{Answer, GameKind, PracticeScreen, Screen};

/// How long the requested expression has to be the steadied answer.
const HELD: Duration = Duration::from_secs(1);
/// How long "well done" is shown.
const WELL_DONE: Duration = Duration::from_secs(2);
/// How long "skipped" is shown.
const SKIPPED: Duration = Duration::from_millis(800);
/// How long the answer of a guess is shown.
const UNCOVERED: Duration = Duration::from_secs(4);
/// How long the reason for which the camera may be used is shown before a game.
const REASON: Duration = Duration::from_secs(3);
/// How long the end is shown.
const ENDED: Duration = Duration::from_secs(3);

/// The stage of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Why the camera may be used here.
    Reason,
    /// A round, or a card's emoji.
    Round,
    /// A card's word.
    Word,
    /// The round was won.
    WellDone,
    /// The round was skipped.
    Skipped,
    /// What the face looked like at the press.
    Uncovered(Answer),
    /// The last round is over.
    Ended,
    /// The end was shown.
    Over,
}

/// One game, from its first round to its end.
#[derive(Debug)]
pub struct Game {
    kind: GameKind,
    settings: PracticeSettings,
    reason: Reason,
    /// The expression of each round.
    rounds: Vec<Expression>,
    round: usize,
    stage: Stage,
    since: Instant,
    /// The last steadied answer.
    answer: Option<Answer>,
    /// Since when it is the requested expression.
    held: Option<Instant>,
}

impl Game {
    /// Begins a game; the order comes from `seed` where it is random. A `reason` is shown first where the game uses the
    /// camera.
    pub fn new(
        kind: GameKind,
        settings: &PracticeSettings,
        reason: Reason,
        seed: u64,
        now: Instant,
    ) -> Self {
        let says_why = kind.uses_camera() && reason != Reason::None;
        Self {
            kind,
            settings: settings.clone(),
            reason,
            rounds: rounds(settings, &mut Random::new(seed)),
            round: 0,
            stage: if says_why { Stage::Reason } else { Stage::Round },
            since: now,
            answer: None,
            held: None,
        }
    }

    /// The kind of game.
    pub fn kind(&self) -> GameKind {
        self.kind
    }

    /// Whether it has ended, and its end was shown.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// What the screen shows.
    pub fn screen(&self) -> Screen {
        let Some(&expression) = self.rounds.get(self.round) else {
            return Screen::Practice(PracticeScreen::Ended);
        };
        let practice = match (self.stage, self.kind) {
            (Stage::Reason, _) => return Screen::Reason(self.reason),
            (Stage::Round, GameKind::ShowMe) => PracticeScreen::ShowMe(expression),
            (Stage::Round, GameKind::Cards) => PracticeScreen::CardEmoji(expression),
            (Stage::Word, _) => PracticeScreen::CardWord(expression),
            (Stage::Round, GameKind::Guess) => match self.answer {
                None => return Screen::Starting,
                Some(Answer::Looks(_)) => PracticeScreen::Covered,
                Some(answer) => return answer.into(),
            },
            (Stage::WellDone, _) => PracticeScreen::WellDone(expression),
            (Stage::Skipped, _) => PracticeScreen::Skipped,
            (Stage::Uncovered(answer), _) => return answer.into(),
            (Stage::Ended | Stage::Over, _) => PracticeScreen::Ended,
        };
        Screen::Practice(practice)
    }

    /// Processes the answer that the screen would show without a game; `None` while there is none.
    pub fn see(&mut self, answer: Option<Answer>, now: Instant) {
        self.answer = answer;
        let asked = self.rounds.get(self.round).copied().map(Answer::Looks);
        let is_asked = self.kind == GameKind::ShowMe && self.stage == Stage::Round;
        self.held = match self.held {
            _ if !is_asked || answer.is_none() || answer != asked => None,
            None => Some(now),
            since => since,
        };
        self.tick(now);
    }

    /// A short press: shows the next card, skips this round, or shows the hidden answer.
    pub fn press(&mut self, now: Instant) {
        match (self.stage, self.kind) {
            (Stage::Round, GameKind::ShowMe) => self.go(Stage::Skipped, now),
            (Stage::Round, GameKind::Guess) => {
                if let Some(answer @ Answer::Looks(_)) = self.answer {
                    self.go(Stage::Uncovered(answer), now);
                }
            }
            (Stage::Over, _) => {}
            _ => self.next(now),
        }
    }

    /// Called as time passes; at least at [`Game::deadline`].
    pub fn tick(&mut self, now: Instant) {
        if self.held.is_some_and(|since| now.saturating_duration_since(since) >= HELD) {
            self.go(Stage::WellDone, now);
        } else if self.lasts().is_some_and(|time| now.saturating_duration_since(self.since) >= time)
        {
            self.next(now);
        }
    }

    /// When the next change without a press happens; `None` after the end.
    pub fn deadline(&self) -> Option<Instant> {
        let stage = self.lasts().map(|time| self.since + time);
        let held = self.held.map(|since| since + HELD);
        stage.into_iter().chain(held).min()
    }

    /// How long the stage lasts without a press.
    fn lasts(&self) -> Option<Duration> {
        Some(match self.stage {
            Stage::Reason => REASON,
            Stage::Round if self.kind == GameKind::Cards => self.settings.card(),
            Stage::Round => self.settings.round(),
            Stage::Word => self.settings.card(),
            Stage::WellDone => WELL_DONE,
            Stage::Skipped => SKIPPED,
            Stage::Uncovered(_) => UNCOVERED,
            Stage::Ended => ENDED,
            Stage::Over => return None,
        })
    }

    /// Continues with the next stage.
    fn next(&mut self, now: Instant) {
        match (self.stage, self.kind) {
            (Stage::Reason, _) => self.go(Stage::Round, now),
            (Stage::Round, GameKind::Cards) => self.go(Stage::Word, now),
            (Stage::Ended, _) => self.go(Stage::Over, now),
            _ => {
                self.round += 1;
                let is_last = self.round >= self.rounds.len();
                self.go(if is_last { Stage::Ended } else { Stage::Round }, now);
            }
        }
    }

    fn go(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.since = now;
        self.held = None;
    }
}

/// The expression of each round: each comes once before any repeats, and none twice in a row.
fn rounds(settings: &PracticeSettings, random: &mut Random) -> Vec<Expression> {
    let mut rounds: Vec<Expression> = Vec::new();
    let wanted = settings.rounds as usize;
    while rounds.len() < wanted && !settings.expressions.is_empty() {
        let mut turn = settings.expressions.clone();
        if settings.order == emocue_config::Order::Random {
            for end in (1..turn.len()).rev() {
                turn.swap(end, random.below(end + 1));
            }
            if turn.len() > 1 && rounds.last() == turn.first() {
                turn.rotate_left(1);
            }
        }
        rounds.extend(turn);
    }
    rounds.truncate(wanted);
    rounds
}
