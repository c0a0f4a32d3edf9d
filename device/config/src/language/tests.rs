use emocue_models::failure;

use super::*;

const ENGLISH: &str = LANGUAGES[0].table;

fn parse(text: &str) -> Result<Language, String> {
    Language::parse("mine.toml", text, &|_, _| None).map_err(|error| failure::line(&error))
}

fn refusal(from: &str, to: &str) -> String {
    assert_eq!(ENGLISH.matches(from).count(), 1, "{from}");
    parse(&ENGLISH.replace(from, to)).expect_err(to)
}

#[test]
fn every_table_is_whole_and_says_whether_it_is_machine_made() {
    for LanguageTable { code, table } in LANGUAGES {
        let language = parse(table).unwrap_or_else(|error| panic!("{code}: {error}"));
        assert!(!language.name.is_empty());
        assert_eq!(language.texts().count(), 40, "{code}");
        let reviewed = ["en", "de"].contains(&code);
        let marked = table.contains("# Machine-made translation, to be reviewed by a speaker.\n");
        assert_ne!(reviewed, marked, "{code}");
    }
}

#[test]
fn texts_have_one_line_or_two() {
    let language = parse(ENGLISH).unwrap();
    assert_eq!(language.looks.word(Expression::Fear).lines(), ["afraid"]);
    assert_eq!(language.states.last_minute.lines(), ["last", "minute"]);
    assert_eq!(language.states.last_minute.whole(), "last minute");
    let keys: Vec<_> = language.texts().map(|(key, ..)| key).collect();
    assert_eq!((keys[0], keys[39]), ("looks.above", "reasons.outside-eu"));
}

#[test]
fn a_mistake_is_shown_with_file_and_key() {
    for (from, to, parts) in [
        ("skip = \"skip\"\n", "", ["mine.toml:", "practice: missing field `skip`"]),
        ("[practice]\n", "[practice]\nskp = \"\"\n", ["unknown key \"skp\"", "write skip"]),
        ("name = \"English\"\n", "", ["mine.toml:1:1: missing field `name`", "en.toml"]),
        ("[states]\n", "[states]\nmoon = \"\"\n", ["unknown key \"moon\" in [states]", "no-face"]),
        ("\"unsure\"", "\"\"", ["mine.toml:", "states.unsure: empty"]),
        ("\"unsure\"", "3", ["states.unsure: invalid type", "a list of two for two lines"]),
        ("\"unsure\"", "[]", ["states.unsure: ", "a list of two for two lines"]),
        ("\"unsure\"", "[\"a\", \"b\", \"c\"]", ["states.unsure: ", "a list of two"]),
        ("\"happy\"", "[\"so\", \"happy\"]", ["looks.happiness: two lines", "not a list"]),
        ("\"guess\"", "\"gu\\u0007ess\"", ["practice.guess: a control", "write letters"]),
        ("[practice]", "[practice", ["mine.toml:", "not TOML"]),
    ] {
        let text = refusal(from, to);
        assert!(parts.iter().all(|part| text.contains(part)), "{to:?}: {text}");
    }
    assert!(parse(&ENGLISH.replace("above = \"looks\"", "above = \"\"")).is_ok());
}

#[test]
fn what_does_not_fit_is_shown_with_its_line() {
    let check = |slot, text: &PanelText| {
        let is_long = slot == TextSlot::Title && text.whole().len() > 7;
        is_long.then(|| Unfit::new("too long", "write 7 letters at most"))
    };
    let error = Language::parse("mine.toml", ENGLISH, &check).unwrap_err();
    let text = failure::line(&error);
    let line = ENGLISH.lines().position(|line| line.starts_with("well-done")).unwrap() + 1;
    let place = format!("mine.toml:{line}:13: practice.well-done: too long\n");
    assert!(text.starts_with(&place), "{text}");
    assert!(text.ends_with("write 7 letters at most"), "{text}");
}

#[test]
fn a_code_or_a_file_is_loaded() {
    let load = |name: &str| Language::load(name, &|_, _| None);
    assert_eq!(load("nl").unwrap().looks.above.whole(), "kijkt");
    let unknown = failure::line(&load("xx").unwrap_err());
    for part in ["unknown language \"xx\"", "en, de, fr", "ja", ".toml file"] {
        assert!(unknown.contains(part), "{unknown}");
    }
    let missing = failure::line(&load("/nowhere/mine.toml").unwrap_err());
    assert!(missing.contains("cannot read the language /nowhere/mine.toml"), "{missing}");
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), ENGLISH.replace("\"sad\"", "\"blue\"")).unwrap();
    let name = file.path().to_str().unwrap();
    assert_eq!(load(name).unwrap().looks.sadness.whole(), "blue");
    std::fs::write(file.path(), b"name = \"\xff\"").unwrap();
    let garbled = failure::line(&load(name).unwrap_err());
    assert!(garbled.contains(name) && garbled.contains("UTF-8"), "{garbled}");
}
