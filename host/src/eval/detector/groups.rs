//! Composites of faces with annotated groups and backgrounds without faces: the same face always gives the same frame.

use emocue_data::degrade::generator_of;
use emocue_data::faces::MarkedFace;
use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;
use rand::RngExt;

use super::card::{Groups, Row};
use super::frame::{FRAME, fit, scaled};
use super::look::Look;

/// Longer side of a face, px of the frame.
const SIDES: (f32, f32) = (40.0, 160.0);

/// Width of the blended edge, as a fraction of the face's side.
const EDGE: f32 = 0.06;

/// Smallest number of faces of a group; smaller groups are shown, but left out of worst and spread.
const LEAST: usize = 30;

/// Index of the background for the face called `name`.
pub(super) fn background_of(name: &str, backgrounds: usize) -> usize {
    generator_of("background", name).random_range(0..backgrounds.max(1))
}

/// A face that fills its picture, pasted on a background at a size and position that depend on its name only.
pub(super) fn composite(name: &str, face: &Luma, background: &Luma) -> (Luma, MarkedFace) {
    let mut rng = generator_of("composite", name);
    let mut frame = fit(background, &[]).frame;
    let side = (rng.random_range(SIDES.0.ln()..=SIDES.1.ln())).exp();
    let scale = side / face.width().max(face.height()).max(1) as f32;
    let length = |own: usize| ((own as f32 * scale).round() as usize).max(2);
    let (width, height) = (length(face.width()), length(face.height()));
    let face = scaled(face, width, height);
    let left = rng.random_range(0..=FRAME.0.saturating_sub(width));
    let top = rng.random_range(0..=FRAME.1.saturating_sub(height));
    let edge = (EDGE * side).max(1.0);
    for y in 0..height.min(FRAME.1) {
        for x in 0..width.min(FRAME.0) {
            let border = x.min(y).min(width - 1 - x).min(height - 1 - y) as f32;
            let share = ((border + 1.0) / (edge + 1.0)).min(1.0);
            let pixel = &mut frame.pixels_mut()[(top + y) * FRAME.0 + left + x];
            let mixed = f32::from(face.row(y)[x]) * share + f32::from(*pixel) * (1.0 - share);
            *pixel = mixed.round() as u8;
        }
    }
    let rect = Rect::new(left as f32, top as f32, width as f32, height as f32);
    (frame, MarkedFace { rect, ..MarkedFace::default() })
}

/// Recall by group. `faces` has the look at each face with its groups.
pub(super) fn of(
    light: &str,
    faces: &[(&Look, &[String])],
    recall: impl Fn(&[&Look]) -> Row,
) -> Groups {
    let mut names: Vec<&String> = Vec::new();
    for name in faces.iter().flat_map(|(_, groups)| *groups) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    let rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            let own = faces.iter().filter(|(_, groups)| groups.contains(name));
            let looks: Vec<&Look> = own.map(|(look, _)| *look).collect();
            Row { name: name.clone(), ..recall(&looks) }
        })
        .collect();
    let enough = rows.iter().filter_map(|row| {
        let figure = row.at_own.filter(|figure| figure.of >= LEAST)?;
        Some((&row.name, figure.value))
    });
    let by_value = |a: &(&String, f64), b: &(&String, f64)| a.1.total_cmp(&b.1);
    let worst = enough.clone().min_by(by_value);
    let best = enough.max_by(by_value);
    let (worst_name, worst_recall) = (worst.map(|w| w.0.clone()), worst.map(|w| w.1));
    let spread = worst.zip(best).map(|(worst, best)| best.1 - worst.1);
    Groups { light: light.to_owned(), rows, worst: worst_name, worst_recall, spread }
}

#[cfg(test)]
mod tests {
    use super::super::interval::share;
    use super::super::look::{FaceKind, Mark};
    use super::*;

    #[test]
    fn one_name_one_frame_with_the_face_where_it_is_said() {
        let face = Luma::from_raw(50, 50, vec![255; 2500]).unwrap();
        let background = Luma::new(320, 200);
        for name in ["a.jpg", "b.jpg", "c.jpg", "d.jpg"] {
            let (frame, marked) = composite(name, &face, &background);
            assert_eq!(composite(name, &face, &background), (frame.clone(), marked.clone()));
            let Rect { x, y, width, height } = marked.rect;
            assert!((40.0..=161.0).contains(&width) && width == height);
            let middle = frame.row((y + height / 2.0) as usize)[(x + width / 2.0) as usize];
            assert_eq!(middle, 255);
            let white = frame.pixels().iter().filter(|pixel| **pixel == 255).count() as f32;
            assert!(white > 0.6 * width * height && white < width * height);
        }
    }

    #[test]
    fn the_worst_group_and_the_spread_are_of_groups_with_enough_faces() {
        let mark = |score| Mark { kind: FaceKind::Bare, side: 50.0, score, landmark_error: None };
        let look = |found: bool| Look { marks: vec![mark(found.then_some(0.9))], alarms: vec![] };
        let (hit, miss) = (look(true), look(false));
        let [a, b, rare] = ["a", "b", "rare"].map(|name| [name.to_owned()]);
        let mut faces: Vec<(&Look, &[String])> = vec![(&miss, &rare[..])];
        for i in 0..40 {
            faces.push((if i < 30 { &hit } else { &miss }, &a[..]));
            faces.push((if i < 36 { &hit } else { &miss }, &b[..]));
        }
        let groups = of("as it is", &faces, |looks| {
            let hits = looks.iter().filter(|look| look.marks[0].score.is_some()).count();
            Row { name: String::new(), at_own: share(hits, looks.len()), at_alarms: None }
        });
        assert_eq!(groups.rows.len(), 3);
        assert_eq!((groups.worst.as_deref(), groups.worst_recall), (Some("a"), Some(0.75)));
        assert!((groups.spread.unwrap() - 0.15).abs() < 1e-9);
    }
}
