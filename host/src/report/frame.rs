//! The common frame of all pages.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The rules for search engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Robots {
    /// No rule.
    All,
    /// Not this page.
    NoIndex,
    /// Neither this page nor its pictures.
    NoIndexNoImages,
}

impl Robots {
    fn content(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::NoIndex => Some("noindex"),
            Self::NoIndexNoImages => Some("noindex, noimageindex"),
        }
    }
}

/// A page's title, what it is about, and its own style after the common one.
pub(super) struct Frame<'a> {
    pub title: &'a str,
    pub about: &'a str,
    pub robots: Robots,
    pub own_style: &'a str,
}

impl Frame<'_> {
    /// The whole page around its sections.
    pub(super) fn around(&self, sections: &Markup) -> Markup {
        let Self { title, about, robots, own_style } = self;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if let Some(robots) = robots.content() { meta name="robots" content=(robots); }
                    title { (title) }
                    style { (PreEscaped(STYLE)) (PreEscaped(own_style)) }
                }
                body {
                    header {
                        p.brand { "Emocue" }
                        h1 { (title) }
                        p { (about) }
                    }
                    main { (sections) }
                }
            }
        }
    }
}
