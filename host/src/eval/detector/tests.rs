use emocue_data::degrade::PROTOCOL;
use emocue_data::fixture;
use emocue_models::geometry::Rect;
use image::{GrayImage, Luma as Grey};

use super::*;

/// Finds areas that are brighter than their surroundings, with a score by size. It finds nothing below a brightness.
struct Brightest {
    floor: u8,
}

impl Detector for Brightest {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        let bright = |i: &usize| frame.pixels()[*i] > self.floor;
        let places: Vec<usize> = (0..frame.pixels().len()).filter(bright).collect();
        let (xs, ys) =
            (places.iter().map(|i| i % frame.width()), places.iter().map(|i| i / frame.width()));
        let corners = (xs.clone().min(), ys.clone().min(), xs.max(), ys.max());
        if let (Some(left), Some(top), Some(right), Some(bottom)) = corners {
            let [left, top, right, bottom] =
                [left, top, right + 1, bottom + 1].map(|side| side as f32);
            let rect = Rect::from_corners(left, top, right, bottom);
            let score = (rect.width / 200.0).min(1.0);
            faces.push(Face { rect, score, landmarks: None });
        }
        Ok(())
    }
}

fn judged<'a>(name: &str, floor: u8) -> JudgedDetector<'a> {
    let open: OpenDetector<'a> = Box::new(move || Ok(Box::new(Brightest { floor })));
    JudgedDetector { name: name.into(), threshold: 0.2, open }
}

/// Grey pictures with a white square of `side` px, and one without.
fn pictures(folder: &std::path::Path) -> Vec<FacePicture> {
    [0_u32, 30, 60, 100, 200]
        .into_iter()
        .enumerate()
        .map(|(at, side)| {
            let name = format!("{at}.png");
            let file = folder.join(&name);
            let inside =
                |x: u32, y: u32| (100..100 + side).contains(&x) && (50..50 + side).contains(&y);
            let picture =
                GrayImage::from_fn(640, 480, |x, y| Grey([if inside(x, y) { 250 } else { 90 }]));
            fixture::write(&file, "");
            picture.save(&file).unwrap();
            let rect = Rect::new(100.0, 50.0, side as f32, side as f32);
            let label = if side == 60 { "with_mask" } else { "face" }.to_owned();
            let face = MarkedFace { rect, label, ..MarkedFace::default() };
            let faces = if side == 0 { Vec::new() } else { vec![face] };
            FacePicture { file, name, faces }
        })
        .collect()
}

fn judge(threads: usize) -> Vec<DetectorResult> {
    let root = tempfile::tempdir().unwrap();
    let pictures = pictures(root.path());
    let grouped: Vec<GroupedFace> = pictures[4..]
        .iter()
        .map(|picture| GroupedFace {
            expression: None,
            file: picture.file.clone(),
            name: picture.name.clone(),
            groups: vec!["aged 20-39".into()],
        })
        .collect();
    let (empty, marked) = pictures.split_at(1);
    let task = DetectorTask {
        pictures: marked.iter().collect(),
        empty: empty.iter().collect(),
        groups: grouped.iter().collect(),
        protocol: true,
        reference: None,
        threads,
    };
    assert_eq!((task.steps(), problem(&task)), (6, None));
    task.judge(&[judged("sees", 200), judged("blind", 255)], &|_| ()).unwrap()
}

