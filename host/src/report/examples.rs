//! Pictures with wrong or uncertain answers. They show people's faces, so they are only included on request.

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

use super::ReportError;
use crate::eval::protocol::AppliedProtocol;
use emocue_data::dataset::Dataset;
use emocue_data::predict::Predictions;
use emocue_models::decide::most_probable;

/// Pictures of one evaluation.
#[derive(Clone, Debug)]
pub struct ReportExamples {
    /// The evaluation, split and protocol.
    pub title: String,
    /// Wrong answers, those of highest probability first.
    pub worst: Vec<Example>,
    /// Answers with the lowest top probability, right or wrong.
    pub uncertain: Vec<Example>,
}

/// One picture with its answer.
#[derive(Clone, Debug)]
pub struct Example {
    /// The picture as a `data:` URL of a PNG.
    pub picture: String,
    /// Side of the picture, px.
    pub side: usize,
    /// The right class.
    pub truth: &'static str,
    /// The answer.
    pub answer: &'static str,
    /// The answer's probability, `0..=1`.
    pub probability: f32,
}

/// The `count` worst and the `count` most uncertain of `answers`.
///
/// # Errors
/// [`ReportError::Picture`] when a picture cannot be encoded.
pub fn choose(
    title: String,
    data: &Dataset,
    applied: &AppliedProtocol<'_>,
    answers: &Predictions,
    count: usize,
) -> Result<ReportExamples, ReportError> {
    let mut judged: Vec<(usize, usize, usize, f32)> = Vec::new();
    for (row, probabilities) in answers.iter() {
        let answer = most_probable(&applied.answer(probabilities));
        if let (Some(truth), Some((answer, probability))) = (applied.truth(row), answer) {
            judged.push((row, truth, answer, probability));
        }
    }
    judged.sort_by(|a, b| b.3.total_cmp(&a.3).then(a.0.cmp(&b.0)));
    let example = |&(row, truth, answer, probability): &(usize, usize, usize, f32)| {
        Ok(Example {
            picture: data_address(data.picture(row), data.side())?,
            side: data.side(),
            truth: applied.labels.names[truth],
            answer: applied.labels.names[answer],
            probability,
        })
    };
    let wrong = judged.iter().filter(|(_, truth, answer, _)| truth != answer);
    Ok(ReportExamples {
        title,
        worst: wrong.take(count).map(example).collect::<Result<_, ReportError>>()?,
        uncertain: judged.iter().rev().take(count).map(example).collect::<Result<_, _>>()?,
    })
}

/// A square grey picture as a `data:` URL of a PNG.
pub(super) fn data_address(luma: &[u8], side: usize) -> Result<String, ReportError> {
    let mut png = Cursor::new(Vec::new());
    let size = side as u32;
    PngEncoder::new(&mut png).write_image(luma, size, size, ExtendedColorType::L8)?;
    Ok(format!("data:image/png;base64,{}", base64(png.get_ref())))
}

/// Base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |index: usize| three.get(index).map_or(0, |byte| u32::from(*byte));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= three.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_standard() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xFB, 0xFF]), "+/8=");
    }
}
