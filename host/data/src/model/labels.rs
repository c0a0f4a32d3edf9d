//! Label sets as given by users: an identifier, a list of names, or a file with the names.

use std::path::Path;

use emocue_models::files;
use emocue_models::label::{LabelError, LabelSet};
use serde_json::Value;

use super::metadata::known_labels;

/// The ways to give a label set, for a `help:` line.
pub fn labels_help() -> String {
    format!(
        "Name them with --labels: one of {}, or the class names in the network's order, such as angry,happy,neutral.",
        known_labels()
    )
}

/// A label set by its identifier, by a list (`angry,happy,neutral` or `0=angry,1=happy,2=neutral`), or by the path of
/// a JSON or TOML file that holds such names: a list, or a map from index to name or from name to index, by itself or
/// under `labels`, `id2label` or `names`. Else the message.
///
/// # Errors
/// A message that says what is wrong with the text or the file.
pub fn label_set(text: &str) -> Result<LabelSet, String> {
    let list = match Path::new(text).extension().and_then(|extension| extension.to_str()) {
        Some(kind @ ("json" | "toml")) => {
            let content =
                files::read_text(text).map_err(|error| format!("cannot read {text}: {error}"))?;
            list_in(&content, kind).map_err(|error| format!("{text}: {error}"))?
        }
        _ => text.to_owned(),
    };
    LabelSet::parse(&list).map_err(|error| match error {
        LabelError::Unknown(_) => format!(
            "{error}, expected one of {}, or class names in index order, such as angry,happy,neutral",
            known_labels()
        ),
        LabelError::Class { .. } => format!("{error}; expressions are {}", expressions()),
        _ => error.to_string(),
    })
}

fn expressions() -> String {
    emocue_models::label::Expression::ALL.map(|expression| expression.name()).join(", ")
}

/// The names in a file, as a list that [`LabelSet::parse`] reads.
fn list_in(content: &str, kind: &str) -> Result<String, String> {
    const EXPECTED: &str =
        "expected a list of class names, or a map between indices and class names";
    let file: Value = match kind {
        "json" => serde_json::from_str(content).map_err(|error| error.to_string())?,
        _ => toml::from_str(content).map_err(|error| error.to_string().trim_end().to_owned())?,
    };
    let inner = ["labels", "id2label", "names"].into_iter().find_map(|key| file.get(key));
    match inner.unwrap_or(&file) {
        Value::String(text) => Ok(text.clone()),
        Value::Array(names) => {
            let names = names.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
            Ok(names.ok_or(EXPECTED)?.join(","))
        }
        Value::Object(map) if !map.is_empty() => {
            let pair = |(key, value): (&String, &Value)| match value {
                Value::String(name) => Some(format!("{key}={name}")),
                Value::Number(index) => Some(format!("{index}={key}")),
                _ => None,
            };
            let pairs = map.iter().map(pair).collect::<Option<Vec<_>>>();
            Ok(pairs.ok_or(EXPECTED)?.join(","))
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_on_the_command_line_and_in_files_mean_the_same() {
        let expected = label_set("angry,happy,neutral").unwrap();
        assert_eq!(expected.names, ["anger", "happiness", "neutral"]);
        assert_eq!(label_set("2=neutral,0=angry,1=happy"), Ok(expected));
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.json", r#"["angry", "happy", "neutral"]"#),
            ("b.json", r#"{"0": "angry", "1": "happy", "2": "neutral"}"#),
            ("c.json", r#"{"angry": 0, "happy": 1, "neutral": 2}"#),
            (
                "d.json",
                r#"{"model_type": "vit", "id2label": {"0": "angry", "1": "happy", "2": "neutral"}}"#,
            ),
            ("e.toml", "labels = [\"angry\", \"happy\", \"neutral\"]"),
            ("f.toml", "[labels]\n0 = \"angry\"\n2 = \"neutral\"\n1 = \"happy\""),
            ("g.toml", "angry = 0\nhappy = 1\nneutral = 2"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(label_set(&path.to_string_lossy()), Ok(expected), "{name}");
        }
        for (name, text, expected) in [
            ("h.json", "{", "h.json: "),
            ("i.json", "[1, 2]", "i.json: expected a list of class names"),
            ("j.toml", "0 = \"angry\"\n2 = \"sad\"", "not 0 to 1"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = label_set(&path.to_string_lossy()).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
        assert!(label_set("missing.json").unwrap_err().contains("cannot read missing.json"));
        let error = label_set("angry,calm").unwrap_err();
        assert!(error.contains("\"calm\"") && error.contains("happiness"), "{error}");
        assert!(label_set("fer-9").unwrap_err().contains("fer-7, ferplus-8"));
    }
}
