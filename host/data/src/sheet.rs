//! A contact sheet: some pictures of every class, one row for each class.

use std::convert::Infallible;
use std::io::Cursor;

use embedded_graphics::Drawable as _;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, ascii};
use embedded_graphics::pixelcolor::{Gray8, GrayColor as _};
use embedded_graphics::text::{Baseline, Text};
use image::{GrayImage, ImageFormat, Luma};
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::Split;
use super::dataset::Dataset;
use super::resize;

/// Margin of the sheet, px.
const MARGIN: u32 = 16;
/// Gap between pictures, px.
const GAP: u32 = 4;
/// Smallest side of a picture on the sheet, px; smaller ones are enlarged by an integer factor.
const SHOWN: u32 = 64;
/// Largest number of pictures in a row.
pub const MOST_PER_CLASS: u32 = 200;

const PAPER: u8 = 246;
const INK: u8 = 28;
const FAINT: u8 = 120;
const TITLE: &MonoFont<'static> = &ascii::FONT_9X18_BOLD;
const SMALL: &MonoFont<'static> = &ascii::FONT_6X10;

/// The content of a sheet.
#[derive(Clone, Debug)]
pub struct SheetOptions {
    /// The only split that is shown, if set.
    pub split: Option<Split>,
    /// Indices of the classes that are shown; all when empty.
    pub classes: Vec<usize>,
    /// Largest number of pictures of each class.
    pub per_class: u32,
    /// Seed of the random choice.
    pub seed: u64,
}

/// Draws the sheet; the same options show the same pictures.
pub fn draw(data: &Dataset, options: &SheetOptions) -> GrayImage {
    let names = data.labels().names;
    let classes: Vec<usize> = match &options.classes[..] {
        [] => (0..names.len()).collect(),
        some => some.to_vec(),
    };
    let own = data.side() as u32;
    let side = own * SHOWN.div_ceil(own).max(1);
    let rows: Vec<(usize, Vec<usize>, Vec<usize>)> = classes
        .into_iter()
        .map(|class| {
            let wanted = |row: &usize| {
                data.label(*row) == class && options.split.is_none_or(|s| data.split(*row) == s)
            };
            let all: Vec<usize> = (0..data.len()).filter(wanted).collect();
            // One generator for each class, so that a selection of classes shows the same pictures of them.
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed ^ ((class as u64) << 32));
            let mut chosen: Vec<usize> =
                all.sample(&mut rng, options.per_class as usize).copied().collect();
            chosen.sort_unstable();
            (class, all, chosen)
        })
        .collect();
    let columns = rows.iter().map(|(_, _, chosen)| chosen.len()).max().unwrap_or(0) as u32;
    let longest = names.iter().map(|name| name.len()).max().unwrap_or(0) as u32;
    let titles = longest * TITLE.character_size.width + MARGIN;
    let head = TITLE.character_size.height + MARGIN;
    let title = format!(
        "{}, {}, seed {}",
        data.layout(),
        options.split.map_or("all splits", Split::name),
        options.seed
    );
    let title_width = title.len() as u32 * TITLE.character_size.width;
    let width = (titles + columns * (side + GAP)).max(title_width) + 2 * MARGIN - GAP;
    let height = 2 * MARGIN + head + rows.len() as u32 * (side + GAP) - GAP;
    let mut sheet = Sheet(GrayImage::from_pixel(width, height, Luma([PAPER])));
    sheet.write(&title, MARGIN, MARGIN, TITLE, INK);
    for (index, (class, all, chosen)) in rows.iter().enumerate() {
        let y = MARGIN + head + index as u32 * (side + GAP);
        let middle = y + side / 2;
        sheet.write(names[*class], MARGIN, middle - TITLE.character_size.height, TITLE, INK);
        sheet.write(
            &format!("{} of {}", chosen.len(), all.len()),
            MARGIN,
            middle + 4,
            SMALL,
            FAINT,
        );
        for (column, row) in chosen.iter().enumerate() {
            let x = MARGIN + titles + column as u32 * (side + GAP);
            sheet.place(data.picture(*row), own, side, x, y);
        }
    }
    sheet.0
}

/// The sheet as the bytes of a PNG file.
///
/// # Errors
/// The encoder's error.
pub fn png(sheet: &GrayImage) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    sheet.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// The sheet as a target for drawing text.
struct Sheet(GrayImage);

impl Sheet {
    fn write(&mut self, text: &str, x: u32, y: u32, font: &MonoFont<'_>, ink: u8) {
        let style = MonoTextStyle::new(font, Gray8::new(ink));
        let at = Point::new(x as i32, y as i32);
        // Drawing on it cannot fail.
        let Ok(_) = Text::with_baseline(text, at, style, Baseline::Top).draw(self);
    }

    fn place(&mut self, pixels: &[u8], own: u32, side: u32, x: u32, y: u32) {
        let shown = resize::scaled(pixels, own as usize, side as usize);
        for (index, pixel) in shown.into_iter().enumerate() {
            let index = index as u32;
            self.0.put_pixel(x + index % side, y + index / side, Luma([pixel]));
        }
    }
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Sheet {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = embedded_graphics::Pixel<Gray8>>,
    {
        for embedded_graphics::Pixel(at, ink) in pixels {
            let [x, y] = [at.x, at.y].map(|v| u32::try_from(v).unwrap_or(u32::MAX));
            if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
                *pixel = Luma([ink.luma()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;

    use super::*;
    use crate::dataset::Row;
    use crate::fixture;

    fn data() -> Dataset {
        let mut data = Dataset::new("test", FER_7, 32);
        for seed in 0..60 {
            let split = if seed % 3 == 0 { Split::PublicTest } else { Split::Training };
            let row = Row { split, label: seed as usize % 2, subject: None, origin: String::new() };
            data.push(row, fixture::face(32, seed).as_raw());
        }
        data
    }

    fn options() -> SheetOptions {
        SheetOptions { split: None, classes: Vec::new(), per_class: 5, seed: 1 }
    }

    #[test]
    fn a_row_a_class_and_the_same_for_the_same_seed() {
        let data = data();
        let sheet = draw(&data, &options());
        assert_eq!(sheet.height(), 2 * MARGIN + 18 + MARGIN + 7 * 68 - GAP);
        assert_eq!(sheet, draw(&data, &options()));
        assert_ne!(sheet, draw(&data, &SheetOptions { seed: 2, ..options() }));
        let one = draw(&data, &SheetOptions { classes: vec![1], ..options() });
        assert_eq!(one.height(), 2 * MARGIN + 18 + MARGIN + 64);
        // Naming one class shows the same pictures of it.
        let y = MARGIN + 18 + MARGIN;
        let row = |sheet: &GrayImage, y| {
            image::imageops::crop_imm(sheet, 120, y, sheet.width() - 120, 64).to_image()
        };
        assert_eq!(row(&one, y), row(&sheet, y + 68));
    }

    #[test]
    fn an_empty_choice_is_a_sheet_all_the_same() {
        let options = SheetOptions { split: Some(Split::PrivateTest), per_class: 1, ..options() };
        let sheet = draw(&data(), &options);
        assert!(png(&sheet).unwrap().starts_with(b"\x89PNG"));
    }
}
