use emocue_models::failure;
use emocue_models::label::Expression;

use super::*;
use crate::answer::Answer;
use crate::show::{art, fixture};

const HAPPY: Screen = Screen::looks(Expression::Happiness);

/// A framebuffer's node, and the kernel's description of it.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new(size: (u32, u32), bits: &str, stride: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("class/fb0");
        std::fs::create_dir_all(&class).unwrap();
        let (width, height) = size;
        for (name, text) in [
            ("bits_per_pixel", bits.to_owned()),
            ("stride", stride.to_string()),
            ("virtual_size", format!("{width},{}", 2 * height)),
            ("modes", format!("U:{width}x{height}p-60\n")),
        ] {
            std::fs::write(class.join(name), format!("{text}\n")).unwrap();
        }
        let memory = vec![0x55; stride * height as usize];
        std::fs::write(folder.path().join("fb0"), memory).unwrap();
        Self(folder)
    }

    fn open(&self, options: &str, settings: &ShowSettings) -> Result<Framebuffer, ShowError> {
        let node = self.0.path().join("fb0");
        Framebuffer::open(&format!("{}{options}", node.display()), settings, &self.class())
    }

    fn class(&self) -> PathBuf {
        self.0.path().join("class")
    }

    fn memory(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("fb0")).unwrap()
    }
}

fn show(screen: &mut Framebuffer, shown: Screen) {
    screen.show(None, &fixture::report("a", 0, None, shown), Instant::now()).unwrap();
}

/// Pixels of the answer's colour.
fn tinted(memory: &[u8], stride: usize, width: usize) -> Vec<(usize, usize)> {
    let [r, g, b] = art::picture(HAPPY).tint;
    let mut found = Vec::new();
    for (y, row) in memory.chunks_exact(stride).enumerate() {
        let pixels = row[..4 * width].chunks_exact(4).enumerate();
        found.extend(pixels.filter(|(_, p)| p[..3] == [b, g, r]).map(|(x, _)| (x, y)));
    }
    found
}

#[test]
fn the_emoji_is_on_the_left_and_the_word_on_the_right_of_a_wide_screen() {
    // An unusual stride: rows end with padding.
    let machine = Machine::new((320, 200), "32", 4 * 320 + 12);
    let mut screen = machine.open("", &ShowSettings::default()).unwrap();
    show(&mut screen, HAPPY);
    let memory = machine.memory();
    let found = tinted(&memory, 4 * 320 + 12, 320);
    let left = found.iter().filter(|(x, _)| *x < 160).count();
    let right = found.len() - left;
    assert!(left > 8000, "{left} px of skin");
    assert!(right > 300, "{right} px of letters");
    for row in memory.chunks_exact(4 * 320 + 12) {
        assert!(row[4 * 320..].iter().all(|byte| *byte == 0x55), "nothing beside the rows");
    }
    screen.finish().unwrap();
    assert!(tinted(&machine.memory(), 4 * 320 + 12, 320).is_empty(), "dark at the end");
}

#[test]
fn a_turned_screen_shows_the_turned_picture() {
    let picture = |size: (u32, u32), options: &str| {
        let machine = Machine::new(size, "32", 4 * size.0 as usize);
        let mut screen = machine.open(options, &ShowSettings::default()).unwrap();
        show(&mut screen, HAPPY);
        tinted(&machine.memory(), 4 * size.0 as usize, size.0 as usize)
    };
    let mut upright = picture((160, 120), "");
    let mut quarter = picture((120, 160), "?rotate=90");
    let mut half = picture((160, 120), "?rotate=180");
    let mut three = picture((120, 160), "?rotate=270");
    quarter.iter_mut().for_each(|(x, y)| (*x, *y) = (*y, 119 - *x));
    half.iter_mut().for_each(|(x, y)| (*x, *y) = (159 - *x, 119 - *y));
    three.iter_mut().for_each(|(x, y)| (*x, *y) = (159 - *y, *x));
    for other in [&mut quarter, &mut half, &mut three] {
        other.sort_unstable();
        upright.sort_unstable();
        assert_eq!(*other, upright);
    }
}

#[test]
fn sixteen_bits_have_the_colours_and_only_changes_are_written() {
    let machine = Machine::new((64, 48), "16", 128);
    let settings = ShowSettings { mode: Mode::Emoji, ..ShowSettings::default() };
    let mut screen = machine.open("", &settings).unwrap();
    show(&mut screen, HAPPY);
    let [r, g, b] = art::picture(HAPPY).tint.map(u16::from);
    let expected = ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes();
    let memory = machine.memory();
    assert!(memory.chunks_exact(2).filter(|pixel| **pixel == expected).count() > 300);
    // Another program writes to a corner outside the picture: it is not overwritten.
    let node = machine.0.path().join("fb0");
    let mut touched = memory.clone();
    touched[..2].copy_from_slice(&[0x34, 0x12]);
    std::fs::write(&node, &touched).unwrap();
    show(&mut screen, Screen::Answer(Answer::NoFace));
    let after = machine.memory();
    assert_eq!(after[..2], [0x34, 0x12]);
    assert_ne!(after, touched);
    show(&mut screen, Screen::Answer(Answer::NoFace));
    assert_eq!(machine.memory(), after);
}

#[test]
fn every_screen_and_mode_fits_screens_of_any_size() {
    for size in [(1, 1), (7, 300), (300, 7), (240, 320), (800, 480)] {
        for mode in [Mode::Emoji, Mode::Word, Mode::Both] {
            let machine = Machine::new(size, "24", 3 * size.0 as usize);
            let settings = ShowSettings { mode, ..ShowSettings::default() };
            let mut screen = machine.open("", &settings).unwrap();
            for shown in art::SCREENS {
                show(&mut screen, shown);
            }
            assert_eq!(machine.memory().len(), (3 * size.0 * size.1) as usize);
        }
    }
}

