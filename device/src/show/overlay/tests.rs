use emocue_models::colors::Colors;
use emocue_models::geometry::{Face, Rect};
use emocue_models::label::{Expression, FERPLUS_8};
use emocue_models::luma::Luma;

use super::place::{Shape, Tag};
use super::*;
use crate::answer::Answer;
use crate::camera::{Camera, FrameInfo, Y4m};
use crate::show::{art, fixture};

fn painted(frame: &Luma, report: &FrameReport, style: Style) -> Canvas {
    let mut painter = Painter { style, ..Painter::default() };
    painter.paint(canvas::picture(frame.into()), report);
    painter.canvas
}

/// Rows as in a group picture, 29 faces in 1024x740 px, with each expression in turn.
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

fn tagged(
    frame: &Luma,
    report: &FrameReport,
    with_bars: bool,
) -> (Vec<Face>, Vec<(Tag, Shape)>, Rect) {
    let canvas = painted(frame, report, Style::Box);
    let Size { width, height } = canvas.bounds().size;
    let (width, height) = (width as f32, height as f32);
    let zoom = width / frame.width() as f32;
    let (faces, tags) = boxes::placed(report, language::english(), with_bars, zoom, width, height);
    (faces, tags, Rect::new(0.0, 0.0, width, height))
}

#[test]
fn a_group_picture_stays_legible() {
    let (frame, report) = group();
    for with_bars in [false, true] {
        let (faces, tags, canvas) = tagged(&frame, &report, with_bars);
        assert_eq!(tags.len(), 29);
        is_legible(&faces, &tags, canvas);
    }
}

fn is_legible(faces: &[Face], tags: &[(Tag, Shape)], canvas: Rect) {
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
    let (faces, tags, _) = tagged(&Luma::new(160, 120), &report, false);
    let (tag, shape) = &tags[0];
    assert_eq!(tag.lines, ["looks", "happy", "93 %"]);
    assert_eq!(shape.emoji.intersection(&faces[0].rect), 0.0);
    assert_eq!(shape.plate.intersection(&faces[0].rect), 0.0);
}

#[test]
fn boxes_and_emoji_have_the_answers_color() {
    let answer = Answer::Looks(Expression::Happiness);
    let report = fixture::report("a", 0, None, answer);
    let canvas = painted(&Luma::new(1280, 720), &report, Style::Box);
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
    for (width, height) in [(1, 1), (3, 200), (64, 48)] {
        let frame = Luma::new(width, height);
        for style in [Style::Box, Style::Bars] {
            let canvas = painted(&frame, &report, style);
            assert_eq!(canvas.bytes().len() % (3 * width * height), 0);
        }
        for shown in [None, Some(0), Some(report.faces.len() - 1)] {
            let report = FrameReport { shown_face: shown, ..report.clone() };
            let canvas = painted(&frame, &report, Style::Panel);
            assert_eq!(canvas.bounds().size, Size::new(1280, 960));
        }
    }
}

#[test]
fn every_frame_is_a_file_and_no_picture_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = Overlay::create(folder.path(), Style::Box, FileRules::default()).unwrap();
    for (index, size) in (0..).zip([0, 48, 48]) {
        let report = fixture::report("clip.y4m", index, None, Answer::NoFace);
        sink.show(Some((&Luma::new(size, size)).into()), &report, Instant::now()).unwrap();
    }
    let size = |name: &str| image::image_dimensions(folder.path().join(name)).ok();
    assert_eq!(size("clip-000000.png"), None);
    assert_eq!(size("clip-000001.png"), Some((384, 384)));
    assert_eq!(size("clip-000002.png"), Some((384, 384)));
}

