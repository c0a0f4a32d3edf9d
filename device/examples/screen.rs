//! What a framebuffer screen shows, drawn in memory, as a PNG file.
//!
//! `cargo run --release -p emocue-device --example screen -- FILE.png happiness 1024x600 [LANGUAGE]`

use std::error::Error;

use emocue_device::show::art::SCREENS;
use emocue_device::show::framebuffer::ScreenPicture;
use emocue_device::show::{ShowSettings, language, words};
use image::RgbImage;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name the PNG file to write")?;
    let name = arguments.next().ok_or("name what is shown: happiness, no-face, paused")?;
    let known = SCREENS.into_iter().find(|screen| words::id(*screen) == name);
    let screen = known.ok_or("nothing that is shown has this name")?;
    let size = arguments.next().ok_or("name the size, px: 1024x600")?;
    let (width, height) = size.split_once('x').ok_or("a size is written 1024x600")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let mut settings = ShowSettings::default();
    if let Some(code) = arguments.next() {
        settings.language = language::load(&code)?;
    }
    let mut picture = ScreenPicture::default();
    picture.draw(screen, &settings, width, height);
    let picture = RgbImage::from_raw(width, height, picture.rgb().to_vec()).ok_or("no picture")?;
    picture.save(&file)?;
    println!("{file}");
    Ok(())
}
