//! The panel's pictures: golden images, that they can be distinguished, and that they stay on the panel.
//!
//! `tests/golden` holds each panel as text. After an intended change of a picture, check it
//! (`cargo run --release -p emocue-device --example emoji_sheet -- sheet.png`) and update the texts with
//! `UPDATE_GOLDEN=1 cargo test --release -p emocue-device --test pictures`.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use emocue_config::{Mode, PanelSize};
use emocue_device::answer::{Answer, Screen};
use emocue_device::show::art::{Group, SCREENS, TITLED, picture};
use emocue_device::show::draw::{self, PanelLayout};
use emocue_device::show::panel::{self, LIT, Panel};
use emocue_device::show::{ShowSettings, language, words};
use emocue_link::consent::{Ask, Code};

const SIZES: [(PanelSize, &str); 2] = [(PanelSize::Tall, "128x64"), (PanelSize::Flat, "128x32")];

fn shown(answer: Screen, panel: PanelSize, mode: Mode) -> Panel {
    let mut shown = Panel::new(panel);
    shown.show(answer, &ShowSettings { panel, mode, ..ShowSettings::default() });
    shown
}

fn text(panel: &Panel) -> String {
    let row = |row: &[bool]| row.iter().map(|lit| if *lit { '#' } else { '.' }).collect::<String>();
    panel.pixels().chunks(panel.width()).map(|pixels| row(pixels) + "\n").collect()
}

/// Each question, before and after a press counts.
fn questions() -> Vec<(String, Screen)> {
    let code = Code::new(9_876_543_210_987_654);
    let each = Ask::ALL.into_iter().flat_map(|ask| [(ask, false), (ask, true)]);
    let named = |(ask, counts)| {
        let name = format!("question-{ask:?}{}", if counts { "-counts" } else { "" });
        (name.to_lowercase(), Screen::Question { ask, code, counts })
    };
    each.map(named).collect()
}

/// Each screen with a title, by a name made of its own: `menu-practice-showme`.
fn titled() -> Vec<(String, Screen)> {
    let named = |screen: Screen| {
        let debug = format!("{screen:?}").to_lowercase();
        let words: Vec<&str> =
            debug.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        (words.join("-"), screen)
    };
    TITLED.map(named).into()
}

#[test]
fn a_question_is_whole_in_every_mode() {
    for (size, name) in SIZES {
        let mut seen = Vec::new();
        for (_, screen) in questions() {
            let both = shown(screen, size, Mode::Both);
            for mode in Mode::ALL {
                assert_eq!(shown(screen, size, mode), both, "{name}: {mode:?}");
            }
            assert!(!seen.contains(&both), "{name}: {screen:?} looks like another question");
            seen.push(both);
        }
    }
}

#[test]
fn no_two_titled_screens_look_alike() {
    for (size, name) in SIZES {
        let mut seen: Vec<Panel> = Vec::new();
        for (_, screen) in titled() {
            let panel = shown(screen, size, Mode::Both);
            assert!(!seen.contains(&panel), "{name}: {screen:?} looks like another screen");
            seen.push(panel);
        }
    }
}

#[test]
fn a_journal_is_marked_on_every_screen_where_no_word_stands() {
    let with = |screen, panel, mode, journal| {
        let mut shown = Panel::new(panel);
        shown.show(screen, &ShowSettings { panel, mode, journal, ..ShowSettings::default() });
        shown
    };
    for (size, name) in SIZES {
        for screen in SCREENS {
            if matches!(screen, Screen::Question { .. }) {
                continue;
            }
            let [without, marked] =
                [false, true].map(|journal| with(screen, size, Mode::Both, journal));
            let mut pixels = without.pixels().iter().zip(marked.pixels());
            assert_eq!(pixels.clone().filter(|(a, b)| a != b).count(), 15, "{name}: {screen:?}");
            assert!(pixels.all(|(before, after)| !before || *after), "{name}: {screen:?}");
        }
    }
}

#[test]
fn panels_look_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut changed = Vec::new();
    for (size, name) in SIZES {
        let screens = SCREENS.map(|screen| (words::id(screen).to_owned(), screen));
        for (file, screen) in screens.into_iter().chain(questions()).chain(titled()) {
            let path = folder.join(format!("{file}-{name}.txt"));
            let now = text(&shown(screen, size, Mode::Both));
            if update {
                fs::write(&path, &now).unwrap();
            } else if fs::read_to_string(&path).ok().as_ref() != Some(&now) {
                changed.push(format!("{} is now\n{now}", path.display()));
            }
        }
    }
    assert!(
        changed.is_empty(),
        "renew with UPDATE_GOLDEN=1 if this is wanted:\n{}",
        changed.join("\n")
    );
}

