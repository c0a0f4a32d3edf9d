//! The log of the results, and their settings: two files beside the results.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::{PrepareError, PrepareOutcome, PrepareSettings, PreparedRecord};
use emocue_models::files::{self, write_atomically};

/// The log, with one line for each picture or face: `file,output,outcome,share,note`.
pub const LOG: &str = "prepared.csv";
/// The settings that all results in a folder share.
pub const SETTINGS: &str = "prepared.toml";

/// An open log.
pub(super) struct Log(csv::Writer<File>);

impl Log {
    /// Opens the log in `out`; also returns the finished pictures. Pictures whose results are missing, and unreadable
    /// ones, are not finished.
    pub(super) fn open(
        out: &Path,
        settings: &PrepareSettings,
    ) -> Result<(Self, Vec<Vec<PreparedRecord>>), PrepareError> {
        let named = |path: &Path, error: &dyn std::fmt::Display| {
            io::Error::other(format!("cannot use {}: {error}", path.display()))
        };
        std::fs::create_dir_all(out).map_err(|error| named(out, &error))?;
        let (log, file) = (out.join(LOG), out.join(SETTINGS));
        let text = toml::to_string(settings).map_err(|error| named(&file, &error))?;
        if file.exists() {
            let old = files::read_text(&file).map_err(|error| named(&file, &error))?;
            if toml::from_str::<PrepareSettings>(&old).ok().as_ref() != Some(settings) {
                return Err(PrepareError::Folders(format!(
                    "{} was begun with other settings:\n{old}  Use these, or choose another --out folder.",
                    out.display()
                )));
            }
        } else {
            write_atomically(&file, text.as_bytes()).map_err(std::io::Error::from)?;
        }
        let mut files: BTreeMap<String, Vec<PreparedRecord>> = BTreeMap::new();
        if log.exists() {
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .from_path(&log)
                .map_err(io::Error::from)?;
            // A truncated line, from when the program was killed, is not a record.
            for record in reader.deserialize::<PreparedRecord>().flatten() {
                let lines = files.entry(record.file.clone()).or_default();
                if !lines.iter().any(|line| line.output == record.output) {
                    lines.push(record);
                }
            }
        }
        // A picture is finished when all its results exist.
        let is_there = |record: &PreparedRecord| match (record.outcome, record.output.as_str()) {
            (PrepareOutcome::Unreadable, _) => false,
            (_, "") => true,
            (_, output) => out.join(output).is_file(),
        };
        files.retain(|_, lines| lines.iter().all(is_there));
        let done: Vec<Vec<PreparedRecord>> = files.into_values().collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(["file", "output", "outcome", "share", "note"])
            .map_err(io::Error::from)?;
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(inner(writer)?);
        for record in done.iter().flatten() {
            writer.serialize(record).map_err(io::Error::from)?;
        }
        write_atomically(&log, &inner(writer)?).map_err(std::io::Error::from)?;
        let append = OpenOptions::new().append(true).open(&log).map_err(|e| named(&log, &e))?;
        Ok((Self(csv::WriterBuilder::new().has_headers(false).from_writer(append)), done))
    }

    /// Adds the lines of one picture and flushes them, so that nothing is lost when the program ends.
    pub(super) fn add(&mut self, records: &[PreparedRecord]) -> Result<(), PrepareError> {
        for record in records {
            self.0.serialize(record).map_err(io::Error::from)?;
        }
        Ok(self.0.flush()?)
    }
}

fn inner(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, io::Error> {
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}
