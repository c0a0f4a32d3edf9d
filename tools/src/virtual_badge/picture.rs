//! Pictures: the camera's frames, and the golden pictures of the panel.

use std::fs;
use std::path::Path;
use std::process::Command;

use image::{GrayImage, Luma, RgbImage, imageops};

use super::panel::{HEIGHT, WIDTH};
use crate::Result;
use crate::cargo::{output, root};

/// Size of the virtual camera's frames, px.
pub(crate) const FRAME: (u32, u32) = (1280, 720);

/// Position of a question's code on the panel, and size of a digit, px.
const CODE_LEFT: usize = 19;
const CODE_TOP: usize = 14;
const DIGIT: (usize, usize) = (10, 20);

/// An embedded portrait in the middle of a black frame, in the camera's format: YUYV, limited range.
pub(crate) fn frame(portrait: &str) -> Result<Vec<u8>> {
    let path = root().join("models/run/pictures").join(portrait);
    let picture = image::open(&path).map_err(|e| format!("{}: {e}", path.display()))?.to_rgb8();
    Ok(yuyv(&letterboxed(&picture, FRAME)))
}

fn letterboxed(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let scale = (f64::from(width) / f64::from(picture.width()))
        .min(f64::from(height) / f64::from(picture.height()));
    let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let (inner_width, inner_height) = (side(picture.width()), side(picture.height()));
    let inner =
        imageops::resize(picture, inner_width, inner_height, imageops::FilterType::Triangle);
    let mut frame = RgbImage::new(width, height);
    let (left, top) =
        ((width - inner_width.min(width)) / 2, (height - inner_height.min(height)) / 2);
    imageops::replace(&mut frame, &inner, i64::from(left), i64::from(top));
    frame
}

/// Two pixels in four bytes, in the colours of ITU-R BT.601.
fn yuyv(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 3 * 2);
    let pixels: Vec<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    for &[first, second] in pixels.as_chunks::<2>().0 {
        let mean = std::array::from_fn(|at| (f32::from(first[at]) + f32::from(second[at])) / 2.0);
        let of = |weights: [f32; 3], offset: f32, colour: [f32; 3]| {
            let sum: f32 = weights.iter().zip(colour).map(|(weight, value)| weight * value).sum();
            (offset + sum).round().clamp(0.0, 255.0) as u8
        };
        let luma = |pixel: [u8; 3]| of([0.257, 0.504, 0.098], 16.0, pixel.map(f32::from));
        let (u, v) =
            (of([-0.148, -0.291, 0.439], 128.0, mean), of([0.439, -0.368, -0.071], 128.0, mean));
        bytes.extend([luma(first), u, luma(second), v]);
    }
    bytes
}

/// The panel that the badge, run on this computer with the portrait, writes in this mode.
pub(crate) fn golden_answer(badge: &Path, portrait: &str, mode: &str) -> Result<Vec<bool>> {
    let folder = tempfile::tempdir()?;
    let display = format!("png:{}", folder.path().display());
    let camera = root().join("models/run/pictures").join(portrait);
    let mut command = Command::new(badge);
    command.arg("run").arg("--camera").arg(camera);
    output(command.args(["--display", &display, "--words", mode]))?;
    let file = fs::read_dir(folder.path())?.flatten().next().ok_or("the badge wrote no panel")?;
    let picture = image::open(file.path())?.to_luma8();
    if (picture.width() as usize, picture.height() as usize) != (WIDTH, HEIGHT) {
        return Err(format!("the badge's panel has {:?} px", picture.dimensions()).into());
    }
    Ok(picture.pixels().map(|pixel| pixel.0[0] > 127).collect())
}

/// The panel of a state without a face, from the badge's golden files.
pub(crate) fn golden_state(state: &str) -> Result<Vec<bool>> {
    let path = root().join(format!("device/tests/golden/{state}-{WIDTH}x{HEIGHT}.txt"));
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.chars().filter(|c| !c.is_whitespace()).map(|c| c == '#').collect())
}

/// The code of the question on `panel`, if everything else equals `golden`; `digits` is a panel with the code `0123
/// 4567 8901 2345`.
pub(crate) fn code(panel: &[bool], golden: &[bool], digits: &[bool]) -> Option<String> {
    let rows = |pixels: &[bool]| -> Vec<bool> {
        [&pixels[..CODE_TOP * WIDTH], &pixels[(CODE_TOP + 2 * DIGIT.1) * WIDTH..]].concat()
    };
    if rows(panel) != rows(golden) {
        return None;
    }
    // Eight digits per line, with a gap of one digit after the fourth.
    let glyph = |pixels: &[bool], at: usize| -> Vec<bool> {
        let column = at % 8 + usize::from(at % 8 >= 4);
        let (left, top) = (CODE_LEFT + column * DIGIT.0, CODE_TOP + at / 8 * DIGIT.1);
        let row = |y: usize| pixels[(top + y) * WIDTH + left..][..DIGIT.0].to_vec();
        (0..DIGIT.1).flat_map(row).collect()
    };
    let known: Vec<_> = (0..10).map(|digit| glyph(digits, digit)).collect();
    let mut code = String::new();
    for at in 0..16 {
        let digit = known.iter().position(|known| *known == glyph(panel, at))?;
        if at > 0 && at % 4 == 0 {
            code.push(' ');
        }
        code += &digit.to_string();
    }
    Some(code)
}

/// Writes a panel as a PNG file.
pub(crate) fn write(path: &Path, pixels: &[bool]) -> Result<()> {
    let pixel = |x: u32, y: u32| Luma([u8::from(pixels[y as usize * WIDTH + x as usize]) * 255]);
    let picture = GrayImage::from_fn(WIDTH as u32, HEIGHT as u32, pixel);
    Ok(picture.save(path).map_err(|e| format!("{}: {e}", path.display()))?)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_tall_picture_stands_in_the_middle_between_black_bars() {
        let picture = RgbImage::from_pixel(2, 4, Rgb([255, 255, 255]));
        let frame = letterboxed(&picture, (16, 8));
        let white = |x, y| frame.get_pixel(x, y).0 == [255; 3];
        assert!((0..8).all(|y| (0..16).all(|x| white(x, y) == (6..10).contains(&x))));
    }

    #[test]
    fn colours_are_those_of_a_camera() {
        let [black, white, red] = [[0, 0, 0], [255, 255, 255], [255, 0, 0]];
        let picture = RgbImage::from_raw(4, 1, [black, white, red, red].concat()).unwrap();
        assert_eq!(yuyv(&picture), [16, 128, 235, 128, 82, 90, 82, 240]);
    }

    #[test]
    fn a_code_is_read_from_its_question_only() {
        let [digits, question] =
            ["press-button", "question-newmaker-counts"].map(|it| golden_state(it).unwrap());
        assert_eq!(code(&digits, &digits, &digits).as_deref(), Some("0123 4567 8901 2345"));
        assert_eq!(code(&question, &question, &digits).as_deref(), Some("9876 5432 1098 7654"));
        let other = golden_state("question-newmaker").unwrap();
        assert_eq!(code(&other, &question, &digits), None);
        let mut damaged = question.clone();
        damaged[(CODE_TOP + 5) * WIDTH + CODE_LEFT + 3] ^= true;
        assert_eq!(code(&damaged, &question, &digits), None);
    }

    #[test]
    fn golden_states_have_every_pixel() {
        for state in ["paused", "camera-missing"] {
            assert_eq!(golden_state(state).unwrap().len(), WIDTH * HEIGHT, "{state}");
        }
    }
}