/// Standard deviation of the blur, px.
const SIGMA: f32 = 3.0;

/// The panel out of focus: a Gaussian blur of [`SIGMA`], dark outside, row-major, `0..=1`.
fn blurred(panel: &Panel) -> Vec<f32> {
    let reach = (4.0 * SIGMA) as isize;
    let weight = |d: isize| (-(d * d) as f32 / (2.0 * SIGMA * SIGMA)).exp();
    let total: f32 = (-reach..=reach).map(weight).sum();
    let (width, height) = (panel.width() as isize, panel.height() as isize);
    let along = |values: &[f32], dx: isize, dy: isize| -> Vec<f32> {
        let at = |x: isize, y: isize| {
            let inside = (0..width).contains(&x) && (0..height).contains(&y);
            if inside { values[(y * width + x) as usize] } else { 0.0 }
        };
        let mean = |x, y| {
            let weighted = (-reach..=reach).map(|d| weight(d) * at(x + d * dx, y + d * dy));
            weighted.sum::<f32>() / total
        };
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect()
    };
    let sharp: Vec<f32> = panel.pixels().iter().map(|lit| f32::from(u8::from(*lit))).collect();
    along(&along(&sharp, 1, 0), 0, 1)
}

/// The columns of an emoji without a word.
const EMOJI: std::ops::Range<usize> = 32..96;

/// Pearson's correlation.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f32, f32) -> f32| -> f32 {
        a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn no_two_answers_look_alike_when_blurred() {
    for (size, name) in SIZES {
        let emoji = |screen: &Screen| -> Vec<f32> {
            let blurred = blurred(&shown(*screen, size, Mode::Emoji));
            blurred.chunks(size.width() as usize).flat_map(|row| row[EMOJI].to_vec()).collect()
        };
        // The expressions, and the other answers.
        let answers = &SCREENS[..13];
        assert!(answers.iter().all(|screen| matches!(screen, Screen::Answer(_))));
        let pictures: Vec<_> = answers.iter().map(emoji).collect();
        for (i, a) in answers.iter().enumerate() {
            for (j, b) in answers[..i].iter().enumerate() {
                let correlation = correlation(&pictures[i], &pictures[j]);
                assert!(correlation <= 0.75, "{name}: {a:?} and {b:?} correlate by {correlation}");
            }
        }
    }
}

#[test]
fn any_two_pictures_differ_even_blurred() {
    // Two cells of 4x4 px differ if their brightness differs by a sixth.
    for (size, least) in [(PanelSize::Tall, 32), (PanelSize::Flat, 14)] {
        let pictures: Vec<_> = SCREENS
            .iter()
            .map(|answer| {
                let blurred = blurred(&shown(*answer, size, Mode::Emoji));
                let rows = blurred.chunks(size.width() as usize).step_by(4);
                (answer, rows.flat_map(|row| row.iter().copied().step_by(4)).collect::<Vec<_>>())
            })
            .collect();
        for (i, (a, first)) in pictures.iter().enumerate() {
            for (b, second) in &pictures[..i] {
                let differ =
                    first.iter().zip(second).filter(|(x, y)| (*x - *y).abs() > 1.0 / 6.0).count();
                assert!(differ >= least, "{a:?} and {b:?} differ in {differ} cells of {size:?}");
            }
        }
    }
}

#[test]
fn two_expressions_differ_in_more_than_one_feature() {
    let drawn = |answer, layout: &PanelLayout, size| {
        let mut panel = Panel::new(size);
        let Ok(()) = draw::draw(picture(answer), layout, &LIT, &mut panel);
        panel
    };
    let (square, strip) = (PanelLayout::square(0.0, 0.0, 64.0), PanelLayout::strip(0.0, 0.0));
    for (whole, size, least) in [(square, PanelSize::Tall, 40), (strip, PanelSize::Flat, 40)] {
        let nothing = PanelLayout {
            brows: None,
            eyes: None,
            mouth: None,
            outline: None,
            sign: None,
            ..whole
        };
        let features = [
            PanelLayout { brows: whole.brows, ..nothing },
            PanelLayout { eyes: whole.eyes, ..nothing },
            PanelLayout { mouth: whole.mouth, ..nothing },
        ];
        let expressions = &SCREENS[..8];
        for (i, a) in expressions.iter().enumerate() {
            for b in &expressions[..i] {
                let differing = |layout: &&PanelLayout| {
                    let (a, b) = (drawn(*a, layout, size), drawn(*b, layout, size));
                    a.pixels().iter().zip(b.pixels()).filter(|(a, b)| a != b).count() >= least
                };
                let count = features.iter().filter(differing).count();
                assert!(count >= 2, "{size:?}: {a:?} and {b:?} differ in {count} features");
            }
        }
    }
}

