//! The menu, practice, and what is stored by the wearer's consent.

use std::path::Path;

use emocue_config::{JournalSettings, Order, PictureSettings, PracticeSettings, Reason, UsePlace};
use emocue_models::label::Expression::{Happiness, Sadness};

use super::*;
use crate::answer::{Kept, MenuEntry, PracticeScreen};

/// Shades of frames.
const HAPPY: u8 = 1;
const SAD: u8 = 3;

fn wearer(rounds: u32) -> WearerOptions {
    let expressions = vec![Happiness, Sadness];
    let order = Order::Listed;
    let practice = PracticeSettings { rounds, expressions, order, ..PracticeSettings::default() };
    WearerOptions { practice, ..WearerOptions::default() }
}

fn practice(screen: PracticeScreen) -> Screen {
    Screen::Practice(screen)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path.display().to_string()] }
        })
        .collect()
}

impl Bench {
    fn press(&self, press: Press) {
        self.button.send(press).unwrap();
    }

    /// Pauses, and goes to an entry of the menu.
    fn choose(&self, entry: MenuEntry) {
        self.press(Press::Long);
        self.shows(Screen::Paused);
        let deadline = Instant::now() + PATIENCE;
        let mut at = None;
        while at != Some(entry) {
            self.press(Press::Short);
            at = loop {
                let left = deadline.saturating_duration_since(Instant::now());
                if let Seen::Shown(Screen::Menu(shown)) =
                    self.seen.recv_timeout(left).expect("the menu has no such entry")
                {
                    break Some(shown);
                }
            };
        }
        self.press(Press::Long);
    }
}

#[test]
fn a_game_from_the_command_line_ends_the_run() {
    let setup =
        BenchSetup { wearer: wearer(2), game: Some(GameKind::ShowMe), ..BenchSetup::default() };
    let badge = bench_with(Cue::Stay(SAD), setup);
    badge.shows(practice(PracticeScreen::ShowMe(Happiness)));
    badge.camera.send(Cue::Stay(HAPPY)).unwrap();
    badge.shows(practice(PracticeScreen::WellDone(Happiness)));
    badge.shows(practice(PracticeScreen::ShowMe(Sadness)));
    badge.press(Press::Short);
    badge.shows(practice(PracticeScreen::Skipped));
    badge.shows(practice(PracticeScreen::Ended));
    badge.until(&Seen::Finished);
    let Bench { run, notices, led, open, .. } = badge;
    run.join().unwrap().unwrap();
    assert_eq!((*open.lock().unwrap(), *led.lock().unwrap()), (false, false));
    let notices = notices.lock().unwrap().clone();
    assert_eq!(notices[0], "practice begins: show");
    assert!(notices.contains(&"practice has ended".to_owned()), "{notices:?}");
}

#[test]
fn a_guess_from_the_menu_is_covered_until_the_press_and_ends_paused() {
    let badge =
        bench_with(Cue::Stay(SAD), BenchSetup { wearer: wearer(5), ..BenchSetup::default() });
    badge.shows(Screen::looks(Sadness));
    badge.choose(MenuEntry::Practice(GameKind::Guess));
    badge.shows(practice(PracticeScreen::Covered));
    assert_eq!(badge.open_and_lit(), (true, true));
    badge.press(Press::Short);
    badge.shows(Screen::looks(Sadness));
    badge.press(Press::Long);
    badge.shows(Screen::Paused);
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.press(Press::Long);
    badge.shows(Screen::looks(Sadness));
    badge.stop().0.unwrap();
}

#[test]
fn cards_never_open_the_camera() {
    let setup = BenchSetup {
        paused: true,
        wearer: wearer(1),
        game: Some(GameKind::Cards),
        ..BenchSetup::default()
    };
    let badge = bench_with(Cue::Stay(SAD), setup);
    badge.shows(practice(PracticeScreen::CardEmoji(Happiness)));
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.press(Press::Short);
    badge.shows(practice(PracticeScreen::CardWord(Happiness)));
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.press(Press::Long);
    badge.until(&Seen::Finished);
    badge.run.join().unwrap().unwrap();
}

