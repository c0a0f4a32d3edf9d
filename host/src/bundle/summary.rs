//! A textual summary of a bundle; programs read the manifest as JSON.

use emocue_flash::sign::INTENDED_USE;
use emocue_models::bundle::detector::Outputs;
use emocue_models::bundle::manifest::{ClassifierSpec, DetectorSpec};
use emocue_models::bundle::{Bundle, Manifest};
use emocue_models::decision::{Decision, MEASURES};
use emocue_models::plain::plain_line;

/// Prefix of the metrics of the calibration.
const CALIBRATION: &str = "calibration.";
/// Prefix of the metrics under conditions.
const CONDITIONS: &str = "conditions.";
/// The metrics under conditions that are shown.
const SUMMARY: [&str; 4] = ["clean", "mean", "mean.calibration_error", "worst"];

/// Describes `bundle`, a file of `bytes` bytes, line by line.
pub fn summary(bundle: &Bundle<'_>, bytes: usize) -> String {
    let manifest = bundle.manifest();
    let signed = bundle.signer().map_or("not signed".to_owned(), |key| format!("signed by {key}"));
    let mut rows = vec![
        ("bundle", format!("{} {}", manifest.name, manifest.content_version)),
        ("file", format!("{bytes} bytes, needs runtime {}, {signed}", manifest.min_runtime)),
    ];
    let meant = manifest.provenance.get(INTENDED_USE);
    rows.extend(meant.map(|meant| ("meant for", meant.clone())));
    rows.push(("detector", detector(&manifest.detector)));
    rows.extend(classifier(&manifest.classifier));
    let decided = decision(&manifest.classifier.decision);
    rows.extend(decided.into_iter().map(|text| ("decision", text)));
    rows.extend(calibration(manifest).map(|text| ("calibration", text)));
    // Of the metrics under conditions only the summary is shown: the card has all.
    let is_shown = |name: &str| match name.strip_prefix(CONDITIONS) {
        Some(condition) => SUMMARY.contains(&condition),
        None => !name.starts_with(CALIBRATION),
    };
    let measured = manifest.metrics.iter().filter(|(name, _)| is_shown(name));
    rows.extend(measured.map(|(name, value)| ("measured", format!("{name} {value:.3}"))));
    let from = manifest.provenance.iter().filter(|(key, _)| *key != INTENDED_USE);
    rows.extend(from.map(|(key, value)| ("from", format!("{key}: {value}"))));
    let files = manifest.payloads.iter();
    rows.extend(files.map(|file| ("holds", format!("{}, {} bytes", file.name, file.bytes))));
    let title = manifest.card.lines().find(|line| !line.trim().is_empty());
    rows.push((
        "card",
        title.map_or("none", |line| line.trim_start_matches(['#', ' '])).to_owned(),
    ));
    page(&rows)
}

fn detector(spec: &DetectorSpec) -> String {
    let kind = match spec {
        DetectorSpec::Mtcnn { .. } => "MTCNN",
        DetectorSpec::Yunet { .. } => "YuNet",
        DetectorSpec::Haar { .. } => "Haar cascade",
        DetectorSpec::SingleShot { outputs, onet, .. } => match (outputs, onet) {
            (Outputs::Yunet, None) => "YuNet",
            (Outputs::Yunet, Some(_)) => "YuNet with O-Net",
            (Outputs::Face, None) => "emocue-face",
            (Outputs::Face, Some(_)) => "emocue-face with O-Net",
        },
    };
    format!("{kind}, faces of {} px and more", spec.min_face())
}