#[test]
fn what_cannot_be_used_says_why_and_what_to_do() {
    let settings = ShowSettings::default();
    let refusal = |result: Result<Framebuffer, ShowError>| failure::line(&result.err().unwrap());
    let eight = Machine::new((64, 48), "8", 64);
    let text = refusal(eight.open("", &settings));
    assert!(text.contains("8 bits a pixel") && text.contains("/dev/fb0"), "{text}");
    let short = Machine::new((64, 48), "32", 100);
    assert!(refusal(short.open("", &settings)).contains("rows of 100 bytes"));
    let text = refusal(short.open("?rotate=45", &settings));
    assert!(text.contains("rotate=90"), "{text}");
    let none = ScreenSettings { framebuffer: "/no/such/fb7".into(), ..ScreenSettings::default() };
    let text = refusal(Framebuffer::on(&none, &settings, Path::new("/none")));
    let there = text.contains("ls /dev/fb*") || text.contains("there is /dev/fb");
    assert!(text.contains("/no/such/fb7") && there, "{text}");
    let text = advice(io::ErrorKind::PermissionDenied);
    assert!(text.contains("usermod -aG video"), "{text}");
    let gone = Machine::new((64, 48), "32", 256);
    std::fs::remove_dir_all(gone.0.path().join("class")).unwrap();
    assert!(refusal(gone.open("", &settings)).contains("bits_per_pixel"));
}

#[test]
fn sixteen_bits_with_an_odd_stride_are_turned_too() {
    let (width, height, stride) = (30, 50, 63);
    let machine = Machine::new((width as u32, height as u32), "16", stride);
    let mut screen = machine.open("?rotate=90", &ShowSettings::default()).unwrap();
    show(&mut screen, HAPPY);
    let mut picture = ScreenPicture::default();
    picture.draw(HAPPY, &ShowSettings::default(), height as u32, width as u32);
    let memory = machine.memory();
    for (y, row) in memory.chunks_exact(stride).enumerate() {
        assert_eq!(row[2 * width..], [0x55; 3], "nothing beside the rows");
        for (x, found) in row[..2 * width].chunks_exact(2).enumerate() {
            // A quarter clockwise: the picture's bottom is at the screen's left.
            let at = 3 * ((width - 1 - x) * height + y);
            let [r, g, b] = [0, 1, 2].map(|part| u16::from(picture.rgb()[at + part]));
            let expected = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3;
            assert_eq!(found, expected.to_le_bytes(), "{x} {y}");
        }
    }
}

#[test]
fn a_screen_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new((64, 48), "32", 256);
    let node = machine.0.path().join("fb0");
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o400)).unwrap();
    if File::options().write(true).open(&node).is_ok() {
        // root can write to everything.
        return;
    }
    let text = failure::line(&machine.open("", &ShowSettings::default()).err().unwrap());
    assert!(text.contains("ermission denied") && text.contains("usermod -aG video"), "{text}");
}

#[test]
fn a_screen_that_comes_later_shows_what_is_shown_then() {
    let machine = Machine::new((64, 48), "32", 256);
    let (node, hidden) = (machine.0.path().join("fb0"), machine.0.path().join("hidden"));
    std::fs::rename(&node, &hidden).unwrap();
    let settings = ScreenSettings { framebuffer: node.clone(), ..ScreenSettings::default() };
    let (shown, start) = (ShowSettings::default(), Instant::now());
    let mut screen = PatientScreen::open(&settings, &shown, &machine.class(), start).unwrap();
    screen.show(None, &fixture::report("a", 0, None, HAPPY), start).unwrap();
    screen.set_mode(Mode::Emoji, start).unwrap();
    screen.tick(start + std::time::Duration::from_secs(9)).unwrap();
    std::fs::rename(&hidden, &node).unwrap();
    screen.tick(start + std::time::Duration::from_secs(20)).unwrap();
    let mut picture = ScreenPicture::default();
    let emoji = ShowSettings { mode: Mode::Emoji, ..shown };
    picture.draw(HAPPY, &emoji, 64, 48);
    let memory = machine.memory();
    let colours: Vec<u8> =
        memory.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    assert_eq!(colours, picture.rgb());
    screen.finish().unwrap();
    assert!(machine.memory().chunks_exact(4).all(|pixel| pixel[..3] == [0; 3]));
}

#[test]
fn a_screen_of_the_wrong_kind_is_not_waited_for() {
    let machine = Machine::new((64, 48), "8", 64);
    let settings =
        ScreenSettings { framebuffer: machine.0.path().join("fb0"), ..ScreenSettings::default() };
    let shown = ShowSettings::default();
    let opened = PatientScreen::open(&settings, &shown, &machine.class(), Instant::now());
    assert!(failure::line(&opened.err().unwrap()).contains("8 bits a pixel"));
}

#[test]
fn a_screen_that_is_waited_for_shows_that_a_journal_runs() {
    use super::patient::PatientScreen;
    let machine = Machine::new((320, 200), "32", 4 * 320);
    let settings = emocue_config::ScreenSettings {
        framebuffer: machine.0.path().join("fb0"),
        ..Default::default()
    };
    let now = Instant::now();
    let shown = ShowSettings::default();
    let mut screen = PatientScreen::open(&settings, &shown, &machine.class(), now).unwrap();
    screen.show(None, &fixture::report("a", 0, None, HAPPY), now).unwrap();
    let without = machine.memory();
    screen.set_journal(true, now).unwrap();
    let with = machine.memory();
    assert_ne!(with, without);
    screen.set_journal(false, now).unwrap();
    assert_eq!(machine.memory(), without);
}