#[test]
fn a_camera_that_is_missing_is_shown_in_a_game_which_goes_on_when_it_is_back() {
    let setup =
        BenchSetup { wearer: wearer(2), game: Some(GameKind::ShowMe), ..BenchSetup::default() };
    let badge = bench_with(Cue::Stay(SAD), setup);
    badge.shows(practice(PracticeScreen::ShowMe(Happiness)));
    while !badge.open_and_lit().0 {
        thread::yield_now();
    }
    badge.camera.send(Cue::Frame(SAD)).unwrap();
    badge.camera.send(Cue::Fail(unplugged())).unwrap();
    badge.shows(Screen::CameraMissing);
    badge.shows(practice(PracticeScreen::ShowMe(Happiness)));
    badge.stop().0.unwrap();
}

#[test]
fn a_school_without_a_reason_has_cards_alone() {
    let school = WearerOptions { use_place: UsePlace::School, ..wearer(1) };
    let badge =
        bench_with(Cue::Stay(SAD), BenchSetup { wearer: school.clone(), ..BenchSetup::default() });
    badge.shows(Screen::looks(Sadness));
    badge.choose(MenuEntry::Practice(GameKind::Guess));
    badge.shows(Screen::NotHere);
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.shows(Screen::Paused);
    let (done, notices) = badge.stop();
    done.unwrap();
    let told = notices.iter().find(|notice| notice.starts_with("no game with the camera"));
    assert!(told.is_some_and(|told| told.contains("use = \"school\"")), "{notices:?}");

    let with_reason = WearerOptions { reason: Reason::Medical, ..school };
    let setup =
        BenchSetup { wearer: with_reason, game: Some(GameKind::ShowMe), ..BenchSetup::default() };
    let badge = bench_with(Cue::Stay(SAD), setup);
    badge.shows(Screen::Reason(Reason::Medical));
    badge.shows(practice(PracticeScreen::ShowMe(Happiness)));
    let (done, notices) = badge.stop();
    done.unwrap();
    assert_eq!(notices[0], "practice begins: show; recorded reason: medical");
}

/// A badge whose menu offers pictures, and its state folder.
fn with_pictures(use_place: UsePlace) -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    let wearer = WearerOptions {
        use_place,
        pictures: PictureSettings { enabled: true, minutes: 1 },
        state: Some(folder.path().to_owned()),
        ..wearer(1)
    };
    let badge = bench_with(Cue::Stay(SAD), BenchSetup { wearer, ..BenchSetup::default() });
    badge.shows(Screen::looks(Sadness));
    (folder, badge)
}

#[test]
fn pictures_are_kept_after_a_held_press_and_counted_down_until_a_pause() {
    let (folder, badge) = with_pictures(UsePlace::Private);
    badge.choose(MenuEntry::Keep(Kept::Pictures));
    badge.shows(Screen::Keep { kept: Kept::Pictures, counts: false });
    assert_eq!((badge.open_and_lit(), files(folder.path())), ((false, false), vec![]));
    badge.press(Press::Held);
    let sad = Answer::Looks(Sadness);
    for seconds_left in [60, 59, 58] {
        badge.shows(Screen::KeepsPictures { answer: sad, seconds_left });
    }
    badge.press(Press::Long);
    badge.shows(Screen::Paused);
    let kept = files(folder.path());
    assert!((2..=3).contains(&kept.len()), "{kept:?}");
    assert!(kept.iter().all(|file| file.contains("pictures/sadness/")), "{kept:?}");
    badge.press(Press::Long);
    badge.shows(Screen::looks(Sadness));
    let (done, notices) = badge.stop();
    done.unwrap();
    assert_eq!(files(folder.path()), kept);
    let ended = format!("pictures are not stored any more; {} were", kept.len());
    assert!(notices.contains(&ended), "{notices:?}");
}