fn classifier(spec: &ClassifierSpec) -> Vec<(&'static str, String)> {
    let side = spec.preprocess.size;
    let light =
        if spec.preprocess.normalise.is_fixed() { "" } else { ", each face in its own light" };
    let named = |names: &[&str]| format!("{} of {}", names.len(), names.join(", "));
    let classes =
        spec.label_set().map(|set| match set.id == spec.labels && !set.id.contains(',') {
            true => format!("{} ({})", named(set.names), set.id),
            false => named(set.names),
        });
    vec![
        ("classifier", format!("{side}x{side} px{light}, {}", spec.form)),
        ("classes", classes.unwrap_or_else(|_| spec.labels.clone())),
        (
            "answers",
            format!(
                "temperature {:.3}; unsure below a probability of {:.3}",
                spec.temperature, spec.threshold
            ),
        ),
    ]
}

/// The other steps of the decision; empty without any.
fn decision(decision: &Decision) -> Vec<String> {
    let Decision { prior, second, quality, energy_limit } = decision;
    let mut texts = Vec::new();
    if prior.strength > 0.0 {
        texts.push(format!("frequent classes count less, strength {:.2}", prior.strength));
    }
    if let Some(second) = second.as_ref().filter(|second| second.weight > 0.0) {
        texts.push(format!(
            "output {} ({}) counts {:.2}, temperature {:.3}",
            second.output, second.labels, second.weight, second.temperature
        ));
    }
    let counting = MEASURES.iter().zip(quality.measures()).filter(|(_, it)| it.weight > 0.0);
    let counting: Vec<&str> = counting.map(|(name, _)| *name).collect();
    if !counting.is_empty() {
        texts.push(format!("less sure by {}", counting.join(", ")));
    }
    texts.extend(energy_limit.map(|limit| format!("unsure above a free energy of {limit:.3}")));
    texts
}

/// Coverage and accuracy at the threshold, if they were measured.
fn calibration(manifest: &Manifest) -> Option<String> {
    let figure = |name: &str| manifest.metrics.get(&format!("{CALIBRATION}{name}")).copied();
    let (rows, answered, right) =
        (figure("rows")?, figure("sure.answered")?, figure("sure.right")?);
    Some(format!(
        "on {rows} rows {:.1} % are answered, {:.1} % of those right",
        100.0 * answered,
        100.0 * right
    ))
}

/// Rows with their names, each name printed once; a bundle's text cannot start another row.
fn page(rows: &[(&'static str, String)]) -> String {
    let mut page = String::new();
    let mut last = "";
    for (name, text) in rows {
        let shown = if *name == last { "" } else { name };
        page += format!("{shown:<12} {}\n", plain_line(text)).as_str();
        last = name;
    }
    page
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::DEFAULT;

    use super::*;

    #[test]
    fn the_default_bundle_fits_a_page_and_says_what_matters() {
        let page = summary(&Bundle::read(DEFAULT).unwrap(), DEFAULT.len());
        for expected in [
            "bundle       default 8\n",
            "detector     emocue-face with O-Net, faces of 40 px and more\n",
            "8 of neutral, happiness, surprise, sadness, anger, disgust, fear, contempt (ferplus-8)",
            "unsure below a probability of 0.653",
            "on 3524 rows 78.3 % are answered, 91.8 % of those right",
            "card         Model card: the default bundle\n",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(page.lines().count() < 40 && !page.contains("right.at"), "{page}");
    }

    #[test]
    fn a_decision_is_told_where_there_is_one() {
        assert!(decision(&Decision::default()).is_empty());
        let mut told = Decision { energy_limit: Some(-1.5), ..Decision::default() };
        told.prior.strength = 0.3;
        told.quality.light.weight = 0.2;
        told.quality.noise.weight = 0.1;
        let expected = [
            "frequent classes count less, strength 0.30",
            "less sure by light, noise",
            "unsure above a free energy of -1.500",
        ];
        assert_eq!(decision(&told), expected);
    }

    #[test]
    fn a_page_holds_no_control_characters() {
        let page = page(&[("from", "a\u{1b}[2Jb\nc".to_owned()), ("from", "d".to_owned())]);
        assert_eq!(page, "from         a\\u001b[2Jb\\u000ac\n             d\n");
    }
}
