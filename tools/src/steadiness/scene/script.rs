//! The scenes of the generated benchmark.

use emocue_link::random::Random;

use super::super::log::Point;
use super::super::truth::{Expected, Span};
use super::disturb::{Disturbance, Disturber};
use super::pictures::{Gallery, NOISE, Portrait};
use super::{Actor, Scene};

/// Midpoint of the eyes of a face in the middle of the frame, px.
const MIDDLE: Point = Point { x: 320.0, y: 220.0 };

/// Interocular distance of a near face, px.
const NEAR: f64 = 80.0;

/// End time of a face that stays until the end of the scene, s.
const ALWAYS: f64 = f64::INFINITY;

/// No disturbance.
const CLEAN: Disturbance =
    Disturbance { noise: 0.0, sway: 0.0, jump: 0.0, drift: 0.0, jpeg: None, lost: 0.0 };

/// A hand-held camera in normal light.
const HAND: Disturbance = Disturbance { noise: NOISE, sway: 2.0, ..CLEAN };

/// The conditions of scenes with changing faces.
const CONDITIONS: [(&str, Disturbance); 6] = [
    ("clean", CLEAN),
    ("noise", Disturbance { noise: NOISE, ..CLEAN }),
    ("shake", Disturbance { sway: 4.0, jump: 12.0, ..CLEAN }),
    ("exposure", Disturbance { drift: 0.4, ..CLEAN }),
    ("compression", Disturbance { noise: 3.0, jpeg: Some(30), ..CLEAN }),
    ("lost frames", Disturbance { noise: 3.0, lost: 0.2, ..CLEAN }),
];

/// Kind of a scene; each has its own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::steadiness) enum Kind {
    /// One face whose expression changes at known times.
    Changes,
    /// Steady segments of a clip, joined.
    Joined,
    /// One still picture.
    Still,
    /// Two people at the same distance.
    Two,
    /// Faces that come and go, many faces at once, cuts, a frozen camera.
    Passing,
}

/// All scenes with a length of `seconds` and the faces of `gallery`.
pub(in crate::steadiness) fn scenes(
    gallery: &Gallery,
    seconds: f64,
    seed: u64,
) -> Vec<(Kind, Scene<'_>)> {
    let mut scenes: Vec<(Kind, Scene<'_>)> = CONDITIONS
        .iter()
        .map(|(name, amount)| (Kind::Changes, changes(gallery, name, *amount, seconds, seed)))
        .collect();
    scenes.push((Kind::Still, still("still, clear face", gallery.clear(), seconds, seed)));
    scenes.push((Kind::Still, still("still, ambiguous face", &gallery.ambiguous, seconds, seed)));
    scenes.push((Kind::Two, two(gallery, seconds, seed)));
    scenes.push((Kind::Passing, passing(gallery, seconds, seed)));
    scenes
}

/// A face in the middle.
fn middle(portrait: &Portrait, from: f64, to: f64) -> Actor<'_> {
    let (start, speed) = (MIDDLE, Point::default());
    Actor { portrait, from, to, start, speed, eyes: NEAR, flicker: 0.0 }
}

fn expected(from: f64, expected: Expected) -> Span {
    Span { from_ms: from * 1e3, expected }
}

fn answer(from: f64, portrait: &Portrait) -> Span {
    expected(from, Expected::Answer(portrait.answer.clone()))
}

fn scene<'a>(
    name: &str,
    seconds: f64,
    actors: Vec<Actor<'a>>,
    truth: Vec<Span>,
    disturber: Disturber,
) -> Scene<'a> {
    let (cuts, frozen) = (Vec::new(), Vec::new());
    Scene { name: name.to_owned(), seconds, actors, cuts, frozen, truth, disturber }
}

/// One face; its picture is replaced by one with another expression every 1.5 to 4 s.
fn changes<'a>(
    gallery: &'a Gallery,
    name: &str,
    amount: Disturbance,
    seconds: f64,
    seed: u64,
) -> Scene<'a> {
    // The same faces at the same times under every condition.
    let mut random = Random::of(seed, "changes");
    let (mut actors, mut truth): (Vec<Actor<'_>>, Vec<Span>) = (Vec::new(), Vec::new());
    // Times in multiples of 1/40 s, so that a change is exactly at a frame or clearly between two.
    let (mut from, mut count) = (0.0, 0_u32);
    while from < seconds {
        let last = actors.last().map(|actor| actor.portrait.answer.as_str());
        let others: Vec<&Portrait> =
            gallery.known.iter().filter(|one| Some(one.answer.as_str()) != last).collect();
        let portrait = others[random.below(others.len())];
        count += 60 + (random.part() * 100.0) as u32;
        let to = f64::from(count) / 40.0;
        actors.push(middle(portrait, from, to));
        truth.push(answer(from, portrait));
        from = to;
    }
    let disturber = Disturber::new(amount, seed);
    scene(&format!("changes, {name}"), seconds, actors, truth, disturber)
}

fn still<'a>(name: &str, portrait: &'a Portrait, seconds: f64, seed: u64) -> Scene<'a> {
    // An ambiguous face has no right answer, so only changes are counted.
    let truth = vec![expected(0.0, Expected::Open)];
    let actors = vec![middle(portrait, 0.0, ALWAYS)];
    scene(name, seconds, actors, truth, Disturber::new(HAND, seed))
}