#[test]
fn each_detector_gets_its_own_figures_whatever_the_threads() {
    let results = judge(1);
    assert_eq!(judge(3), results);
    let [sees, blind] = &results[..] else { panic!("two detectors") };
    let recall = |result: &DetectorResult, name: &str| {
        let mut rows = result.sizes.iter().chain(&result.conditions);
        let row = rows.find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"));
        row.at_own.map(|figure| figure.value)
    };
    // The face of 30 px is below the threshold.
    assert_eq!(recall(sees, "all 24-40"), Some(0.0));
    assert_eq!(recall(sees, "masked 40-80"), Some(1.0));
    assert_eq!(recall(sees, "bare 80-160"), Some(1.0));
    assert_eq!(recall(sees, "as it is"), Some(1.0));
    assert_eq!(recall(sees, "light x0.05"), Some(0.0));
    assert_eq!(recall(blind, "all 40-80"), Some(0.0));
    assert_eq!(sees.average_precision.map(|figure| figure.value), Some(1.0));
    assert_eq!(sees.alarms_per_1000.map(|figure| figure.value), Some(0.0));
    assert_eq!(sees.threshold_at_alarms, Some(ASKED));
    assert_eq!(sees.people.as_ref().unwrap().confusion, [[1, 0, 0], [1, 3, 0], [0, 0, 0]]);
    assert_eq!(sees.groups.len(), 2);
    assert_eq!(sees.conditions.len(), 1 + PROTOCOL.len());
}

#[test]
fn a_missing_picture_is_named() {
    let gone = FacePicture { file: "gone.png".into(), ..FacePicture::default() };
    let task = DetectorTask {
        pictures: vec![&gone],
        empty: Vec::new(),
        groups: Vec::new(),
        protocol: false,
        reference: None,
        threads: 2,
    };
    let error = task.judge(&[judged("sees", 200)], &|_| ()).unwrap_err();
    assert!(error.to_string().contains("gone.png"), "{error}");
}

#[test]
fn all_tables_have_a_column_for_each_detector() {
    let file = card::DetectorFile {
        format: card::FORMAT.into(),
        environment: crate::eval::context::Environment::here(),
        command: "emocue eval".into(),
        half: "judging".into(),
        min_face: Some(24.0),
        reference: None,
        sets: vec![card::SetInfo {
            name: "drawn".into(),
            pictures: 4,
            faces: 4,
            skipped: [("boxes without an area".to_owned(), 2)].into(),
        }],
        empty: vec![card::SetInfo {
            name: "nobody".into(),
            pictures: 1,
            faces: 0,
            skipped: std::collections::BTreeMap::new(),
        }],
        detectors: judge(2),
    };
    let tables = text::tables(&file);
    assert!(tables.len() >= 7, "{}", tables.len());
    assert!(tables.iter().flat_map(|table| &table.rows).all(|(_, cells)| cells.len() == 2));
    let text = text::text(&file);
    for part in [
        "drawn: 4 pictures, 4 marked faces; 2 boxes without an area\n",
        "nobody: 1 pictures, no faces\n",
        "masked 40-80 (1)",
        "roll 45 (2)",
        "several (0)",
        "sees",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let page = crate::report::detectors::page(&file).unwrap();
    for part in ["<svg role=\"img\"", "masked 40-80 (1)", "class=\"s1\"", "emocue eval"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http"));
}

#[test]
fn a_large_picture_with_hundreds_of_faces_is_judged() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("crowd.pgm");
    let picture = GrayImage::from_fn(4000, 3000, |x, y| Grey([(x * 7 + y) as u8]));
    picture.save(&file).unwrap();
    let face = |i: u32| {
        let (column, row) = ((i % 20) as f32, (i / 20) as f32);
        let rect = Rect::new(column * 195.0, row * 195.0, 180.0, 190.0);
        MarkedFace { rect, label: "face".into(), ..MarkedFace::default() }
    };
    let faces = (0..300).map(face).collect();
    let picture = FacePicture { file, name: "crowd.pgm".into(), faces };
    let task = DetectorTask {
        pictures: vec![&picture],
        empty: Vec::new(),
        groups: Vec::new(),
        protocol: true,
        reference: None,
        threads: 1,
    };
    let result = &task.judge(&[judged("blind", 255)], &|_| ()).unwrap()[0];
    let row = result.sizes.iter().find(|row| row.name == "bare 24-40").unwrap();
    assert_eq!(row.at_own.map(|figure| (figure.value, figure.of)), Some((0.0, 300)));
}
