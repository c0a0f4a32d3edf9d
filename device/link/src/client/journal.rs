//! The wearer's journals: listed, and fetched part by part.

use std::ops::ControlFlow;

use super::{Client, ClientError, unexpected};
use crate::message::{JOURNALS_SINCE, JournalEntry, MAX_JOURNAL, Reply, Request};
use crate::transport::Transport;

/// Most journals that are accepted, so that a list ends whatever a badge answers.
const MAX_JOURNALS: usize = 1024;

const LIST: &str = "a question for its journals";
const PART: &str = "a question for a journal";

impl<T: Transport> Client<T> {
    /// The wearer's journals that the badge has, by their numbers.
    ///
    /// # Errors
    /// [`ClientError::NoJournals`] of a badge of version 1.1, or another error.
    pub fn journals(&mut self) -> Result<Vec<JournalEntry>, ClientError> {
        self.knows_journals()?;
        let mut all: Vec<JournalEntry> = Vec::new();
        let mut from = 1;
        loop {
            let journals = match self.ask(&Request::Journals { from })? {
                Reply::Journals { journals } => journals,
                other => return Err(unexpected(LIST, other)),
            };
            for journal in &journals {
                // Numbers must increase, so that the list ends.
                if journal.number < from || all.len() >= MAX_JOURNALS {
                    return Err(ClientError::Unexpected { request: LIST });
                }
                all.push(*journal);
                let Some(next) = journal.number.checked_add(1) else { return Ok(all) };
                from = next;
            }
            if journals.is_empty() {
                return Ok(all);
            }
        }
    }

    /// The sealed bytes of journal `number`, of the length that it had at the request for its first part. `on_part`
    /// gets that length, bytes, and the bytes so far, and may stop the transfer; then the bytes so far are returned.
    ///
    /// # Errors
    /// [`ClientError::NoJournals`] of a badge of version 1.1, [`ClientError::Refused`] with the badge's message, or
    /// another error.
    pub fn journal(
        &mut self,
        number: u32,
        on_part: &mut dyn FnMut(u32, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, ClientError> {
        self.knows_journals()?;
        let (mut bytes, mut length) = (Vec::new(), None);
        loop {
            let offset = bytes.len() as u32;
            let (total, data) = match self.ask(&Request::GetJournal { number, offset })? {
                Reply::Journal { total, data } => (total, data),
                other => return Err(unexpected(PART, other)),
            };
            if total > MAX_JOURNAL {
                return Err(ClientError::JournalTooLong(total));
            }
            // The journal may grow meanwhile.
            let length = *length.get_or_insert(total);
            bytes.extend(data.iter().take(length as usize - bytes.len()));
            if on_part(length, &bytes).is_break() || bytes.len() == length as usize {
                return Ok(bytes);
            }
            if data.is_empty() {
                return Err(ClientError::Unexpected { request: PART });
            }
        }
    }

    fn knows_journals(&self) -> Result<(), ClientError> {
        let badge = self.version;
        if badge.minor < JOURNALS_SINCE { Err(ClientError::NoJournals { badge }) } else { Ok(()) }
    }
}
