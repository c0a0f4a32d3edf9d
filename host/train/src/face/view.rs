//! The affine map from a picture to a frame, and one resampling by it.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;

use super::{HEIGHT, WIDTH};

/// An image pyramid, so that reduction averages all pixels that it covers.
#[derive(Clone, Debug)]
pub struct Pyramid {
    levels: Vec<Luma>,
}

/// Levels below the picture itself.
const HALVES: usize = 3;
/// Smallest side of a level, px.
const SMALLEST: usize = 16;

impl Pyramid {
    /// The pyramid of `picture`.
    pub fn new(picture: Luma) -> Self {
        let mut levels = vec![picture];
        for at in 0..HALVES {
            if levels[at].width().min(levels[at].height()) < 2 * SMALLEST {
                break;
            }
            levels.push(half(&levels[at]));
        }
        Self { levels }
    }

    /// The picture itself.
    pub fn picture(&self) -> &Luma {
        &self.levels[0]
    }

    /// The index of the smallest level with at least the resolution of a frame at `scale`, frame px per picture px, and
    /// that level.
    fn level(&self, scale: f32) -> (usize, &Luma) {
        let halves = (1.0 / scale.max(1e-6)).log2().floor().max(0.0) as usize;
        let at = halves.min(self.levels.len() - 1);
        (at, &self.levels[at])
    }
}

/// The picture at half its size: means of 2x2 px.
pub fn half(picture: &Luma) -> Luma {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        let (upper, lower) = (picture.row(2 * y), picture.row(2 * y + 1));
        pixels.extend((0..width).map(|x| {
            let sum = [upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]];
            ((sum.map(u32::from).iter().sum::<u32>() + 2) / 4) as u8
        }));
    }
    Luma::from_raw(width, height, pixels).unwrap_or_else(|_| Luma::new(width, height))
}

/// An affine map from px of a picture to px of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Rows of the linear part.
    matrix: [[f32; 2]; 2],
    /// A point of the picture, px.
    from: Point,
    /// The position of `from` in the frame, px.
    to: Point,
    /// Scale of a face's width and height.
    scale: [f32; 2],
    mirrored: bool,
}

impl View {
    /// Maps the point `from` of the picture to `to` in the frame (both px), scales width and height by `scale`, and
    /// mirrors left and right if `mirrored`.
    pub fn new(from: Point, to: Point, scale: [f32; 2], mirrored: bool) -> Self {
        let across = if mirrored { -scale[0] } else { scale[0] };
        Self { matrix: [[across, 0.0], [0.0, scale[1]]], from, to, scale, mirrored }
    }

    /// The same, then rotated about `pivot` (px of the frame) by `angle` (radians, clockwise, as y points down).
    #[must_use]
    pub fn turned(self, angle: f32, pivot: Point) -> Self {
        let (sin, cos) = angle.sin_cos();
        let [[a, b], [c, d]] = self.matrix;
        let matrix =
            [[cos * a - sin * c, cos * b - sin * d], [sin * a + cos * c, sin * b + cos * d]];
        Self { matrix, to: turn(self.to, angle, pivot), ..self }
    }

    /// Maps a point of the picture to the frame.
    pub fn point(&self, point: Point) -> Point {
        let (x, y) = (point.x - self.from.x, point.y - self.from.y);
        let [[a, b], [c, d]] = self.matrix;
        Point::new(self.to.x + a * x + b * y, self.to.y + c * x + d * y)
    }

    /// Maps a face of the picture to the frame. Its box stays upright and, when rotated, keeps its size.
    pub fn face(&self, face: &Face) -> Face {
        let center = self.point(face.rect.center());
        let (width, height) = (face.rect.width * self.scale[0], face.rect.height * self.scale[1]);
        let landmarks = face.landmarks.map(|landmarks| {
            let [a, b, nose, c, d] = landmarks.points().map(|point| self.point(point));
            Landmarks::from_points(match self.mirrored {
                true => [b, a, nose, d, c],
                false => [a, b, nose, c, d],
            })
        });
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        Face { rect, landmarks, ..*face }
    }

