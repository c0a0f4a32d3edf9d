//! The menu of a paused badge: a short press shows the next entry, a long press chooses it.

use std::time::{Duration, Instant};

use crate::answer::{GameKind, Kept, MenuEntry, Screen};

/// Without a press the menu closes after this time.
const OPEN: Duration = Duration::from_secs(20);

/// The entries, and the current one.
#[derive(Debug)]
pub(super) struct Menu {
    entries: Vec<MenuEntry>,
    /// The entry that is shown, and since when; `None` while the menu is closed.
    at: Option<(usize, Instant)>,
}

impl Menu {
    /// A closed menu with the games, and with what the badge offers to store.
    pub(super) fn new(kept: impl IntoIterator<Item = Kept>) -> Self {
        let games = GameKind::ALL.map(MenuEntry::Practice);
        let entries = games.into_iter().chain(kept.into_iter().map(MenuEntry::Keep)).collect();
        Self { entries, at: None }
    }

    /// A short press: goes to the next entry, or closes the menu after the last one. Returns the entry's screen while
    /// the menu is open.
    pub(super) fn next(&mut self, now: Instant) -> Option<Screen> {
        let next = self.at.map_or(0, |(at, _)| at + 1);
        self.at = (next < self.entries.len()).then_some((next, now));
        self.chosen().map(Screen::Menu)
    }

    /// A long press: returns the shown entry, and closes the menu.
    pub(super) fn choose(&mut self) -> Option<MenuEntry> {
        let chosen = self.chosen();
        self.close();
        chosen
    }

    /// Closes it.
    pub(super) fn close(&mut self) {
        self.at = None;
    }

    /// Called about once a second: whether the menu has closed by itself.
    pub(super) fn tick(&mut self, now: Instant) -> bool {
        let closes = self.at.is_some_and(|(_, since)| now.saturating_duration_since(since) >= OPEN);
        if closes {
            self.close();
        }
        closes
    }

    fn chosen(&self) -> Option<MenuEntry> {
        self.at.and_then(|(at, _)| self.entries.get(at).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_go_through_all_entries_and_out() {
        let (mut menu, now) = (Menu::new([Kept::Pictures]), Instant::now());
        let shown: Vec<_> = (0..6).map(|_| menu.next(now)).collect();
        let entry = |entry| Some(Screen::Menu(entry));
        let expected = [
            entry(MenuEntry::Practice(GameKind::ShowMe)),
            entry(MenuEntry::Practice(GameKind::Guess)),
            entry(MenuEntry::Practice(GameKind::Cards)),
            entry(MenuEntry::Keep(Kept::Pictures)),
            None,
            entry(MenuEntry::Practice(GameKind::ShowMe)),
        ];
        assert_eq!(shown, expected);
        assert_eq!(menu.choose(), Some(MenuEntry::Practice(GameKind::ShowMe)));
        assert_eq!(menu.choose(), None);
    }

    #[test]
    fn it_closes_by_itself() {
        let (mut menu, start) = (Menu::new([]), Instant::now());
        assert!(!menu.tick(start + OPEN));
        menu.next(start);
        assert!(!menu.tick(start + Duration::from_secs(19)));
        menu.next(start + Duration::from_secs(19));
        assert!(!menu.tick(start + OPEN));
        assert!(menu.tick(start + Duration::from_secs(39)));
        assert_eq!(menu.choose(), None);
    }
}
