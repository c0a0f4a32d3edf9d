//! Replies, cut to fit in a message.

use super::MAX_CONFIG;
use crate::consent::HOW_TO_ANSWER;
use crate::frame::{Body, Envelope, fits};
use crate::message::{
    JournalEntry, LogLine, MAX_CHUNK, MAX_JOURNAL, MAX_LINES, MAX_LISTED, MAX_TEXT, Progress, Reply,
};

/// The reply in version 1.`minor`.
pub(super) fn progress(progress: Progress, minor: u16) -> Reply {
    Reply::Progress(match progress {
        Progress::Asks(question) if minor < 1 => Progress::PressButton(format!(
            "{} The badge shows this code: {}. {HOW_TO_ANSWER}",
            question.ask.words(),
            question.code()
        )),
        Progress::PressButton(text) => Progress::PressButton(cut(&text)),
        Progress::Done(text) => Progress::Done(cut(&text)),
        Progress::Failed(text) => Progress::Failed(cut(&text)),
        same @ (Progress::Idle | Progress::Working | Progress::Asks(_)) => same,
    })
}

/// As many lines as are allowed and fit in a frame; the host requests the next ones.
pub(super) fn log(lines: Vec<LogLine>, from: u32) -> Reply {
    let lines = lines.into_iter().filter(|line| line.number >= from).take(MAX_LINES);
    let lines = lines.map(|line| LogLine { text: cut(&line.text), ..line });
    // The longest encodings of the frame's numbers.
    let mut log = Envelope {
        session: u32::MAX,
        sequence: u32::MAX,
        body: Body::Reply(Reply::Log { lines: lines.collect() }),
    };
    while !fits(&log) {
        let Body::Reply(Reply::Log { lines }) = &mut log.body else { break };
        lines.pop();
    }
    match log.body {
        Body::Reply(log) => log,
        _ => Reply::Log { lines: Vec::new() },
    }
}

/// A part of the configuration's text.
pub(super) fn part(text: &str, offset: u32) -> Result<Reply, String> {
    if text.len() > MAX_CONFIG {
        return Err(format!("the configuration is longer than {MAX_CONFIG} bytes; shorten it"));
    }
    let rest = text.as_bytes().get(offset as usize..).unwrap_or_default();
    let data = rest[..rest.len().min(MAX_CHUNK)].to_vec();
    Ok(Reply::Config { total: text.len() as u32, data })
}

/// As many journals as are allowed; the host requests the next ones.
pub(super) fn journals(journals: Vec<JournalEntry>, from: u32) -> Reply {
    let journals = journals.into_iter().filter(|journal| journal.number >= from);
    Reply::Journals { journals: journals.take(MAX_LISTED).collect() }
}

/// A part of a journal.
pub(super) fn journal(total: u32, mut data: Vec<u8>) -> Reply {
    data.truncate(MAX_CHUNK);
    Reply::Journal { total: total.min(MAX_JOURNAL), data }
}

/// A text that fits in a message; it ends in "..." when something was cut off.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MAX_TEXT - 3);
    format!("{}...", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"ä".repeat(MAX_TEXT));
        assert!(long.len() <= MAX_TEXT && long.ends_with("ä..."), "{}", long.len());
        assert_eq!(cut(&"x".repeat(MAX_TEXT)).len(), MAX_TEXT);
    }

    #[test]
    fn a_log_is_cut_to_what_fits_in_a_frame() {
        let line = |number, length| LogLine { number, time_ms: 1, text: "x".repeat(length) };
        let lines = |log| match log {
            Reply::Log { lines } => lines.iter().map(|line| line.number).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let short = (0..20).map(|number| line(number, 40)).collect();
        assert_eq!(lines(log(short, 5)), [5, 6, 7, 8, 9, 10, 11, 12]);
        let long = (0..20).map(|number| line(number, 4000)).collect();
        assert_eq!(lines(log(long, 5)), [5, 6, 7]);
        assert_eq!(lines(log(Vec::new(), 0)), [0; 0]);
    }

    #[test]
    fn as_many_journals_as_may_be_fit_in_a_frame() {
        let entry = |number| JournalEntry { number, bytes: u32::MAX };
        let many: Vec<JournalEntry> = (u32::MAX - 100..u32::MAX).map(entry).collect();
        let Reply::Journals { journals } = journals(many, u32::MAX - 90) else { unreachable!() };
        assert_eq!((journals.len(), journals[0].number), (MAX_LISTED, u32::MAX - 90));
        let body = Body::Reply(Reply::Journals { journals });
        assert!(fits(&Envelope { session: u32::MAX, sequence: u32::MAX, body }));
        let long = journal(u32::MAX, vec![0; 2 * MAX_CHUNK]);
        assert_eq!(long, Reply::Journal { total: MAX_JOURNAL, data: vec![0; MAX_CHUNK] });
    }

    #[test]
    fn a_configuration_is_cut_into_parts() {
        let text = "x".repeat(MAX_CHUNK + 1);
        let part = |offset| match part(&text, offset) {
            Ok(Reply::Config { total, data }) => (total as usize, data.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(part(0), (MAX_CHUNK + 1, MAX_CHUNK));
        assert_eq!(part(MAX_CHUNK as u32), (MAX_CHUNK + 1, 1));
        assert_eq!(part(u32::MAX), (MAX_CHUNK + 1, 0));
    }
}
