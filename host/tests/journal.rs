//! `emocue journal`: creating keys, copying, showing and removing.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use emocue_journal::{Counted, Interval, Journal, JournalSecretKey, RECORD};
use emocue_models::label::Expression;
use tempfile::TempDir;

/// Monday, 30 November 2026, 10:00 UTC, as a number of five-minute intervals.
const MONDAY: u32 = 1_796_032_800 / 300;

struct Place(TempDir);

impl Place {
    /// With a key, and a badge's folder that has a journal of three intervals.
    fn new() -> (Self, Journal) {
        let place = Self(tempfile::tempdir().unwrap());
        assert_eq!(place.run("key wearer.key").status.code(), Some(0));
        let key = JournalSecretKey::read_file(&place.at("wearer.key")).unwrap().public();
        fs::create_dir_all(place.at("card/var/lib/emocue")).unwrap();
        let mut journal = Journal::begin(&place.at("card/var/lib/emocue/journal"), &key).unwrap();
        for (slot, times) in [(MONDAY, 3), (MONDAY + 1, 1), (MONDAY + 7 * 288, 2)] {
            journal.append(&interval(slot, times)).unwrap();
        }
        (place, journal)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        let mut emocue = Command::new(env!("CARGO_BIN_EXE_emocue"));
        emocue.current_dir(self.0.path()).env("TZ", "UTC").env("XDG_CONFIG_HOME", self.at("home"));
        emocue.arg("journal").args(line.split_whitespace()).output().unwrap()
    }

    /// Its standard output, if it succeeds.
    fn out(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Its message, and that it ends with `code`.
    fn refused(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", err(&output));
        err(&output)
    }

    fn copies(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.at(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn interval(slot: u32, times: u16) -> Interval {
    let mut interval = Interval { slot, streamed_s: 300, ..Interval::default() };
    interval.counts.add(Counted::Looks(Expression::Happiness), times);
    interval.counts.add(Counted::Unsure, 1);
    interval
}

#[test]
fn a_key_is_made_once_and_its_public_half_is_for_the_badge() {
    let place = Place(tempfile::tempdir().unwrap());
    let said = place.out("key");
    let path = place.at("home/emocue/journal.key");
    let public = JournalSecretKey::read_file(&path).unwrap().public();
    assert!(said.contains(&format!("[journal]\nkey = \"{public}\"\n")), "{said}");
    assert_eq!(place.out("key --public"), format!("{public}\n"));
    let text = place.refused("key", 4);
    assert!(text.contains("exists already\nhelp: "), "{text}");
    assert_eq!(JournalSecretKey::read_file(&path).unwrap().public(), public);
    place.refused("key --public missing.key", 3);
}

#[test]
fn journals_are_copied_from_a_card_and_extended_but_never_replaced() {
    let (place, mut journal) = Place::new();
    for from in ["card", "card/var/lib/emocue", "card/var/lib/emocue/journal"] {
        let said = place.out(&format!("pull --on {from} --to copies"));
        let counts = if from == "card" { "1 written, 0 there" } else { "0 written, 1 there" };
        assert!(said.contains(counts), "{said}");
    }
    let [copy] = place.copies("copies").try_into().unwrap();
    let name = format!("journal-0001-{}.sealed", journal.id().short());
    assert_eq!(copy.file_name().unwrap().to_str(), Some(name.as_str()));
    assert_eq!(fs::read(&copy).unwrap(), fs::read(journal.path()).unwrap());
    journal.append(&interval(MONDAY + 5000, 1)).unwrap();
    let said = place.out("pull --on card --to copies");
    assert!(said.contains(&format!("{name}: 1 interval more\n1 written")), "{said}");
    let grown = fs::read(journal.path()).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), grown);
    // A card that was restored to an earlier state, and one that was modified.
    fs::write(journal.path(), &grown[..grown.len() - RECORD - 5]).unwrap();
    let said = place.out("pull --on card --to copies");
    assert!(said.contains("has more than the badge, and stays"), "{said}");
    let mut other = grown.clone();
    other[100] ^= 1;
    fs::write(journal.path(), &other).unwrap();
    let text = place.refused("pull --on card --to copies", 4);
    assert!(text.contains("is something else than journal-0001.sealed"), "{text}");
    assert_eq!(fs::read(&copy).unwrap(), grown);
    // A file that is not a journal is reported, and the others are copied.
    fs::write(journal.path(), &grown).unwrap();
    fs::write(journal.path().with_file_name("journal-0002.sealed"), "no journal").unwrap();
    let text = place.refused("pull --on card --to others", 4);
    assert!(text.contains("journal-0002.sealed: not copied: this is not a journal"), "{text}");
    assert_eq!(place.copies("others").len(), 1);
    assert!(place.refused("pull --on none --to others", 3).contains("is not a folder"));
    place.refused("pull --on http://badge --to others", 2);
    fs::create_dir(place.at("empty")).unwrap();
    assert!(place.refused("pull --on empty --to others", 3).contains("no journal is in empty"));
    place.refused("pull --on /dev/emocue-none --to others", 9);
}

#[test]
fn a_journal_is_shown_as_a_table_as_json_and_as_a_page() {
    let (place, journal) = Place::new();
    place.out("pull --on card --to copies");
    let table = place.out("show copies --key wearer.key");
    for line in [
        "Mon 2026-11-30    10 min          -          4          -",
        "Mon 2026-12-07     5 min          -          2",
        "2026-W49          10 min          -          4",
        "all               15 min          -          6",
    ] {
        assert!(table.contains(line), "{line:?} is not in\n{table}");
    }
    // A copy beside its original counts once.
    let again = place.run("show copies card --key wearer.key");
    assert_eq!(String::from_utf8(again.stdout.clone()).unwrap(), table);
    assert!(err(&again).contains("is a copy of another"), "{}", err(&again));

    let json = place.out("show copies --key wearer.key --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format"], "emocue-journal-1");
    assert_eq!(json["files"][0]["id"], journal.id().to_string());
    let first = &json["intervals"][0];
    assert_eq!(first["unix_s"], u64::from(MONDAY) * 300);
    assert_eq!(first["begins"], "2026-11-30T10:00:00+00:00");
    assert_eq!((&first["streamed_s"], &first["counts"]["happiness"]), (&300.into(), &3.into()));
    assert_eq!(json["days"].as_array().unwrap().len(), 2);
    assert_eq!(json["weeks"][1]["week"], "2026-W50");

    let said = place.out("show copies --key wearer.key --html page.html");
    assert!(said.starts_with("page.html: "), "{said}");
    let page = fs::read_to_string(place.at("page.html")).unwrap();
    for part in [
        "<title>Journal, 2026-11-30 to 2026-12-07</title>",
        "<title>10:00: camera on for 5 min; looked happy 3, badge unsure 1</title>",
        "2026-W49, from 2026-11-30",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    // In HTML, elements after an unclosed SVG element are inside it and are not drawn.
    assert_eq!(page.matches("<rect").count(), page.matches("</rect>").count());
    assert_eq!(page.matches("<rect").count(), 3 * (2 + 1));
    // It describes appearance only, and loads no resources.
    for part in ["was happy", "felt happy", "http", "<script", "src="] {
        assert!(!page.contains(part), "{part:?} is in the page");
    }
    let text = place.refused("show copies --key wearer.key --html page.html", 4);
    assert!(text.contains("page.html exists\nhelp: Replace it with --overwrite"), "{text}");
    place.out("show copies --key wearer.key --html page.html --overwrite");
}

#[test]
fn another_key_is_named_and_opens_nothing() {
    let (place, _) = Place::new();
    place.out("key other.key");
    let public = |name| JournalSecretKey::read_file(&place.at(name)).unwrap().public().short();
    let text = place.refused("show card --key other.key", 3);
    for part in [public("wearer.key"), public("other.key"), "help: Name the file".to_owned()] {
        assert!(text.contains(&part), "{part} is not in\n{text}");
    }
    // Beside files that can be opened, it is a warning.
    place.out("pull --on card --to copies");
    let other = JournalSecretKey::read_file(&place.at("other.key")).unwrap().public();
    Journal::begin(&place.at("copies"), &other).unwrap();
    let output = place.run("show copies --key wearer.key");
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("warning: copies/journal-0001.sealed: it is sealed to the key"));
    let exposed = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(place.at("wearer.key"), exposed).unwrap();
    let text = place.refused("show card --key wearer.key", 3);
    assert!(text.contains("can be read by others (mode 644)"), "{text}");
    let text = place.refused("show card", 3);
    assert!(text.contains("`emocue journal key FILE` makes a key"), "{text}");
}

#[test]
fn damage_a_torn_end_and_a_clock_set_back_are_told_and_the_rest_is_shown() {
    let (place, mut journal) = Place::new();
    journal.append(&interval(MONDAY + 2, 9)).unwrap();
    let mut bytes = fs::read(journal.path()).unwrap();
    bytes[60 + RECORD + 40] ^= 1;
    bytes.extend([7; 30]);
    fs::write(journal.path(), &bytes).unwrap();
    let output = place.run("show card --key wearer.key");
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "journal-0001.sealed: record 1 does not open and does not count",
        "its last 30 bytes are a torn record",
        "the badge's clock was set back once",
    ] {
        assert!(err(&output).contains(part), "{part:?} is not in\n{}", err(&output));
    }
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("Mon 2026-11-30    10 min          -         12"), "{table}");
    place.out("show card --key wearer.key --html page.html");
    let page = fs::read_to_string(place.at("page.html")).unwrap();
    assert!(page.contains("clock was set back once"));
    // Nothing but its beginning.
    fs::write(journal.path(), &bytes[..20]).unwrap();
    let text = place.refused("show card --key wearer.key", 3);
    assert!(text.contains("nothing is in it: the power failed"), "{text}");
}

