//! Every word of every language on one sheet, for visual checks: on both panels, beside the emoji and alone.
//!
//! `cargo run --release -p emocue-device --example words_sheet -- FILE.png [CODE|FILE.toml]...`

use std::error::Error;

use emocue_config::{LANGUAGES, Mode, PanelSize};
use emocue_device::answer::Screen;
use emocue_device::show::art::{SCREENS, TITLED};
use emocue_device::show::panel::Panel;
use emocue_device::show::{ShowSettings, language};
use emocue_link::consent::{Ask, Code};
use image::{GrayImage, Luma, imageops};

/// The gap around each panel, px.
const GAP: u32 = 4;

/// Each screen, and each question before and after a press counts.
fn screens() -> Vec<Screen> {
    let code = Code::new(123_456_789_012_345);
    let questions = Ask::ALL
        .into_iter()
        .flat_map(|ask| [false, true].map(|counts| Screen::Question { ask, code, counts }));
    let is_question = |screen: &Screen| matches!(screen, Screen::Question { .. });
    let screens = SCREENS.into_iter().filter(|screen| !is_question(screen));
    screens.chain(TITLED).chain(questions).collect()
}

/// The screens of one language, one below the other, on each panel in each mode with words.
fn column(settings: &ShowSettings) -> Vec<GrayImage> {
    let looks = [Mode::Both, Mode::Word].map(|mode| PanelSize::ALL.map(|panel| (panel, mode)));
    let draw = |screen, panel, mode| {
        let mut shown = Panel::new(panel);
        shown.show(screen, &ShowSettings { panel, mode, ..*settings });
        GrayImage::from_fn(panel.width(), panel.height(), |x, y| {
            Luma([if shown.is_lit(x as usize, y as usize) { 255 } else { 0 }])
        })
    };
    let rows = screens().into_iter().map(|screen| {
        let pictures = looks.concat().into_iter().map(|(panel, mode)| draw(screen, panel, mode));
        row(&pictures.collect::<Vec<_>>())
    });
    rows.collect()
}

/// Pictures side by side.
fn row(pictures: &[GrayImage]) -> GrayImage {
    let width = pictures.iter().map(|picture| picture.width() + GAP).sum();
    let height = pictures.iter().map(GrayImage::height).max().unwrap_or(0) + GAP;
    let mut row = GrayImage::from_pixel(width, height, Luma([70]));
    let mut x = 0;
    for picture in pictures {
        imageops::replace(&mut row, picture, x.into(), 0);
        x += picture.width() + GAP;
    }
    row
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name the PNG file to write")?;
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = LANGUAGES.iter().map(|table| table.code.to_owned()).collect();
    }
    let mut columns = Vec::new();
    for name in &names {
        match language::load(name) {
            Ok(language) => {
                columns.push(column(&ShowSettings { language, ..ShowSettings::default() }))
            }
            Err(error) => eprintln!("left out: {error}"),
        }
    }
    let rows = columns.first().map_or(0, Vec::len);
    let rows: Vec<GrayImage> = (0..rows)
        .map(|at| row(&columns.iter().map(|column| column[at].clone()).collect::<Vec<_>>()))
        .collect();
    let width = rows.first().map_or(1, GrayImage::width);
    let height = rows.iter().map(GrayImage::height).sum::<u32>().max(1);
    let mut sheet = GrayImage::from_pixel(width, height, Luma([70]));
    let mut y = 0;
    for row in &rows {
        imageops::replace(&mut sheet, row, 0, y.into());
        y += row.height();
    }
    sheet.save(&file)?;
    println!("{file}");
    Ok(())
}
