//! Bill of materials of an artefact: CycloneDX 1.5 in JSON.

use serde_json::{Value, json};

use super::crates::Crate;
use super::source::Sources;
use crate::Result;

/// The bill of materials of an artefact.
pub(crate) fn bill(
    artefact: &str,
    sha256: &str,
    crates: &[Crate],
    sources: &Sources,
) -> Result<String> {
    let subject = format!("artefact:{artefact}");
    let ours = crates.iter().filter(|one| one.is_ours).map(Crate::url);
    let mut dependencies = vec![json!({ "ref": subject, "dependsOn": ours.collect::<Vec<_>>() })];
    dependencies
        .extend(crates.iter().map(|one| json!({ "ref": one.url(), "dependsOn": one.uses })));
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": sources.date("+%Y-%m-%dT%H:%M:%SZ")?,
            "component": {
                "type": "application",
                "bom-ref": subject,
                "name": artefact,
                "version": sources.version,
                "hashes": [{ "alg": "SHA-256", "content": sha256 }],
            },
        },
        "components": crates.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&bill)?))
}

fn component(one: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": one.url(),
        "name": one.name,
        "version": one.version,
        "purl": one.url(),
        "licenses": [{ "expression": one.licence }],
    });
    if let Some(checksum) = &one.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_listed_and_every_reference_leads_somewhere() {
        let used = Crate { name: "used".into(), version: "1.0.0".into(), ..Crate::default() };
        let ours = Crate {
            name: "ours".into(),
            version: "0.1.0".into(),
            is_ours: true,
            uses: vec![used.url()],
            ..Crate::default()
        };
        let sources = Sources { version: "0.1.0", time: 1_000_000_000, commit: None };
        let text = bill("a.deb", "00", &[ours, used], &sources).unwrap();
        let bill: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bill["metadata"]["timestamp"], "2001-09-09T01:46:40Z");
        assert_eq!(bill["dependencies"][0]["dependsOn"][0], "pkg:cargo/ours@0.1.0");
        let known: Vec<_> =
            bill["components"].as_array().unwrap().iter().map(|one| &one["bom-ref"]).collect();
        for dependency in &bill["dependencies"].as_array().unwrap()[1..] {
            assert!(known.contains(&&dependency["ref"]));
            for used in dependency["dependsOn"].as_array().unwrap() {
                assert!(known.contains(&used), "{used}");
            }
        }
    }
}