#[test]
fn nothing_is_kept_after_a_no_nor_at_a_school_or_at_work() {
    let (folder, badge) = with_pictures(UsePlace::Private);
    badge.choose(MenuEntry::Keep(Kept::Pictures));
    badge.shows(Screen::Keep { kept: Kept::Pictures, counts: false });
    badge.press(Press::Short);
    badge.shows(Screen::Paused);
    badge.press(Press::Long);
    badge.shows(Screen::looks(Sadness));
    badge.stop().0.unwrap();
    assert!(files(folder.path()).is_empty());

    for place in [UsePlace::School, UsePlace::Workplace] {
        let (folder, badge) = with_pictures(place);
        badge.choose(MenuEntry::Keep(Kept::Pictures));
        badge.shows(Screen::NotHere);
        badge.press(Press::Held);
        badge.shows(Screen::Paused);
        let (done, notices) = badge.stop();
        done.unwrap();
        assert!(files(folder.path()).is_empty());
        let told = format!("no pictures: the configuration says use = {:?}", place.name());
        assert!(notices.contains(&told), "{notices:?}");
    }
}

#[test]
fn a_journal_runs_from_a_held_press_to_the_same_entry_and_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let secret = emocue_journal::JournalSecretKey::from_bytes(&[7; 32]);
    let journal = JournalSettings { key: Some(secret.public()), ..JournalSettings::default() };
    let wearer = WearerOptions { journal, state: Some(folder.path().to_owned()), ..wearer(1) };
    let badge = bench_with(Cue::Stay(SAD), BenchSetup { wearer, ..BenchSetup::default() });
    badge.shows(Screen::looks(Sadness));
    badge.choose(MenuEntry::Keep(Kept::Journal));
    badge.shows(Screen::Keep { kept: Kept::Journal, counts: false });
    assert!(files(folder.path()).is_empty());
    badge.press(Press::Held);
    badge.until(&Seen::Journal(true));
    badge.shows(Screen::looks(Sadness));
    badge.camera.send(Cue::Stay(HAPPY)).unwrap();
    badge.shows(Screen::looks(Happiness));
    badge.choose(MenuEntry::Keep(Kept::Journal));
    badge.until(&Seen::Journal(false));
    let written = files(folder.path());
    assert_eq!(written.len(), 1, "{written:?}");
    let opened = emocue_journal::read_file(Path::new(&written[0]), &secret).unwrap();
    let total: u32 = opened.intervals.iter().map(|interval| interval.counts.total()).sum();
    assert!(opened.damaged.is_empty() && total >= 2, "{opened:?}");
    let (done, notices) = badge.stop();
    done.unwrap();
    assert!(notices.contains(&"the journal has ended".to_owned()), "{notices:?}");
    assert_eq!(files(folder.path()), written);
}

#[test]
fn a_journal_that_is_refused_leaves_nothing() {
    let key = emocue_journal::JournalSecretKey::from_bytes(&[7; 32]).public();
    for use_place in [UsePlace::School, UsePlace::Workplace] {
        let folder = tempfile::tempdir().unwrap();
        let journal = JournalSettings { key: Some(key), ..JournalSettings::default() };
        let state = Some(folder.path().to_owned());
        let wearer = WearerOptions { use_place, journal, state, ..wearer(1) };
        let badge = bench_with(Cue::Stay(SAD), BenchSetup { wearer, ..BenchSetup::default() });
        badge.shows(Screen::looks(Sadness));
        badge.choose(MenuEntry::Keep(Kept::Journal));
        badge.shows(Screen::NotHere);
        badge.press(Press::Held);
        badge.shows(Screen::Paused);
        let (done, notices) = badge.stop();
        done.unwrap();
        let told = format!("no journal: the configuration says use = {:?}", use_place.name());
        assert!(notices.contains(&told), "{notices:?}");
        assert!(files(folder.path()).is_empty());
    }
}
