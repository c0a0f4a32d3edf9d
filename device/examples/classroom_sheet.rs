//! Draws what a classroom's screen shows, in several sizes, for visual checks:
//! `cargo run --release --example classroom_sheet DIR`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use emocue_device::answer::{Answer, FrameReport, Screen};
use emocue_device::show::framebuffer::Framebuffer;
use emocue_device::show::{Display, ShowSettings};
use emocue_models::label::{Expression, FERPLUS_8};
use image::RgbImage;

/// Screens: name, size in px, and rotation.
const SCREENS: [(&str, [u32; 2], &str); 3] =
    [("wide", [800, 480], ""), ("tall", [480, 800], ""), ("small", [240, 320], "?rotate=90")];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder for the pictures")?;
    let folder = Path::new(&folder);
    let machine = folder.join("machine");
    for (name, [width, height], options) in SCREENS {
        let class = machine.join("fb0");
        std::fs::create_dir_all(&class)?;
        std::fs::write(class.join("bits_per_pixel"), "32")?;
        std::fs::write(class.join("stride"), (4 * width).to_string())?;
        std::fs::write(class.join("virtual_size"), format!("{width},{height}"))?;
        for shown in [
            Screen::looks(Expression::Happiness),
            Screen::looks(Expression::Surprise),
            Screen::Answer(Answer::Unsure),
            Screen::Answer(Answer::NoFace),
        ] {
            let node = folder.join("fb0");
            std::fs::write(&node, vec![0; (4 * width * height) as usize])?;
            let argument = format!("{}{options}", node.display());
            let mut screen = Framebuffer::open(&argument, &ShowSettings::default(), &machine)?;
            screen.show(None, &report(shown), Instant::now())?;
            let memory = std::fs::read(&node)?;
            let picture = RgbImage::from_fn(width, height, |x, y| {
                let at = 4 * (y * width + x) as usize;
                image::Rgb([memory[at + 2], memory[at + 1], memory[at]])
            });
            let path = folder.join(format!("{name}-{}.png", emocue_device::show::words::id(shown)));
            picture.save(&path)?;
            println!("{}", path.display());
        }
    }
    Ok(())
}

fn report(shown: Screen) -> FrameReport {
    FrameReport {
        source: "sheet".into(),
        index: 0,
        time_ms: None,
        captured: None,
        labels: FERPLUS_8,
        faces: Vec::new(),
        shown_face: None,
        searched: false,
        shown,
    }
}
