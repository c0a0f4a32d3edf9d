//! Every picture of the panel on one sheet, for visual checks: sharp on the left, blurred on the right.
//!
//! `cargo run --release -p emocue-device --example emoji_sheet -- FILE.png [emoji|word|both] [128x64|128x32]`

use std::error::Error;

use emocue_config::{Mode, PanelSize};
use emocue_device::show::ShowSettings;
use emocue_device::show::art::SCREENS;
use emocue_device::show::panel::Panel;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

const SCALE: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name the PNG file to write")?;
    let named = |name: String| Mode::ALL.into_iter().find(|mode| mode.name() == name);
    let mode = arguments.next().map_or(Some(Mode::Both), named).ok_or("emoji, word or both")?;
    let named = |name: String| PanelSize::ALL.into_iter().find(|size| size.name() == name);
    let panel = arguments.next().map_or(Some(PanelSize::Tall), named).ok_or("128x64 or 128x32")?;
    let settings = ShowSettings { panel, mode, ..ShowSettings::default() };
    let (width, height) = (panel.width() * SCALE, panel.height() * SCALE);
    let rows = (SCREENS.len() as u32).div_ceil(2);
    let mut sheet = GrayImage::from_pixel(4 * (width + 8), rows * (height + 8), Luma([70]));
    for (i, answer) in (0..).zip(SCREENS) {
        let mut shown = Panel::new(panel);
        shown.show(answer, &settings);
        let picture = GrayImage::from_fn(panel.width(), panel.height(), |x, y| {
            Luma([if shown.is_lit(x as usize, y as usize) { 255 } else { 0 }])
        });
        let sharp = imageops::resize(&picture, width, height, FilterType::Nearest);
        let blurred =
            imageops::resize(&imageops::blur(&picture, 3.0), width, height, FilterType::Triangle);
        let (x, y) = (i % 2 * 2 * (width + 8), i / 2 * (height + 8));
        imageops::replace(&mut sheet, &sharp, (x + 4).into(), (y + 4).into());
        imageops::replace(&mut sheet, &blurred, (x + width + 12).into(), (y + 4).into());
    }
    sheet.save(&file)?;
    println!("{file}");
    Ok(())
}
