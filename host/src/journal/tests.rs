use std::ops::ControlFlow;
use std::path::Path;

use emocue_flash::monitor::BadgeSession;
use emocue_journal::{Counted, HEADER, Interval, Journal, JournalSecretKey, RECORD, folder};
use emocue_link::message::{BadgeStatus, JournalEntry, LogLine};
use emocue_models::failure::Problem;

use super::pull::{Copies, Pulled, from_badge};
use super::*;

fn secret() -> JournalSecretKey {
    JournalSecretKey::from_bytes(&[3; 32])
}

fn interval(slot: u32) -> Interval {
    let mut interval = Interval { slot, streamed_s: 90, ..Interval::default() };
    interval.counts.add(Counted::ALL[1], 2);
    interval
}

/// A badge with a folder of journals, which counts the requested parts.
struct FakeBadge<'a> {
    folder: &'a Path,
    parts: usize,
}

impl BadgeSession for FakeBadge<'_> {
    fn program(&self) -> String {
        "0.1.0".into()
    }

    fn status(&mut self) -> Result<BadgeStatus, Problem> {
        Err(Problem::new("not asked for"))
    }

    fn log(&mut self, _: u32) -> Result<Vec<LogLine>, Problem> {
        Err(Problem::new("not asked for"))
    }

    fn journals(&mut self) -> Result<Vec<JournalEntry>, Problem> {
        let listed = folder::list(self.folder).map_err(|error| Problem::at("badge", &error))?;
        Ok(listed.iter().map(|it| JournalEntry { number: it.number, bytes: it.bytes }).collect())
    }

    fn journal(
        &mut self,
        number: u32,
        on_part: &mut dyn FnMut(u32, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        loop {
            self.parts += 1;
            let part = folder::part(self.folder, number, bytes.len() as u32, 100);
            let part = part.map_err(|error| Problem::at("badge", &error))?;
            bytes.extend(part.data);
            if on_part(part.total, &bytes).is_break() || bytes.len() == part.total as usize {
                return Ok(bytes);
            }
        }
    }
}

#[test]
fn a_badge_is_asked_only_for_what_is_not_there() {
    let place = tempfile::tempdir().unwrap();
    let (there, here) = (place.path().join("journal"), place.path().join("copies"));
    let mut first = Journal::begin(&there, &secret().public()).unwrap();
    let second = Journal::begin(&there, &secret().public()).unwrap();
    (0..5).for_each(|slot| first.append(&interval(slot)).unwrap());
    let pull = || {
        let mut badge = FakeBadge { folder: &there, parts: 0 };
        let mut became = Vec::new();
        let mut copies = Copies::in_folder(&here).unwrap();
        from_badge(&mut badge, &mut copies, &mut |_, taken| became.push(taken.unwrap().1)).unwrap();
        (became, badge.parts)
    };
    assert_eq!(pull(), (vec![Pulled::New(5), Pulled::New(0)], 6));
    assert_eq!(pull(), (vec![Pulled::Same, Pulled::Same], 2));
    first.append(&interval(5)).unwrap();
    assert_eq!(pull(), (vec![Pulled::Grew(1), Pulled::Same], 6));
    let copies = journals_in(&[here]).unwrap();
    assert_eq!(std::fs::read(&copies[0]).unwrap(), std::fs::read(first.path()).unwrap());
    assert_eq!(std::fs::read(&copies[1]).unwrap(), std::fs::read(second.path()).unwrap());
}

#[test]
fn a_badge_that_sends_something_else_replaces_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&place.path().join("journal"), &secret().public()).unwrap();
    (0..3).for_each(|slot| journal.append(&interval(slot)).unwrap());
    let bytes = std::fs::read(journal.path()).unwrap();
    let mut copies = Copies::in_folder(&place.path().join("copies")).unwrap();
    let (path, pulled) = copies.take(1, &bytes).unwrap();
    assert_eq!(pulled, Pulled::New(3));
    let mut other = bytes.clone();
    other[HEADER + RECORD] ^= 1;
    assert_eq!(copies.take(1, &other).unwrap().1, Pulled::Differs);
    other.extend([0; RECORD]);
    assert_eq!(copies.take(1, &other).unwrap().1, Pulled::Differs);
    assert_eq!(copies.take(1, &bytes[..HEADER]).unwrap().1, Pulled::Longer);
    assert!(copies.take(1, b"something else").is_err());
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    // A badge whose journals were removed numbers them from 1 again.
    let again = Journal::begin(&place.path().join("again"), &secret().public()).unwrap();
    let (path, pulled) = copies.take(1, &std::fs::read(again.path()).unwrap()).unwrap();
    assert_eq!(pulled, Pulled::New(0));
    assert!(path.to_string_lossy().contains("journal-0001-"), "{}", path.display());
}

#[test]
fn days_and_weeks_have_the_sums_of_their_intervals() {
    let place = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&place.path().join("journal"), &secret().public()).unwrap();
    // Eight days, an hour each.
    for day in 0..8 {
        (0..12).for_each(|at| journal.append(&interval(5_900_000 + day * 288 + at)).unwrap());
    }
    let opening = open(&[journal.path().to_owned()], &secret());
    let journals = Journals::of(&opening.files);
    assert_eq!(journals.totals.streamed_s, 8 * 12 * 90);
    assert_eq!(journals.totals.total(), 8 * 12 * 2);
    let sum = |sums: Vec<&Totals>| sums.iter().map(|sum| sum.total()).sum::<u64>();
    assert_eq!(sum(journals.days.iter().map(|day| &day.totals).collect()), 192);
    assert_eq!(sum(journals.weeks.iter().map(|week| &week.totals).collect()), 192);
    assert!((2..=3).contains(&journals.weeks.len()), "{}", journals.weeks.len());
    assert_eq!(journals.most(), 2);
    let columns = journals.days.iter().flat_map(|day| day.columns.keys());
    assert!(columns.into_iter().all(|column| *column < days::COLUMNS));
    // A clock at the last time that a journal can represent.
    journal.append(&interval(u32::MAX)).unwrap();
    let opening = open(&[journal.path().to_owned()], &secret());
    let page = crate::report::journal::page(&Journals::of(&opening.files), &opening.notes());
    assert!(page.contains("looked happy"));
}
