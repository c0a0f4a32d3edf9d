use std::sync::atomic::AtomicBool;

use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_run::Detector;

use super::*;
use crate::fixture;

/// Finds a face in the middle of every bright frame, whose size is proportional to the brightness, and a smaller
/// one inside it.
struct Bright;

impl Detector for Bright {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        let middle = frame.at_clamped(frame.width() as isize / 2, frame.height() as isize / 2);
        if middle > 0 {
            let (side, width) = (f32::from(middle), frame.width() as f32);
            let start = (width - side) / 2.0;
            let points = Preprocess::default().landmarks.points();
            let scale = side / 48.0;
            let points = points.map(|p| Point::new(start + p.x * scale, start + p.y * scale));
            let rect = Rect::new(start, start, side, side);
            let small = Rect::new(start, start, side / 2.0, side / 2.0);
            faces.push(Face { rect: small, score: 1.0, landmarks: None });
            let landmarks = Some(Landmarks::from_points(points));
            faces.push(Face { rect, score: 1.0, landmarks });
        }
        Ok(())
    }
}

fn settings() -> PrepareSettings {
    let detector = "test 1".to_owned();
    PrepareSettings {
        how: How::Align,
        fallback: Fallback::Whole,
        side: 48,
        faces: Faces::Largest,
        min_share: 0.5,
        detector,
    }
}

fn preparers(settings: &PrepareSettings) -> Vec<Preparer> {
    let one = || Preparer::new(Box::new(Bright), &Preprocess::default(), settings.clone());
    vec![one(), one()]
}

fn grey(path: &Path, side: u32, value: u8) {
    fixture::save(path, side, 1);
    image::GrayImage::from_pixel(side, side, image::Luma([value])).save(path).unwrap();
}

/// Raw pictures: a face, a small one, none, one that cannot be read, and two with one name.
fn raw() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |file: &str| root.path().join("raw").join(file);
    grey(&at("happy/face.png"), 90, 200);
    grey(&at("happy/small.bmp"), 90, 60);
    grey(&at("sad/none.png"), 90, 0);
    fixture::write(&at("sad/broken.jpg"), b"no picture");
    fixture::write(&at("sad/notes.txt"), b"no picture");
    grey(&at("sad/twice.png"), 20, 200);
    grey(&at("sad/twice.bmp"), 20, 200);
    root
}

fn prepare(
    root: &Path,
    settings: &PrepareSettings,
    stop: &AtomicBool,
) -> Result<Vec<PreparedRecord>, String> {
    let (input, out) = (root.join("raw"), root.join("out"));
    let jobs = jobs(&input, &out).unwrap();
    assert_eq!(jobs.ignored, [(".txt".to_owned(), 1)].into());
    let mut records = Vec::new();
    run(&input, &out, &jobs.pictures, preparers(settings), stop, |r| records.extend_from_slice(r))
        .map_err(fixture::reported)?;
    records.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(records)
}

