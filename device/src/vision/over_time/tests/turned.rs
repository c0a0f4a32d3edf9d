//! A detector with turned searches: the order of the turns, and how soon faces are found.

use emocue_models::geometry::{Landmarks, Point};

use super::*;

const TURNS: &[f32] = &[45.0, -45.0];

/// A face that is turned by `degrees`.
fn turned(x: f32, degrees: f32) -> Face {
    let face = face(x, 80.0);
    let (center, (sin, cos)) = (face.rect.center(), degrees.to_radians().sin_cos());
    let points = [(-18.0, -10.0), (18.0, -10.0), (0.0, 6.0), (-14.0, 24.0), (14.0, 24.0)];
    let place =
        |(x, y): (f32, f32)| Point::new(center.x + cos * x - sin * y, center.y + sin * x + cos * y);
    Face { landmarks: Some(Landmarks::from_points(points.map(place))), ..face }
}

fn badge() -> Bench {
    let badge = Bench::new();
    badge.world().turns = TURNS;
    badge
}

/// Turns of the searches so far; forgets them.
fn looked(badge: &Bench) -> Vec<f32> {
    std::mem::take(&mut badge.world().looked)
}

#[test]
fn with_nobody_there_every_second_search_is_upright_and_none_is_more() {
    let mut badge = badge();
    badge.see(&[], 10_000, 33);
    let looked = looked(&badge);
    assert!((48..=52).contains(&looked.len()), "{}", looked.len());
    assert_eq!(looked[..6], [0.0, 45.0, 0.0, -45.0, 0.0, 45.0]);
}

#[test]
fn an_upright_face_is_found_one_search_later_at_most_and_a_turned_one_in_a_round() {
    for (degrees, searches) in [(0.0, 2), (45.0, 4), (-60.0, 4)] {
        for before in [1000, 1200, 1400, 1600] {
            let mut badge = badge();
            badge.see(&[], before, 40);
            looked(&badge);
            badge.see(&[(turned(100.0, degrees), 1, 0.9)], 200 * searches, 40);
            let found = looked(&badge);
            assert!(found.len() <= searches as usize, "{degrees}, {before}: {found:?}");
            assert_eq!(badge.look().faces.len(), 1, "{degrees}, {before}: {found:?}");
        }
    }
}

#[test]
fn faces_of_all_turns_are_found_and_none_is_lost_to_a_search_that_does_not_see_it() {
    let mut badge = badge();
    let all: Vec<_> = [(100.0, 0.0), (250.0, 50.0), (400.0, -50.0)]
        .into_iter()
        .map(|(x, degrees)| (turned(x, degrees), 1, 0.9))
        .collect();
    badge.see(&all, 2500, 40);
    assert_eq!(badge.look().faces.len(), 3);
    for _ in 0..100 {
        badge.see(&all, 40, 40);
        let report = &badge.vision.report;
        let mut tracks: Vec<_> = report.faces.iter().map(|face| face.track).collect();
        tracks.sort();
        assert_eq!(tracks, [Some(0), Some(1), Some(2)]);
    }
}

#[test]
fn a_face_that_is_missing_is_looked_for_as_it_was_turned() {
    for (degrees, turns) in [(0.0, vec![0.0]), (50.0, vec![0.0, 45.0])] {
        let mut badge = badge();
        badge.see(&[(turned(100.0, degrees), 1, 0.9)], 2000, 40);
        looked(&badge);
        badge.see(&[], 640, 40);
        let mut looked = looked(&badge);
        assert!(looked.len() >= 4, "{degrees}: {looked:?}");
        looked.sort_by(f32::total_cmp);
        looked.dedup();
        assert_eq!(looked, turns, "{degrees}");
    }
}

#[test]
fn another_scene_is_searched_upright_first() {
    let mut badge = badge();
    // One half is bright, and the other one in the next scene.
    badge.frame.pixels_mut().chunks_exact_mut(640).for_each(|row| row[..320].fill(255));
    badge.frame.pixels_mut().chunks_exact_mut(640).for_each(|row| row[320..].fill(0));
    for frames in 1..5 {
        badge.see(&[], 200 * frames, 40);
        badge.frame.pixels_mut().iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        looked(&badge);
        badge.see(&[], 40, 40);
        assert_eq!(looked(&badge), [0.0], "{frames}");
    }
}