#[test]
fn only_expressions_have_a_face() {
    for answer in SCREENS {
        let signs = picture(answer).marks.iter().filter(|mark| mark.group == Group::Sign).count();
        let expected = match answer {
            Screen::Answer(Answer::Looks(_)) => 0,
            _ => picture(answer).marks.len(),
        };
        assert_eq!(signs, expected, "{answer:?}");
    }
}

/// A target that fails on pixels outside itself.
struct Strict(Size);

impl OriginDimensions for Strict {
    fn size(&self) -> Size {
        self.0
    }
}

impl DrawTarget for Strict {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(at, _) in pixels {
            let inside = (0..self.0.width as i32).contains(&at.x)
                && (0..self.0.height as i32).contains(&at.y);
            assert!(inside, "a pixel at {at}");
        }
        Ok(())
    }
}

#[test]
fn nothing_is_drawn_outside_the_panel() {
    for (panel, _) in SIZES {
        for mode in [Mode::Emoji, Mode::Word, Mode::Both] {
            let others = questions().into_iter().chain(titled()).map(|(_, screen)| screen);
            for answer in SCREENS.into_iter().chain(others) {
                let settings = ShowSettings { panel, mode, ..ShowSettings::default() };
                let Ok(()) = panel::draw(answer, &settings, &mut Strict(panel::size_of(panel)));
            }
        }
    }
    // Half of the square is outside.
    for answer in SCREENS {
        let layout = PanelLayout::square(-32.0, -20.0, 90.0);
        let Ok(()) = draw::draw(picture(answer), &layout, &LIT, &mut Strict(Size::new(40, 30)));
    }
}

#[test]
fn words_are_whole_and_beside_the_emoji() {
    for (size, _) in SIZES {
        for answer in SCREENS {
            if matches!(answer, Screen::Question { .. }) {
                continue;
            }
            let panel = shown(answer, size, Mode::Both);
            let emoji = shown(answer, size, Mode::Emoji);
            let column = |x| (0..panel.height()).any(|y| panel.is_lit(x, y));
            assert!(!column(64) && !column(65), "{answer:?}: a gap between emoji and word");
            assert!((66..128).any(column), "{answer:?}: a word");
            let left = |panel: &Panel, from: usize| -> Vec<bool> {
                let cells = (0..panel.height()).flat_map(|y| (0..64).map(move |x| (x, y)));
                cells.map(|(x, y)| panel.is_lit(x + from, y)).collect()
            };
            assert_eq!(left(&panel, 0), left(&emoji, 32), "{answer:?}: the same emoji");
        }
    }
}

/// The rows in which `panel` is lit right of column `left`.
fn lit_rows(panel: &Panel, left: usize) -> Vec<usize> {
    let lit = |y: &usize| (left..panel.width()).any(|x| panel.is_lit(x, *y));
    (0..panel.height()).filter(lit).collect()
}

#[test]
fn words_stay_in_their_rows_whatever_the_answer_is() {
    for (size, name) in SIZES {
        for (mode, left) in [(Mode::Word, 0), (Mode::Both, 66)] {
            // No letter of "neutral" has a descender, and "t" and "l" are as high as letters are.
            let neutral = lit_rows(&shown(SCREENS[0], size, mode), left);
            let baseline = *neutral.last().unwrap();
            let looks: Vec<_> =
                neutral.windows(2).take_while(|pair| pair[1] == pair[0] + 1).collect();
            let word = *neutral.get(looks.len() + 1).expect("dark rows between looks and the word");
            let part = |screen, rows: std::ops::Range<usize>| -> Vec<bool> {
                let panel = shown(screen, size, mode);
                let cells = rows.flat_map(|y| (left..128).map(move |x| (x, y)));
                cells.map(|(x, y)| panel.is_lit(x, y)).collect()
            };
            for screen in &SCREENS[..8] {
                let same = part(*screen, 0..word) == part(SCREENS[0], 0..word);
                assert!(same, "{name} {mode:?}: \"looks\" moves for {screen:?}");
            }
            for screen in SCREENS {
                if matches!(screen, Screen::Question { .. }) {
                    continue;
                }
                let words = words::words(screen, language::english());
                let last = words.narrow.last().unwrap();
                let rows = lit_rows(&shown(screen, size, mode), left);
                let below = rows.iter().filter(|y| **y > baseline).count();
                assert!(rows.contains(&baseline), "{name} {mode:?}: {screen:?} moves");
                let reaches = last.contains(['g', 'j', 'p', 'q', 'y']);
                assert_eq!(below > 0, reaches, "{name} {mode:?}: {screen:?} moves");
            }
        }
    }
}