    /// Draws the picture into `frame`; pixels outside the picture do not change. `feather` is the width of the blended
    /// border, as a fraction of the picture's width, `0..0.5`.
    pub fn draw(&self, picture: &Pyramid, feather: f32, frame: &mut [u8]) {
        let [[a, b], [c, d]] = self.matrix;
        let determinant = a * d - b * c;
        if determinant.abs() < 1e-12 {
            return;
        }
        let inverse = [[d / determinant, -b / determinant], [-c / determinant, a / determinant]];
        let (halves, source) = picture.level(self.scale[0].min(self.scale[1]));
        let shrink = 1.0 / (1 << halves) as f32;
        let [width, height] = [source.width() as f32, source.height() as f32];
        let border = feather * width;
        let (step_x, step_y) = (inverse[0][0] * shrink, inverse[1][0] * shrink);
        let (left, right, top, bottom) = self.bounds(picture.picture());
        for y in top..bottom {
            let (dx, dy) = (left as f32 + 0.5 - self.to.x, y as f32 + 0.5 - self.to.y);
            let mut px = (self.from.x + inverse[0][0] * dx + inverse[0][1] * dy) * shrink;
            let mut py = (self.from.y + inverse[1][0] * dx + inverse[1][1] * dy) * shrink;
            for pixel in &mut frame[y * WIDTH..][left..right] {
                if px >= 0.0 && py >= 0.0 && px < width && py < height {
                    let value = bilinear(source, px - 0.5, py - 0.5);
                    let edge = px.min(py).min(width - px).min(height - py);
                    *pixel = (match edge < border {
                        true => mix(f32::from(*pixel), value, edge / border),
                        false => value,
                    } + 0.5) as u8;
                }
                (px, py) = (px + step_x, py + step_y);
            }
        }
    }

    /// The bounding box of the picture in the frame: left, right, top, bottom, px.
    fn bounds(&self, picture: &Luma) -> (usize, usize, usize, usize) {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let corners = [[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]];
        let corners = corners.map(|[x, y]| self.point(Point::new(x, y)));
        let least = |of: fn(&Point) -> f32| corners.iter().map(of).fold(f32::INFINITY, f32::min);
        let most = |of: fn(&Point) -> f32| corners.iter().map(of).fold(0.0, f32::max);
        // A cast from float saturates at 0.
        let (left, top) = (least(|p| p.x) as usize, least(|p| p.y) as usize);
        let (right, bottom) = (most(|p| p.x) as usize + 1, most(|p| p.y) as usize + 1);
        (left.min(WIDTH), right.min(WIDTH), top.min(HEIGHT), bottom.min(HEIGHT))
    }
}

/// `point` rotated about `pivot` by `angle` (radians, clockwise, as y points down).
pub fn turn(point: Point, angle: f32, pivot: Point) -> Point {
    let (sin, cos) = angle.sin_cos();
    let (x, y) = (point.x - pivot.x, point.y - pivot.y);
    Point::new(pivot.x + cos * x - sin * y, pivot.y + sin * x + cos * y)
}

/// Bilinear interpolation between pixel centres; border pixels are repeated outside.
fn bilinear(picture: &Luma, x: f32, y: f32) -> f32 {
    let (last_column, last_row) = (picture.width() - 1, picture.height() - 1);
    let (x, y) = (x.clamp(0.0, last_column as f32), y.clamp(0.0, last_row as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, below) = ((left + 1).min(last_column), (top + 1).min(last_row));
    let (upper, lower) = (picture.row(top), picture.row(below));
    let share = x - left as f32;
    let along = |row: &[u8]| mix(f32::from(row[left]), f32::from(row[right]), share);
    mix(along(upper), along(lower), y - top as f32)
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Pyramid {
        let pixels = (0..64 * 64).map(|i| (4 * (i % 64)) as u8).collect();
        Pyramid::new(Luma::from_raw(64, 64, pixels).unwrap())
    }

    #[test]
    fn points_and_pixels_come_to_lie_at_the_same_place() {
        for (angle, mirrored, scale) in [(0.0, false, 2.0), (0.7, false, 1.0), (-0.4, true, 0.5)] {
            let view =
                View::new(Point::new(20.0, 30.0), Point::new(150.0, 100.0), [scale; 2], mirrored)
                    .turned(angle, Point::new(160.0, 120.0));
            let mut frame = vec![255; WIDTH * HEIGHT];
            view.draw(&ramp(), 0.0, &mut frame);
            for source in [Point::new(12.0, 20.0), Point::new(40.0, 50.0)] {
                let place = view.point(source);
                let value = frame[place.y as usize * WIDTH + place.x as usize];
                let expected = 4.0 * (source.x - 0.5);
                assert!((f32::from(value) - expected).abs() < 8.0, "{value} {expected} {angle}");
            }
        }
    }

    #[test]
    fn a_mirrored_face_has_its_own_left() {
        let points = [10.0, 30.0, 20.0, 12.0, 28.0].map(|x| Point::new(x, 10.0));
        let face = Face {
            rect: Rect::new(0.0, 0.0, 40.0, 40.0),
            score: 1.0,
            landmarks: Some(Landmarks::from_points(points)),
        };
        let view = View::new(Point::new(20.0, 20.0), Point::new(100.0, 100.0), [1.0; 2], true);
        let seen = view.face(&face);
        let landmarks = seen.landmarks.unwrap();
        assert!(landmarks.left_eye.x < landmarks.right_eye.x);
        assert_eq!(seen.rect, Rect::new(80.0, 80.0, 40.0, 40.0));
    }
}
