use super::*;
use crate::answer::Answer;
use crate::show::fixture;
use emocue_models::label::{Expression, FERPLUS_8};

/// Rows of a group picture, 29 faces in 1024x740 px, and each expression in turn.
fn group() -> (Luma, FrameReport) {
    let rows = [(9, 150.0, 70.0, 62.0), (11, 300.0, 40.0, 58.0), (9, 460.0, 60.0, 66.0)];
    let mut faces = Vec::new();
    for (count, top, left, side) in rows {
        let step = (1024.0 - 2.0 * left) / count as f32;
        for i in 0..count {
            let expression = Expression::ALL[faces.len() % 8];
            let answer =
                if faces.len() % 9 == 8 { Answer::Unsure } else { Answer::Looks(expression) };
            let x = left + step * i as f32;
            let y = top + 12.0 * (i % 3) as f32;
            faces.push(fixture::face([x, y, side * 0.8, side], answer, 0.87));
        }
    }
    let mut frame = Luma::new(1024, 740);
    for (i, pixel) in frame.pixels_mut().iter_mut().enumerate() {
        *pixel = 60 + (i / 1024 / 8 % 64) as u8;
    }
    let shown = faces[0].answer.into();
    let report = FrameReport {
        source: "group.png".into(),
        index: 0,
        time_ms: None,
        captured: None,
        labels: FERPLUS_8,
        faces,
        shown_face: Some(0),
        searched: true,
        shown,
    };
    (frame, report)
}

fn tagged(frame: &Luma, report: &FrameReport) -> (Vec<Face>, Vec<(Tag, Shape)>, Rect) {
    let mut canvas = Canvas::default();
    paint(frame, report, &mut canvas, &mut Canvas::default());
    let Size { width, height } = canvas.bounds().size;
    let (width, height) = (width as f32, height as f32);
    let zoom = width / frame.width() as f32;
    let (faces, tags) = placed(report, zoom, width, height);
    (faces, tags, Rect::new(0.0, 0.0, width, height))
}

#[test]
fn a_group_picture_stays_legible() {
    let (frame, report) = group();
    let (faces, tags, canvas) = tagged(&frame, &report);
    assert_eq!(tags.len(), 29);
    let parts: Vec<(usize, Rect)> = tags
        .iter()
        .enumerate()
        .flat_map(|(i, (_, shape))| [(i, shape.emoji), (i, shape.plate)])
        .collect();
    for (i, part) in &parts {
        assert_eq!(part.intersection(&canvas), part.area(), "{i} is cut off");
        for (j, other) in parts.iter().filter(|(j, _)| j != i) {
            assert_eq!(part.intersection(other), 0.0, "{i} and {j} overlap");
        }
        for (j, face) in faces.iter().enumerate() {
            let eyes = place::eyes(face);
            assert!(part.intersection(&eyes) < 0.02 * eyes.area(), "{i} covers the eyes of {j}");
        }
    }
    assert!(tags.iter().all(|(tag, _)| tag.side >= 60.0 && tag.font.height() >= 13));
}

#[test]
fn a_lone_face_has_everything_beside_it() {
    let answer = Answer::Looks(Expression::Happiness);
    let report = fixture::report("a", 0, None, answer);
    let (faces, tags, _) = tagged(&Luma::new(160, 120), &report);
    let (tag, shape) = &tags[0];
    assert_eq!(tag.lines, ["happy", "93 %"]);
    assert_eq!(shape.emoji.intersection(&faces[0].rect), 0.0);
    assert_eq!(shape.plate.intersection(&faces[0].rect), 0.0);
}

#[test]
fn boxes_and_emoji_have_the_answers_color() {
    let answer = Answer::Looks(Expression::Happiness);
    let report = fixture::report("a", 0, None, answer);
    let mut canvas = Canvas::default();
    paint(&Luma::new(1280, 720), &report, &mut canvas, &mut Canvas::default());
    let yellow = art::picture(answer).tint;
    let at = |x: usize, y: usize| &canvas.bytes()[3 * (y * 1280 + x)..][..3];
    assert_eq!(at(10, 10), yellow, "the box's corner");
    assert_eq!(at(30, 30), [0, 0, 0], "inside the box");
    let yellows = canvas.bytes().chunks_exact(3).filter(|pixel| *pixel == yellow).count();
    assert!(yellows > 600, "{yellows} px of the box and the face's skin");
}

#[test]
fn absurd_boxes_do_no_harm() {
    let mut report = fixture::report("a", 0, None, Answer::Unsure);
    let face = report.faces[0].clone();
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e9, 0.0, 5.0];
    for x in values {
        for width in values {
            let mut face = face.clone();
            face.face.rect = Rect::new(x, width, width, x);
            report.faces.push(face);
        }
    }
    let mut canvas = Canvas::default();
    for (width, height) in [(1, 1), (3, 200), (64, 48)] {
        paint(&Luma::new(width, height), &report, &mut canvas, &mut Canvas::default());
        assert_eq!(canvas.bytes().len() % (3 * width * height), 0);
    }
}

#[test]
fn every_frame_is_a_file_and_no_picture_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = Overlay::create(folder.path(), FileRules::default()).unwrap();
    for (index, size) in (0..).zip([0, 48, 48]) {
        let report = fixture::report("clip.y4m", index, None, Answer::NoFace);
        sink.show(Some(&Luma::new(size, size)), &report, Instant::now()).unwrap();
    }
    let size = |name: &str| image::image_dimensions(folder.path().join(name)).ok();
    assert_eq!(size("clip-000000.png"), None);
    assert_eq!(size("clip-000001.png"), Some((384, 384)));
    assert_eq!(size("clip-000002.png"), Some((384, 384)));
}