#[test]
fn every_picture_gets_its_outcome_and_its_line() {
    let root = raw();
    let records = prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
    let outcomes: Vec<_> =
        records.iter().map(|r| (r.file.as_str(), r.output.as_str(), r.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("happy/face.png", "happy/face.png", PrepareOutcome::Aligned),
            ("happy/small.bmp", "happy/small.png", PrepareOutcome::SmallFace),
            ("sad/broken.jpg", "", PrepareOutcome::Unreadable),
            ("sad/none.png", "sad/none.png", PrepareOutcome::NoFace),
            ("sad/twice.bmp", "sad/twice.bmp.png", PrepareOutcome::Aligned),
            ("sad/twice.png", "sad/twice.png.png", PrepareOutcome::Aligned),
        ]
    );
    // A box of 60 of the 240 px that the picture has for the search.
    assert_eq!(records[1].share, Some(0.25));
    let data = crate::folder::read(&root.path().join("out"), None, None, 48).unwrap();
    assert_eq!((data.len(), data.picture(0)), (5, [200; 2304].as_slice()));
    let log = std::fs::read_to_string(root.path().join("out").join(LOG)).unwrap();
    assert!(log.starts_with("file,output,outcome,share,note\n"), "{log}");
    assert!(log.contains("sad/broken.jpg,,unreadable,,\"not a JPEG, PNG"), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_is_counted() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::tempdir().unwrap();
    for name in [&b"a.png"[..], b"caf\xe9.png", b"notes.txt"] {
        std::fs::write(root.path().join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    let Jobs { pictures, ignored } = jobs(root.path(), out.path()).unwrap();
    assert_eq!(pictures.len(), 1);
    assert_eq!(picture::kinds(&ignored), ".txt 1, names that are not UTF-8 1");
}

#[test]
fn what_is_done_is_skipped_and_what_failed_is_tried_again() {
    let root = raw();
    let out = root.path().join("out");
    prepare(root.path(), &settings(), &AtomicBool::new(true)).unwrap();
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 2, "only the log and the settings");
    prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
    let first = std::fs::metadata(out.join("happy/face.png")).unwrap().modified().unwrap();
    std::fs::remove_file(out.join("sad/none.png")).unwrap();
    grey(&root.path().join("raw/sad/broken.jpg"), 90, 0);
    // Truncates the log's last line.
    let log = std::fs::read_to_string(out.join(LOG)).unwrap();
    std::fs::write(out.join(LOG), format!("{log}sad/tw")).unwrap();

    let records = prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
    assert_eq!(records.len(), 6);
    assert!(records.iter().all(|record| record.outcome != PrepareOutcome::Unreadable));
    assert!(out.join("sad/none.png").exists() && out.join("sad/broken.png").exists());
    let second = std::fs::metadata(out.join("happy/face.png")).unwrap().modified().unwrap();
    assert_eq!(first, second);
    let lines = std::fs::read_to_string(out.join(LOG)).unwrap().lines().count();
    assert_eq!(lines, 7);

    let other = PrepareSettings { side: 64, ..settings() };
    let error = prepare(root.path(), &other, &AtomicBool::new(false)).unwrap_err();
    assert!(error.contains("other settings") && error.contains("side = 48"), "{error}");
}

#[test]
fn other_ways_and_the_other_fallback() {
    for (how, fallback, outcomes) in [
        (How::Crop, Fallback::Skip, [PrepareOutcome::Cropped, PrepareOutcome::SmallFace]),
        (How::Whole, Fallback::Skip, [PrepareOutcome::Whole, PrepareOutcome::Whole]),
    ] {
        let root = raw();
        let settings = PrepareSettings { how, fallback, ..settings() };
        let records = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
        assert_eq!([records[0].outcome, records[1].outcome], outcomes);
        let small = root.path().join("out/happy/small.png");
        assert_eq!(small.exists(), how == How::Whole);
    }
}

#[test]
fn every_face_of_a_picture_has_its_result_and_its_line() {
    let root = raw();
    let settings = PrepareSettings { faces: Faces::All, min_share: 0.2, ..settings() };
    let records = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
    let outcomes: Vec<_> = records[..3].iter().map(|r| (r.output.as_str(), r.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("happy/face.png", PrepareOutcome::Aligned),
            ("happy/face.face2.png", PrepareOutcome::Cropped),
            ("happy/small.png", PrepareOutcome::Aligned),
        ]
    );
    // A picture is finished when all its results exist.
    let second = root.path().join("out/happy/face.face2.png");
    std::fs::remove_file(&second).unwrap();
    let again = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
    assert_eq!((again, second.exists()), (records, true));
}

#[test]
fn folders_of_earlier_versions_are_continued() {
    let old = "how = \"align\"\nfallback = \"whole\"\nside = 48\nmin_share = 0.5\ndetector = \"test 1\"\n";
    assert_eq!(toml::from_str::<PrepareSettings>(old).unwrap(), settings());
}

#[test]
fn results_do_not_go_into_the_input() {
    let root = raw();
    let input = root.path().join("raw");
    let out = input.join("out");
    std::fs::create_dir(&out).unwrap();
    let error = fixture::reported(jobs(&input, &out).unwrap_err());
    assert!(error.contains("lies in the input folder"), "{error}");
    let error = fixture::reported(jobs(&out, &root.path().join("out")).unwrap_err());
    assert!(error.contains("there is no picture"), "{error}");
}
