//! Screens with a title over the whole panel: the menu, practice, and questions of the badge itself.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Point;
use embedded_graphics::pixelcolor::BinaryColor;
use emocue_config::{Mode, PanelSize};

use super::LIT;
use crate::answer::{PracticeScreen, Screen};
use crate::show::ShowSettings;
use crate::show::art::{self, Picture};
use crate::show::draw::{self, PanelLayout};
use crate::show::text::Font;
use crate::show::words::{self, Words};

/// The gap below the title, px.
const GAP: i32 = 2;

/// A title with the content below it.
pub(super) struct Titled<'a> {
    title: &'a str,
    picture: Option<&'static Picture>,
    word: Option<Word<'a>>,
}

/// The text beside the picture, or alone.
enum Word<'a> {
    /// A word in the usual size.
    Large(&'a str),
    /// A countdown in that size.
    Countdown(String),
    /// How to answer, small and below the picture.
    Small(&'a str),
}

impl<'a> Titled<'a> {
    /// `None` for screens without a title.
    pub(super) fn of(screen: Screen, settings: &ShowSettings) -> Option<Self> {
        let language: &'a _ = settings.language;
        let Words { above, wide, .. } = words::words(screen, language);
        let picture = art::picture(screen);
        let (title, picture, word) = match screen {
            Screen::Practice(PracticeScreen::CardEmoji(_) | PracticeScreen::CardWord(_)) => {
                return None;
            }
            Screen::Practice(PracticeScreen::ShowMe(_) | PracticeScreen::WellDone(_)) => {
                let has = |mode| settings.mode != mode;
                let word = has(Mode::Emoji).then_some(Word::Large(wide));
                (above, has(Mode::Word).then_some(picture), word)
            }
            Screen::KeepsPictures { seconds_left, .. } => {
                (above, Some(picture), Some(Word::Countdown(words::countdown(seconds_left))))
            }
            Screen::Keep { counts, .. } => {
                // There is no space for both on a flat panel.
                let fits = settings.panel == PanelSize::Tall || !counts;
                let answer = language.questions.answer.whole();
                (wide, fits.then_some(picture), counts.then_some(Word::Small(answer)))
            }
            Screen::Practice(_) | Screen::Menu(_) | Screen::Reason(_) | Screen::NotHere => {
                (wide, Some(picture), None)
            }
            _ => return None,
        };
        Some(Self { title, picture, word })
    }

    pub(super) fn draw<D>(&self, panel: PanelSize, target: &mut D) -> Result<(), D::Error>
    where
        D: DrawTarget<Color = BinaryColor>,
    {
        let (width, height) = (panel.width() as i32, panel.height() as i32);
        let title = Font::title(panel);
        let mut write = |text: &str, font: Font, columns: (i32, i32), y: i32| {
            let room = columns.1 - columns.0;
            let margin = (room - font.width(text) as i32).max(0) / 2;
            font.write(text, Point::new(columns.0 + margin, y), BinaryColor::On, target)
        };
        write(self.title, title, (0, width), 0)?;
        let top = title.height() as i32 + GAP;
        let mut bottom = height;
        if let Some(Word::Small(text)) = self.word {
            let font = Font::small(1);
            bottom -= font.height() as i32;
            write(text, font, (0, width), bottom)?;
        }
        let side = bottom - top;
        let large = match &self.word {
            Some(Word::Large(word)) => Some(*word),
            Some(Word::Countdown(left)) => Some(left.as_str()),
            Some(Word::Small(_)) | None => None,
        };
        if let Some(word) = large {
            let font = match panel {
                PanelSize::Tall => Font::TALL_WORD,
                PanelSize::Flat => Font::FLAT_WORD,
            };
            let left = if self.picture.is_some() { side + GAP } else { 0 };
            write(word, font, (left, width), top + (side - font.height() as i32) / 2)?;
        }
        let Some(picture) = self.picture else { return Ok(()) };
        let left = if large.is_some() { 0 } else { (width - side) / 2 };
        let layout = PanelLayout::square(left as f32, top as f32, side as f32);
        draw::draw(picture, &layout, &LIT, target)
    }
}