/// Two people side by side whose sizes flicker, so that the nearer one alternates.
fn two<'a>(gallery: &'a Gallery, seconds: f64, seed: u64) -> Scene<'a> {
    let [left, right] = [0, 1].map(|index| &gallery.known[index % gallery.known.len()]);
    let beside = |portrait: &'a Portrait, x| Actor {
        start: Point { x, ..MIDDLE },
        // Equal box sizes make both equally near; the ratio of interocular distance to box size differs between faces.
        eyes: 170.0 / portrait.reach,
        flicker: 0.03,
        ..middle(portrait, 0.0, ALWAYS)
    };
    let actors = vec![beside(left, 180.0), beside(right, 460.0)];
    let truth = vec![expected(0.0, Expected::Open)];
    scene("two, equally near", seconds, actors, truth, Disturber::new(HAND, seed))
}

/// Length of one round of [`passing`], s.
const ROUND: f64 = 28.0;

/// One person walks across the frame, three stand in the middle one after another with a cut between the first two,
/// fifty are far away, the camera freezes; repeated for as many whole rounds as fit, at least once.
fn passing(gallery: &Gallery, seconds: f64, seed: u64) -> Scene<'_> {
    let rounds = (seconds / ROUND).floor().max(1.0);
    let face = |index: usize| &gallery.known[index % gallery.known.len()];
    let (walker, first, second) = (face(0), face(1), face(2));
    let (mut actors, mut truth) = (Vec::new(), Vec::new());
    let (mut cuts, mut frozen) = (Vec::new(), Vec::new());
    for round in 0..rounds as usize {
        let at = |time: f64| round as f64 * ROUND + time;
        actors.push(Actor {
            start: Point { x: -110.0, ..MIDDLE },
            speed: Point { x: 110.0, y: 0.0 },
            ..middle(walker, at(1.0), at(8.5))
        });
        actors.push(middle(first, at(10.0), at(13.0)));
        actors.push(middle(second, at(13.0), at(16.0)));
        actors.extend((0..50).map(|number: usize| {
            let (x, y) = ((number % 10) as f64, (number / 10) as f64);
            let start = Point { x: 35.0 + 63.0 * x, y: 50.0 + 92.0 * y };
            Actor { start, eyes: 18.0, ..middle(face(number), at(18.0), at(22.0)) }
        }));
        actors.push(middle(walker, at(22.0), at(27.0)));
        cuts.extend([at(13.0), at(22.0)]);
        frozen.push((at(24.0), at(27.0)));
        truth.extend([
            expected(at(0.0), Expected::NoFace),
            expected(at(1.0), Expected::Open),
            answer(at(3.0), walker),
            expected(at(6.5), Expected::Open),
            expected(at(8.5), Expected::NoFace),
            expected(at(10.0), Expected::Open),
            answer(at(11.0), first),
            answer(at(13.0), second),
            expected(at(16.0), Expected::NoFace),
            expected(at(18.0), Expected::Open),
            answer(at(22.0), walker),
            expected(at(27.0), Expected::NoFace),
        ]);
    }
    let disturber = Disturber::new(Disturbance { noise: 3.0, ..CLEAN }, seed);
    Scene { cuts, frozen, ..scene("passing", rounds * ROUND, actors, truth, disturber) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gallery() -> Gallery {
        let known = ["fear", "anger", "neutral"].map(|answer| {
            let mut portrait = Portrait::fixture();
            portrait.answer = answer.to_owned();
            portrait
        });
        Gallery { source: "here", ambiguous: known[0].clone(), known: known.to_vec() }
    }

    #[test]
    fn every_change_is_one_of_expression_and_known() {
        let gallery = gallery();
        let scenes = scenes(&gallery, 60.0, 3);
        assert_eq!(scenes.len(), CONDITIONS.len() + 4);
        for (kind, scene) in &scenes {
            assert!(scene.truth.windows(2).all(|pair| pair[0].from_ms < pair[1].from_ms));
            assert_eq!(scene.truth[0].from_ms, 0.0, "{}", scene.name);
            if *kind == Kind::Changes {
                assert!((15..=40).contains(&scene.truth.len()), "{}", scene.truth.len());
                assert!(scene.truth.windows(2).all(|pair| pair[0].expected != pair[1].expected));
                assert_eq!(scene.truth, scenes[0].1.truth, "{}", scene.name);
                let lasts = |pair: &[Span]| pair[1].from_ms - pair[0].from_ms;
                assert!(
                    scene.truth.windows(2).all(|pair| (1_499.0..4_001.0).contains(&lasts(pair)))
                );
            }
        }
    }

    #[test]
    fn a_round_of_passing_faces_is_whole() {
        let gallery = gallery();
        let seconds = |seconds| passing(&gallery, seconds, 1).seconds;
        assert_eq!([1.0, 28.0, 60.0].map(seconds), [28.0, 28.0, 56.0]);
        let scene = passing(&gallery, 1.0, 1);
        let there = |time: f64| {
            scene.actors.iter().filter(|actor| (actor.from..actor.to).contains(&time)).count()
        };
        assert_eq!(
            [0.5, 4.0, 9.0, 13.0, 17.0, 20.0, 25.0, 27.5].map(there),
            [0, 1, 0, 1, 0, 50, 1, 0]
        );
    }
}