#[test]
fn journals_are_removed_only_when_told_twice_and_nothing_else_is() {
    let (place, journal) = Place::new();
    place.out("pull --on card --to copies");
    fs::write(place.at("copies/diary.txt"), "mine").unwrap();
    let output = place.run("forget copies card");
    assert_eq!(output.status.code(), Some(2));
    let listed = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(err(&output).contains("nothing was removed: 2 to remove\nhelp: "), "{}", err(&output));
    assert!(err(&output).contains("--yes"));
    assert_eq!(place.copies("copies").len(), 2);
    // A file that only has a journal's extension stops the removal of all.
    fs::write(place.at("copies/notes.sealed"), "mine").unwrap();
    let text = place.refused("forget copies --yes", 3);
    assert!(text.contains("notes.sealed is not a journal, so nothing was removed"), "{text}");
    fs::remove_file(place.at("copies/notes.sealed")).unwrap();
    let said = place.out("forget copies --yes");
    assert!(said.contains("1 removed") && said.contains("old blocks"), "{said}");
    assert!(said.contains("still on its card"), "{said}");
    assert_eq!(place.copies("copies"), [place.at("copies/diary.txt")]);
    assert!(journal.path().exists());
    let [file] = [journal.path().strip_prefix(place.0.path()).unwrap().display().to_string()];
    place.out(&format!("forget {file} --yes"));
    assert!(!Path::new(journal.path()).exists());
    place.refused("forget copies --yes", 3);
    place.refused(&format!("forget {file} --yes"), 3);
}
