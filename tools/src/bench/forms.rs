//! The badge's times with the float and the int8 classifier, measured alternately.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::{BenchReport, JSON, measure};
use crate::Result;
use crate::cargo::{Profile, output, root, target_folder};

/// The float graph of the default bundle's classifier, as trained, with the second of its two heads.
const FLOATS: &str = "docs/training-records/badge-second-fer-7.onnx";

/// Calibration faces for the int8 graph; the choice does not affect its speed.
const PORTRAITS: [&str; 2] =
    ["models/run/pictures/astronaut.jpg", "models/run/pictures/grace_hopper.jpg"];

/// Number of copies of each portrait, since `emocue quantize` requires a minimum number of rows.
const COPIES: usize = 4;

/// Runs of every form; the minimum counts.
const TURNS: usize = 4;

/// Frames of a run.
const FRAMES: &str = "30";

/// How many times as fast as floats int8 has to classify: with AVX2 it is twice, with VNNI six times.
const LEAST_GAIN: f64 = 1.5;

/// An older instruction set, measured in addition to the best one that the processor has.
const SLOWER_ISA: Option<&str> = if cfg!(target_arch = "x86_64") {
    Some("avx2")
} else if cfg!(target_arch = "aarch64") {
    Some("neon")
} else {
    None
};

/// Measurements of the badge with one form, ms of CPU time.
#[derive(Debug, Serialize)]
pub(super) struct FormTimes {
    form: String,
    classify_ms: f64,
    total_ms: f64,
    start_to_first_answer_ms: f64,
    peak_rss_mb: f64,
}

impl FormTimes {
    fn new(form: &str) -> Self {
        let most = f64::INFINITY;
        let form = form.to_owned();
        Self {
            form,
            classify_ms: most,
            total_ms: most,
            start_to_first_answer_ms: most,
            peak_rss_mb: most,
        }
    }

    fn lower(&mut self, report: &BenchReport) -> Result<()> {
        let lower = |least: &mut f64, found: f64| *least = least.min(found);
        lower(&mut self.classify_ms, report.time("classify")?.min_ms);
        lower(&mut self.total_ms, report.total.min_ms);
        lower(&mut self.start_to_first_answer_ms, report.start_to_first_answer_ms);
        lower(&mut self.peak_rss_mb, report.peak_rss_bytes / 1e6);
        Ok(())
    }
}

/// Measures the badge with bundles that differ in the classifier's form; the first one is float.
pub(super) fn run(badge: &Path) -> Result<Vec<FormTimes>> {
    let folder = tempfile::tempdir()?;
    let [floats, int8] = bundles(folder.path())?;
    let mut forms = vec![("floats".to_owned(), &floats, None), ("int8".to_owned(), &int8, None)];
    forms.extend(SLOWER_ISA.map(|isa| (format!("int8, {isa}"), &int8, Some(isa))));
    let mut times: Vec<_> = forms.iter().map(|(form, ..)| FormTimes::new(form)).collect();
    for _ in 0..TURNS {
        for ((_, bundle, isa), times) in forms.iter().zip(&mut times) {
            let mut command = Command::new(badge);
            command.args(JSON).args(["--frames", FRAMES, "--bundle"]).arg(bundle);
            command.env_remove("EMOCUE_ISA").envs(isa.map(|isa| ("EMOCUE_ISA", isa)));
            times.lower(&measure(&mut command)?)?;
        }
    }
    let [floats, int8, ..] = &times[..] else { return Err("no two forms".into()) };
    let gain = floats.classify_ms / int8.classify_ms;
    if gain < LEAST_GAIN {
        return Err(format!(
            "int8 classifies {gain:.2} times as fast as floats, expected {LEAST_GAIN}"
        )
        .into());
    }
    Ok(times)
}

/// Makes the default bundle with a float and with an int8 classifier.
fn bundles(folder: &Path) -> Result<[PathBuf; 2]> {
    let program = target_folder().join(Profile::Release.name()).join("emocue");
    let emocue = |arguments: &[&str], files: &[&Path]| {
        output(Command::new(&program).args(arguments).args(files).current_dir(folder))
            .map_err(|e| format!("{e}\n  `cargo build --release --workspace --bins` builds emocue"))
    };
    emocue(&["bundle", "unpack", "default", "-o", "nets"], &[])?;
    let pictures = folder.join("pictures/neutral");
    std::fs::create_dir_all(&pictures)?;
    for (number, portrait) in PORTRAITS.iter().cycle().take(COPIES * PORTRAITS.len()).enumerate() {
        let copy = pictures.join(format!("{number}.jpg"));
        std::fs::copy(root().join(portrait), copy).map_err(|e| format!("{portrait}: {e}"))?;
    }
    emocue(&["data", "prepare", "--input", "pictures", "--out", "crops"], &[])?;
    let floats = root().join(FLOATS);
    let quantize = ["quantize", "--form", "int8", "--data", "crops", "-o", "int8.onnx"];
    emocue(&quantize, &[&floats])?;
    let pack = |name: &str, classifier: &Path| {
        let file = folder.join(name).with_extension("emocue");
        let parts =
            ["bundle", "pack", "--untested", "--detector", "default", "--card", "nets/card.md"];
        let about = ["--content-version", "1", "--name", name, "--classifier"];
        emocue(&[&parts[..], &about[..]].concat(), &[classifier, "-o".as_ref(), &file])?;
        Ok::<_, String>(file)
    };
    Ok([pack("floats", &floats)?, pack("int8", "int8.onnx".as_ref())?])
}

/// A row for each form, with its speed-up over the first one.
pub(super) fn table(times: &[FormTimes]) -> String {
    let mut table = format!(
        "{:12} {:>14} {:>9} {:>10} {:>8} {:>12}\n",
        "classifier", "classify, CPU", "ratio", "frame, CPU", "start", "peak memory"
    );
    let floats = times.first().map_or(f64::NAN, |first| first.classify_ms);
    for times in times {
        let FormTimes { form, classify_ms, total_ms, start_to_first_answer_ms, peak_rss_mb } =
            times;
        let ratio = floats / classify_ms;
        let _ = writeln!(
            table,
            "{form:12} {classify_ms:11.3} ms {ratio:9.2} {total_ms:7.3} ms \
             {start_to_first_answer_ms:5.0} ms {peak_rss_mb:9.1} MB"
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_least_time_and_the_ratio_to_floats() {
        let report = |classify: f64| -> BenchReport {
            let time = |ms: f64| serde_json::json!({ "min_ms": ms, "median_ms": ms });
            let report = serde_json::json!({
                "stages": { "classify": time(classify) }, "total": time(9.0), "stream": time(1.0),
                "start_to_first_answer_ms": 50.0, "peak_rss_bytes": 30e6, "fewest_faces": 1
            });
            serde_json::from_value(report).unwrap()
        };
        let (mut floats, mut int8) = (FormTimes::new("floats"), FormTimes::new("int8"));
        for ms in [2.5, 2.0, 4.0] {
            floats.lower(&report(ms)).unwrap();
            int8.lower(&report(ms / 4.0)).unwrap();
        }
        let table = table(&[floats, int8]);
        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1][..4], ["floats", "2.000", "ms", "1.00"]);
        assert_eq!(rows[2][..4], ["int8", "0.500", "ms", "4.00"]);
    }
}
