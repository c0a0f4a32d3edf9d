use std::collections::HashSet;

use emocue_config::Order;
use proptest::prelude::*;

use super::*;
use Expression::{Anger, Happiness, Sadness};
use PracticeScreen::{CardEmoji, CardWord, Covered, Ended, ShowMe, Skipped, WellDone};

fn settings(rounds: u32) -> PracticeSettings {
    let expressions = vec![Happiness, Sadness, Anger];
    PracticeSettings { rounds, expressions, order: Order::Listed, ..PracticeSettings::default() }
}

/// A game with a clock of the test.
struct Played {
    game: Game,
    start: Instant,
}

impl Played {
    fn new(kind: GameKind, settings: &PracticeSettings) -> Self {
        Self::with(kind, settings, Reason::None)
    }

    fn with(kind: GameKind, settings: &PracticeSettings, reason: Reason) -> Self {
        let start = Instant::now();
        Self { game: Game::new(kind, settings, reason, 1, start), start }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// The face has this answer from `from` to `to`, ms, in frames of 100 ms.
    fn looks(&mut self, answer: Answer, from: u64, to: u64) -> Screen {
        for ms in (from..=to).step_by(100) {
            self.game.see(Some(answer), self.at(ms));
        }
        self.game.screen()
    }

    fn press(&mut self, ms: u64) -> Screen {
        self.game.press(self.at(ms));
        self.game.screen()
    }

    /// Every screen until the end and its time, ms, without input from `from` on.
    fn alone(&mut self, from: u64) -> Vec<(u64, Screen)> {
        let mut now = self.at(from);
        let mut screens = vec![(from, self.game.screen())];
        while let Some(deadline) = self.game.deadline() {
            assert!(deadline > now || self.game.stage == Stage::Over, "it makes no progress");
            now = deadline;
            self.game.tick(now);
            if !self.game.is_over() {
                screens
                    .push((now.duration_since(self.start).as_millis() as u64, self.game.screen()));
            }
        }
        screens
    }
}

fn practice(screen: PracticeScreen) -> Screen {
    Screen::Practice(screen)
}

#[test]
fn show_me_is_won_when_the_answer_holds_for_a_second() {
    let mut played = Played::new(GameKind::ShowMe, &settings(2));
    assert_eq!(played.game.screen(), practice(ShowMe(Happiness)));
    assert_eq!(played.looks(Answer::Looks(Sadness), 0, 5000), practice(ShowMe(Happiness)));
    assert_eq!(played.looks(Answer::Looks(Happiness), 5100, 6000), practice(ShowMe(Happiness)));
    // An interruption restarts the second.
    assert_eq!(played.looks(Answer::Unsure, 6050, 6050), practice(ShowMe(Happiness)));
    assert_eq!(played.looks(Answer::Looks(Happiness), 6100, 7000), practice(ShowMe(Happiness)));
    assert_eq!(played.looks(Answer::Looks(Happiness), 7100, 7100), practice(WellDone(Happiness)));
    let rest = played.alone(7100);
    let expected = [
        (7100, practice(WellDone(Happiness))),
        (9100, practice(ShowMe(Sadness))),
        (69_100, practice(Ended)),
    ];
    assert_eq!(rest, expected);
    assert!(played.game.is_over());
}

#[test]
fn a_press_skips_a_round_and_a_round_ends_by_itself() {
    let mut played = Played::new(GameKind::ShowMe, &settings(3));
    assert_eq!(played.press(500), practice(Skipped));
    let screens: Vec<_> = played.alone(500).into_iter().map(|(_, screen)| screen).collect();
    let expected = [Skipped, ShowMe(Sadness), ShowMe(Anger), Ended].map(practice);
    assert_eq!(screens, expected);
}

#[test]
fn what_holds_when_a_round_begins_counts_from_then_on() {
    let alike = PracticeSettings { expressions: vec![Happiness], ..settings(2) };
    let mut played = Played::new(GameKind::ShowMe, &alike);
    let mut won = 0;
    let mut before = played.game.screen();
    for ms in (0..8000).step_by(100) {
        let screen = played.looks(Answer::Looks(Happiness), ms, ms);
        won += u32::from(screen != before && screen == practice(WellDone(Happiness)));
        before = screen;
    }
    assert_eq!((won, played.game.screen()), (2, practice(Ended)));
}

#[test]
fn a_guess_stays_covered_until_the_press() {
    let mut played = Played::new(GameKind::Guess, &settings(2));
    assert_eq!(played.game.screen(), Screen::Starting);
    // There is nothing to uncover yet.
    assert_eq!(played.press(50), Screen::Starting);
    for answer in [Answer::NoFace, Answer::FaceFound, Answer::Unsure, Answer::TooDark] {
        assert_eq!(played.looks(answer, 100, 100), answer.into());
        assert_eq!(played.press(150), answer.into());
    }
    assert_eq!(played.looks(Answer::Looks(Sadness), 200, 900), practice(Covered));
    assert_eq!(played.press(1000), Screen::looks(Sadness));
    // A change of the face has no effect now.
    assert_eq!(played.looks(Answer::Looks(Anger), 1100, 4900), Screen::looks(Sadness));
    assert_eq!(played.looks(Answer::Looks(Anger), 5000, 5000), practice(Covered));
    assert_eq!(played.press(5100), Screen::looks(Anger));
    // Another press continues at once.
    assert_eq!(played.press(5200), practice(Ended));
    assert_eq!(played.press(5300), practice(Ended));
    assert!(played.game.is_over());
}

#[test]
fn a_camera_that_is_missing_covers_nothing() {
    let mut played = Played::new(GameKind::Guess, &settings(1));
    played.looks(Answer::Looks(Anger), 0, 500);
    played.game.see(None, played.at(600));
    assert_eq!(played.press(700), Screen::Starting);
    let mut played = Played::new(GameKind::ShowMe, &settings(1));
    played.looks(Answer::Looks(Happiness), 0, 900);
    played.game.see(None, played.at(950));
    played.game.tick(played.at(2000));
    assert_eq!(played.game.screen(), practice(ShowMe(Happiness)));
}

#[test]
fn cards_turn_by_themselves_and_by_a_press() {
    let mut played = Played::new(GameKind::Cards, &settings(2));
    let expected = [
        (0, practice(CardEmoji(Happiness))),
        (4000, practice(CardWord(Happiness))),
        (8000, practice(CardEmoji(Sadness))),
        (12_000, practice(CardWord(Sadness))),
        (16_000, practice(Ended)),
    ];
    assert_eq!(played.alone(0), expected);
    let mut played = Played::new(GameKind::Cards, &settings(1));
    assert_eq!(played.press(100), practice(CardWord(Happiness)));
    assert_eq!(played.press(200), practice(Ended));
    assert!(!GameKind::Cards.uses_camera());
}

#[test]
fn a_reason_is_shown_before_a_game_with_the_camera() {
    let mut played = Played::with(GameKind::ShowMe, &settings(1), Reason::Medical);
    assert_eq!(played.looks(Answer::Looks(Happiness), 0, 2900), Screen::Reason(Reason::Medical));
    assert_eq!(played.looks(Answer::Looks(Happiness), 3000, 3000), practice(ShowMe(Happiness)));
    let played = Played::with(GameKind::Cards, &settings(1), Reason::Medical);
    assert_eq!(played.game.screen(), practice(CardEmoji(Happiness)));
}

proptest! {
    #[test]
    fn shuffled_rounds_have_each_expression_once_before_one_comes_again(
        seed in any::<u64>(),
        rounds in 1u32..=50,
        count in 1usize..=8,
    ) {
        let expressions = Expression::ALL[..count].to_vec();
        let order = Order::Random;
        let settings = PracticeSettings { rounds, expressions, order, ..PracticeSettings::default() };
        let all = super::rounds(&settings, &mut Random::new(seed));
        prop_assert_eq!(all.len(), rounds as usize);
        for turn in all.chunks_exact(count) {
            prop_assert_eq!(turn.iter().collect::<HashSet<_>>().len(), count);
        }
        if count > 1 {
            prop_assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        }
    }

    #[test]
    fn every_game_ends_whatever_happens(
        kind in prop::sample::select(GameKind::ALL.to_vec()),
        steps in prop::collection::vec((0u64..20_000, 0u8..6), 0..60),
    ) {
        let mut played = Played::new(kind, &settings(3));
        let mut ms = 0;
        for (pause, what) in steps {
            ms += pause;
            let now = played.at(ms);
            match what {
                0 => played.game.press(now),
                1 => played.game.see(None, now),
                2 => played.game.see(Some(Answer::NoFace), now),
                3 => played.game.see(Some(Answer::Looks(Happiness)), now),
                4 => played.game.see(Some(Answer::Looks(Sadness)), now),
                _ => played.game.tick(now),
            }
        }
        // From here on there is no input.
        let mut turns = 0;
        while let Some(deadline) = played.game.deadline() {
            played.game.tick(deadline.max(played.at(ms)));
            turns += 1;
            prop_assert!(turns < 40);
        }
        prop_assert!(played.game.is_over());
    }
}
