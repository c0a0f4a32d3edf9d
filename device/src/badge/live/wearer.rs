//! What the wearer of a live badge may choose.

use std::path::PathBuf;

use emocue_config::{Config, JournalSettings, PictureSettings, PracticeSettings, Reason, UsePlace};

use crate::answer::Kept;

/// What the wearer may choose.
#[derive(Clone, Debug, Default)]
pub struct WearerOptions {
    /// Where the badge is used.
    pub use_place: UsePlace,
    /// Why its camera may be used in a school or at work.
    pub reason: Reason,
    /// The games.
    pub practice: PracticeSettings,
    /// The journals' settings.
    pub journal: JournalSettings,
    /// The settings of stored pictures.
    pub pictures: PictureSettings,
    /// The folder that they are stored in; `None` if the badge may not write.
    pub state: Option<PathBuf>,
}

impl WearerOptions {
    /// The options of `config`; `state` is the badge's folder.
    pub fn new(config: &Config, state: Option<PathBuf>) -> Self {
        Self {
            use_place: config.use_place,
            reason: config.reason,
            practice: config.practice.clone(),
            journal: config.journal,
            pictures: config.pictures,
            state,
        }
    }

    /// What the menu offers to store.
    pub(super) fn offers(&self) -> impl Iterator<Item = Kept> {
        let has_folder = self.state.is_some();
        let journal = (has_folder && self.journal.key.is_some()).then_some(Kept::Journal);
        let pictures = (has_folder && self.pictures.enabled).then_some(Kept::Pictures);
        journal.into_iter().chain(pictures)
    }

    /// Whether a game may use the camera.
    pub(super) fn may_play(&self) -> bool {
        !self.use_place.is_restricted() || self.reason != Reason::None
    }

    /// The reason that is shown before such a game.
    pub(super) fn shown_reason(&self) -> Reason {
        if self.use_place.is_restricted() { self.reason } else { Reason::None }
    }

    /// Whether anything may be stored.
    pub(super) fn may_keep(&self) -> bool {
        !self.use_place.is_restricted()
    }
}
