//! One training frame: a photograph, faces pasted on a picture without a face, or no face.

use emocue_data::random::generator;
use emocue_models::geometry::{Face, Point, Rect};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::material::{Material, middle};
use super::recipe::Scenes;
use super::teacher::TeacherCell;
use super::view::View;
use super::views::Views;
use super::{HEIGHT, WIDTH};

/// Smallest face with a target, px of the longer side; smaller ones are ignored.
const LEAST: f32 = 9.0;
/// Fraction of a face that must be inside the frame for it to have a target.
const INSIDE: f32 = 0.55;
/// The random generator's stream for clean views, which must not depend on the step.
const VIEWS: usize = usize::MAX - 1;

/// A frame before it is disturbed, with its annotations.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Luma, [`WIDTH`] x [`HEIGHT`], row-major.
    pub frame: Vec<u8>,
    /// Faces to detect, px of the frame.
    pub faces: Vec<Face>,
    /// Regions without a target, px of the frame.
    pub ignored: Vec<Rect>,
    /// The teacher's cells, if it was run on this view.
    pub teacher: Option<Vec<TeacherCell>>,
    /// Identifies the frame if it has no face.
    pub empty: Option<EmptyScene>,
}

/// The seed of a frame without a face, from which it can be drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyScene(pub u64);

/// Draws scenes; the same random generator gives the same scene.
#[derive(Clone, Copy)]
pub struct Director<'a> {
    /// The pictures of the scenes.
    pub material: &'a Material,
    /// The teacher's outputs.
    pub views: &'a Views,
    /// Shares and ranges.
    pub scenes: &'a Scenes,
    /// Seed of the training.
    pub seed: u64,
}