#[test]
fn bars_stand_where_there_is_room_in_the_order_of_the_classes() {
    let report = fixture::report("a", 0, None, Answer::Looks(Expression::Happiness));
    let frame = Luma::new(160, 120);
    let (faces, tags, _) = tagged(&frame, &report, true);
    let (tag, shape) = &tags[0];
    let font = tag.bars.expect("a lone face has room");
    assert_eq!(shape.plate.intersection(&faces[0].rect), 0.0);
    let (_, bars) = tag.split(shape.plate);
    let classes = bars::Classes { labels: report.labels, language: language::english() };
    let (width, height) = bars::size(&classes, font);
    assert!(bars.width >= width && bars.height >= height, "{bars:?}");
    // The row of the second class, which has 93 %, has more pixels of its colour than any other row has of its own.
    let canvas = painted(&frame, &report, Style::Bars);
    let across = canvas.bounds().size.width as usize;
    let count = |class: usize| {
        let top = bars.y as usize
            + crate::show::paint::padding(font) as usize
            + class * font.height() as usize;
        let color = art::picture(Answer::Looks(Expression::ALL[class])).tint;
        let rows = top..top + font.height() as usize;
        let pixels = rows.flat_map(|y| {
            let from = 3 * (y * across + bars.x as usize);
            canvas.bytes()[from..from + 3 * bars.width as usize].chunks_exact(3)
        });
        pixels.filter(|pixel| *pixel == color).count()
    };
    let counts: Vec<usize> = (0..8).map(count).collect();
    assert_eq!(counts.iter().enumerate().max_by_key(|(_, count)| **count).unwrap().0, 1);
    assert!(counts[1] > 4 * counts[0], "{counts:?}");
}

#[test]
fn unsure_is_told_with_its_percentage() {
    let report = fixture::report("a", 0, None, Answer::Unsure);
    let (_, tags, _) = tagged(&Luma::new(160, 120), &report, false);
    assert_eq!(tags[0].0.lines, ["unsure", "30 %"]);
}

#[test]
fn the_panel_has_frame_face_bars_and_emoji() {
    let happy = Answer::Looks(Expression::Happiness);
    let report = fixture::report("a", 0, None, happy);
    let mut frame = Luma::new(160, 120);
    frame.pixels_mut().fill(90);
    let canvas = painted(&frame, &report, Style::Panel);
    let at = |x: usize, y: usize| &canvas.bytes()[3 * (y * 1280 + x)..][..3];
    assert_eq!(at(600, 400), [90; 3], "the frame");
    assert_eq!(at(960, 240), [90; 3], "the face");
    let yellow = art::picture(happy).tint;
    let right_below = (480..960).flat_map(|y| (640..1280).map(move |x| (x, y)));
    let yellows = right_below.filter(|(x, y)| at(*x, *y) == yellow).count();
    assert!(yellows > 20_000, "{yellows} px of the emoji's skin");
    let empty = painted(&frame, &fixture::report("a", 0, None, Answer::NoFace), Style::Panel);
    assert_eq!(&empty.bytes()[3 * (240 * 1280 + 960)..][..3], [24, 22, 26], "no face");
}

#[test]
fn a_frame_is_shown_in_its_colours() {
    let report = fixture::report("a", 0, Some(0), Answer::NoFace);
    let (luma, colors) =
        (Luma::new(640, 480), Colors::of_rgb(640, 480, std::iter::repeat([200, 40, 30])));
    let frame = ShownFrame { colors: Some(&colors), ..ShownFrame::from(&luma) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.y4m");
    for style in [Style::Box, Style::Bars, Style::Panel] {
        let rules = FileRules { overwrite: true, ..FileRules::default() };
        let mut sink = Overlay::create(&path, style, rules).unwrap();
        sink.show(Some(frame), &report, Instant::now()).unwrap();
        sink.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut video = Y4m::new("a", bytes.as_slice()).unwrap().with_colors(true);
        let (mut luma, mut info) = (Luma::default(), FrameInfo::default());
        assert!(video.next(&mut luma, &mut info).unwrap().is_frame());
        let reds = video.colors().unwrap().pixels();
        let reds =
            reds.filter(|[r, g, b]| r.abs_diff(200).max(g.abs_diff(40)).max(b.abs_diff(30)) < 6);
        assert!(reds.count() > 200_000, "{style:?}");
    }
}
