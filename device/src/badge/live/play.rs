//! Practice games in the event loop: their input, and the badge's state after them.

use std::time::Instant;

use super::events::{LiveRun, Stop};
use super::notice::Notice;
use crate::answer::{Answer, GameKind, Screen};
use crate::badge::mailbox::Wanted;
use crate::practice::Game;

/// A running game.
#[derive(Debug)]
pub(super) struct Play {
    game: Game,
    /// The last screen of it.
    shown: Option<Screen>,
}

impl LiveRun<'_> {
    /// Begins a game, unless the badge's place of use forbids it.
    pub(super) fn start_game(&mut self, kind: GameKind, now: Instant) -> Result<(), Stop> {
        let wearer = &self.options.wearer;
        if kind.uses_camera() && !wearer.may_play() {
            (self.tell)(Notice::NotPlayed(wearer.use_place));
            return self.refuse(now);
        }
        let reason = wearer.shown_reason();
        (self.tell)(Notice::Plays(kind, reason));
        let seed = self.options.seed;
        self.options.seed = seed.wrapping_add(1);
        let game = Game::new(kind, &wearer.practice, reason, seed, now);
        self.state.play = Some(Play { game, shown: None });
        if kind.uses_camera() {
            self.open_camera();
        }
        self.show_game(now)
    }

    /// Passes the game the screen that would be shown without it.
    pub(super) fn play(&mut self, screen: Screen, now: Instant) -> Result<(), Stop> {
        let answer: Option<Answer> = match screen {
            Screen::Answer(answer) => Some(answer),
            _ => None,
        };
        if let Some(play) = &mut self.state.play {
            play.game.see(answer, now);
        }
        self.show_game(now)
    }

    /// The running game, if there is one.
    pub(super) fn plays(&self) -> Option<GameKind> {
        self.state.play.as_ref().map(|play| play.game.kind())
    }

    /// The camera is missing: the screen shows that instead of a game that needs the camera.
    pub(super) fn play_without_camera(&mut self, now: Instant) {
        if let Some(play) = self.state.play.as_mut().filter(|play| play.game.kind().uses_camera()) {
            play.game.see(None, now);
            play.shown = None;
        }
    }

    /// When the game changes without a press.
    pub(super) fn game_deadline(&self) -> Option<Instant> {
        self.state.play.as_ref()?.game.deadline()
    }

    /// Advances the game's time.
    pub(super) fn game_time(&mut self, now: Instant) -> Result<(), Stop> {
        if let Some(play) = &mut self.state.play {
            play.game.tick(now);
        }
        self.show_game(now)
    }

    /// A short press.
    pub(super) fn game_press(&mut self, now: Instant) -> Result<(), Stop> {
        if let Some(play) = &mut self.state.play {
            play.game.press(now);
        }
        self.show_game(now)
    }

    /// Ends the game: the badge is paused, as before; a run that was started only for the game ends.
    pub(super) fn end_game(&mut self, now: Instant) -> Result<(), Stop> {
        let Some(play) = self.state.play.take() else { return Ok(()) };
        (self.tell)(Notice::Played);
        if self.options.game.is_some() {
            return Err(Stop::End);
        }
        match play.game.kind().uses_camera() {
            true => self.pause(),
            // The camera was closed during the whole game.
            false => self.show(Screen::Paused, now)?,
        }
        Ok(())
    }

    /// Shows the game's screen if it has changed.
    fn show_game(&mut self, now: Instant) -> Result<(), Stop> {
        let Some(play) = &mut self.state.play else { return Ok(()) };
        if play.game.is_over() {
            return self.end_game(now);
        }
        let screen = play.game.screen();
        let waits = self.state.screen.missing && play.game.kind().uses_camera();
        if waits || play.shown == Some(screen) {
            return Ok(());
        }
        play.shown = Some(screen);
        self.show(screen, now)
    }

    /// Opens the camera, which was closed for the menu.
    pub(super) fn open_camera(&mut self) {
        self.state.screen.paused = false;
        // A camera that is still missing must be reported and shown again.
        self.state.screen.missing = false;
        self.parts.vision.forget();
        self.mailbox.want(Wanted::Stream);
    }
}