impl Director<'_> {
    /// Draws a scene; `hard` are the hard negatives.
    pub fn scene(&self, rng: &mut ChaCha8Rng, hard: &[EmptyScene]) -> Scene {
        let draw: f32 = rng.random();
        if draw < self.scenes.photographs {
            let picture = rng.random_range(0..self.material.photographs.len());
            let view = rng.random_range(0..self.views.each.max(1));
            let angle = self.angle(rng);
            return self.photograph(picture, view, angle);
        }
        if draw < self.scenes.photographs + self.scenes.composites
            && !self.material.crops.is_empty()
        {
            return self.composite(rng);
        }
        let again = !hard.is_empty() && rng.random::<f32>() < self.scenes.hard;
        let which = match again {
            true => hard[rng.random_range(0..hard.len())],
            false => EmptyScene(rng.random()),
        };
        self.nobody(which)
    }

    /// A clean view of a photograph, as the teacher gets it: not rotated.
    pub fn clean(&self, picture: usize, view: usize) -> Scene {
        self.photograph(picture, view, 0.0)
    }

    fn angle(&self, rng: &mut ChaCha8Rng) -> f32 {
        let limit = match rng.random::<f32>() < self.scenes.turned {
            true => self.scenes.turn_degrees,
            false => 8.0,
        };
        (limit * rng.random_range(-1.0..=1.0f32)).to_radians()
    }

    fn photograph(&self, picture: usize, view: usize, angle: f32) -> Scene {
        let each = self.views.each.max(1);
        let rng = &mut generator(self.seed, VIEWS, picture * each + view);
        let photograph = &self.material.photographs[picture];
        let mut frame = self.canvas(rng);
        let source = photograph.pyramid.picture();
        let (from, size) = match photograph.faces.len() {
            0 => (Point::new(source.width() as f32 / 2.0, source.height() as f32 / 2.0), 60.0),
            count => {
                let rect = photograph.faces[rng.random_range(0..count)].rect;
                (rect.center(), rect.width.max(rect.height))
            }
        };
        let wanted = self.size(rng);
        let scale = (wanted / size.max(1.0)).clamp(0.08, 4.0);
        let aspect = (rng.random_range(-1.0..=1.0f32) * self.scenes.aspect).exp();
        let half = 0.35 * wanted;
        let to = Point::new(
            rng.random_range(half..=(WIDTH as f32 - half).max(half + 1.0)),
            rng.random_range(half..=(HEIGHT as f32 - half).max(half + 1.0)),
        );
        let mirrored = rng.random_bool(0.5);
        let at = View::new(from, to, [scale * aspect, scale], mirrored).turned(angle, middle());
        at.draw(&photograph.pyramid, 0.0, &mut frame);
        let mut scene = Scene::of(frame);
        for face in &photograph.faces {
            scene.add(at.face(face));
        }
        for rect in &photograph.ignored {
            let face = Face { rect: *rect, score: 1.0, landmarks: None };
            scene.ignored.push(at.face(&face).rect);
        }
        scene.teacher = self.views.seen.get(picture * each + view).map(|seen| {
            seen.iter().filter_map(|kept| kept.cell().turned(angle, middle())).collect()
        });
        scene
    }

    fn composite(&self, rng: &mut ChaCha8Rng) -> Scene {
        let mut scene = Scene::of(self.canvas(rng));
        let mut taken: Vec<Rect> = Vec::new();
        for _ in 0..rng.random_range(1..=6) {
            let wanted = self.size(rng);
            let to = Point::new(
                rng.random_range(0.0..=WIDTH as f32),
                rng.random_range(0.0..=HEIGHT as f32),
            );
            let room = Rect::new(to.x - wanted, to.y - wanted, 2.0 * wanted, 2.0 * wanted);
            let angle = self.angle(rng);
            let aspect = (rng.random_range(-1.0..=1.0f32) * self.scenes.aspect).exp();
            let mirrored = rng.random_bool(0.5);
            if taken.iter().any(|other| other.intersection(&room) > 0.0) {
                continue;
            }
            taken.push(room);
            // In 30 % of the cases a piece of another picture is pasted, so that seams are not learned as faces.
            if rng.random::<f32>() < 0.3 {
                let piece = &self.material.empty[rng.random_range(0..self.material.empty.len())];
                let (width, height) =
                    (piece.picture().width() as f32, piece.picture().height() as f32);
                let from = Point::new(width / 2.0, height / 2.0);
                let scale = 1.6 * wanted / width.max(height);
                let at = View::new(from, to, [scale * aspect, scale], mirrored).turned(angle, to);
                at.draw(piece, 0.06, &mut scene.frame);
                continue;
            }
            let crop = &self.material.crops[rng.random_range(0..self.material.crops.len())];
            let rect = crop.face.rect;
            let scale = wanted / rect.width.max(rect.height).max(1.0);
            let at =
                View::new(rect.center(), to, [scale * aspect, scale], mirrored).turned(angle, to);
            at.draw(&crop.pyramid, 0.08, &mut scene.frame);
            scene.add(at.face(&crop.face));
        }
        scene
    }

    fn nobody(&self, which: EmptyScene) -> Scene {
        let rng = &mut generator(which.0, VIEWS, 0);
        let mut scene = Scene::of(self.canvas(rng));
        scene.empty = Some(which);
        scene
    }

    /// A picture without a face that fills the frame, or in 10 % of the cases a uniform grey.
    fn canvas(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        if rng.random::<f32>() < 0.1 {
            return vec![rng.random(); WIDTH * HEIGHT];
        }
        let picture = &self.material.empty[rng.random_range(0..self.material.empty.len())];
        let (width, height) = (picture.picture().width() as f32, picture.picture().height() as f32);
        let least = (WIDTH as f32 / width).max(HEIGHT as f32 / height) * 1.01;
        let scale = least * rng.random_range(0.0..=0.9f32).exp();
        let mut place = |side: f32, of: f32| {
            let half = side / scale / 2.0;
            rng.random_range(half..=(of - half).max(half + 1e-3))
        };
        let from = Point::new(place(WIDTH as f32, width), place(HEIGHT as f32, height));
        let mirrored = rng.random_bool(0.5);
        let mut frame = vec![128; WIDTH * HEIGHT];
        View::new(from, middle(), [scale; 2], mirrored).draw(picture, 0.0, &mut frame);
        frame
    }

    /// Draws a face's longer side, px: log-uniform, with additional small ones.
    fn size(&self, rng: &mut ChaCha8Rng) -> f32 {
        let Scenes { least, most, small, .. } = *self.scenes;
        let most = if rng.random::<f32>() < small { 40.0f32.min(most) } else { most };
        (least.ln() + rng.random::<f32>() * (most / least).ln()).exp()
    }
}

impl Scene {
    fn of(frame: Vec<u8>) -> Self {
        Self { frame, faces: vec![], ignored: vec![], teacher: None, empty: None }
    }

    fn add(&mut self, face: Face) {
        let whole = Rect::new(0.0, 0.0, WIDTH as f32, HEIGHT as f32);
        let inside = face.rect.intersection(&whole) / face.rect.area().max(1e-6);
        let large = face.rect.width.max(face.rect.height) >= LEAST;
        if large && inside >= INSIDE && Scene::center_inside(&face) {
            self.faces.push(face);
        } else if inside > 0.0 {
            self.ignored.push(face.rect);
        }
    }

    fn center_inside(face: &Face) -> bool {
        let Point { x, y } = face.rect.center();
        (0.0..WIDTH as f32).contains(&x) && (0.0..HEIGHT as f32).contains(&y)
    }
}
