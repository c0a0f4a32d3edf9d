//! The arguments with which a training was started. They are stored in its run's folder, so that `--resume` needs no
//! others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args as _, Command, Parser};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::{self, write_atomically};
use emocue_train::checkpoint::FILE;
use emocue_train::run::RunError;
use serde::{Deserialize, Serialize};

use super::train::TrainArgs;

/// File of the arguments, inside a run's folder.
const ARGUMENTS_FILE: &str = "arguments.json";

/// Arguments that name the data: if one is given when resuming, it replaces all of them.
const DATA: [&str; 12] = [
    "fer2013",
    "ferplus",
    "data",
    "layout",
    "map",
    "data_labels",
    "folds",
    "fold",
    "fold_seed",
    "faces",
    "empty",
    "crops",
];

/// Arguments that a started training cannot change.
const FIXED: [&str; 5] = ["recipe", "heads", "seed", "transfer", "limit"];

/// Paths, which are stored as absolute paths.
const PATHS: [&str; 8] =
    ["fer2013", "ferplus", "data", "map", "transfer", "faces", "empty", "crops"];

/// Names that may be paths.
const NAMES: [&str; 3] = ["recipe", "teacher", "data_labels"];

/// Arguments of `emocue train` that have a value, by clap's identifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Given(BTreeMap<String, Vec<String>>);

#[derive(Parser)]
#[command(name = "emocue train")]
struct Probe {
    #[command(flatten)]
    args: TrainArgs,
}

impl Given {
    /// The arguments on the command line. A value that is not UTF-8 is left out, so it must be given again to resume.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let command = TrainArgs::augment_args(Command::new("train"));
        let options = command.get_arguments().filter(|arg| arg.get_action().takes_values());
        let typed = options.filter_map(|arg| {
            let id = arg.get_id().as_str();
            let from = matches.value_source(id);
            let values = matches.get_raw(id).filter(|_| from == Some(ValueSource::CommandLine))?;
            let values: Option<_> = values.map(|value| value.to_str().map(str::to_owned)).collect();
            Some((id.to_owned(), values?))
        });
        Self(typed.filter(|(id, _)| id != "run").collect())
    }

    /// Stores the arguments in the run's folder.
    ///
    /// # Errors
    /// [`RunError::Write`] when the file cannot be written.
    pub(super) fn save(&self, run: &Path) -> Result<(), RunError> {
        let path = run.join(ARGUMENTS_FILE);
        let absolute = Self(self.0.iter().map(|(id, values)| absolute(id, values)).collect());
        let text = serde_json::to_string_pretty(&absolute).unwrap_or_default() + "\n";
        write_atomically(&path, text.as_bytes())
            .map_err(|error| RunError::Write(path, error.source))
    }

    /// The arguments of a resumed training: the stored ones, overridden by those given now.
    ///
    /// # Errors
    /// An argument that cannot be changed, or missing arguments.
    pub(super) fn resume(&self, now: &TrainArgs) -> Result<TrainArgs, Box<dyn Failure>> {
        let run = now.run();
        if !run.join(FILE).exists() {
            return Err(Problem::new(format!("no training was begun in {}", run.display()))
                .help("Name the --run folder of a training that has begun.")
                .code(exit::INPUT)
                .into());
        }
        let begun = Self::load(run)?;
        if let Some(begun) = &begun {
            self.unchanged(begun, now)?;
        }
        let replaces_data = DATA.iter().any(|id| self.0.contains_key(*id));
        let mut all = begun.unwrap_or_default();
        all.0.retain(|id, _| !(replaces_data && DATA.contains(&id.as_str())));
        all.0.extend(self.0.clone());
        let mut words = vec!["train".to_owned()];
        let command = TrainArgs::augment_args(Command::new("train"));
        for arg in command.get_arguments() {
            let (Some(long), Some(values)) = (arg.get_long(), all.0.get(arg.get_id().as_str()))
            else {
                continue;
            };
            match arg.get_num_args().is_some_and(|count| count.max_values() > 1) {
                true => words.extend([format!("--{long}")].into_iter().chain(values.clone())),
                false => words.extend(values.iter().map(|value| format!("--{long}={value}"))),
            }
        }
        if !["fer2013", "data", "faces"].iter().any(|id| all.0.contains_key(*id)) {
            let message = format!("{} does not say which data it was begun with", run.display());
            return Err(Problem::usage(message)
                .help("Name them with --data PATH or --fer2013 CSV.")
                .into());
        }
        let mut args = Probe::try_parse_from(words)
            .map_err(|error| {
                let text = error.to_string();
                let cause = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
                Problem::usage(format!("cannot resume {}: {cause}", run.display()))
                    .help("Give the arguments that the training was begun with, and --resume.")
            })?
            .args;
        args.resume(now);
        Ok(args)
    }

    /// `None` in a folder without arguments.
    fn load(run: &Path) -> Result<Option<Self>, Problem> {
        let path = run.join(ARGUMENTS_FILE);
        let Ok(text) = files::read_text(&path) else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Problem::new(format!("{}: {error}", path.display()))
                .help("Remove the file, and give --resume all arguments of the training.")
        })
    }

    /// Checks that no fixed argument differs from `begun`. The checkpoint has its own number of epochs.
    fn unchanged(&self, begun: &Self, now: &TrainArgs) -> Result<(), Problem> {
        let command = TrainArgs::augment_args(Command::new("train"));
        for id in FIXED {
            let Some(given) = self.0.get(id) else { continue };
            let kept = begun.0.get(id).cloned().or_else(|| usual(&command, id));
            if kept.as_ref() == Some(&absolute(id, given).1) {
                continue;
            }
            let with = kept.map_or_else(
                || format!("without --{id}"),
                |values| format!("with --{id} {}", values.join(",")),
            );
            let checkpoint = now.run().join(FILE);
            let message = format!("{} was begun {with}", checkpoint.display());
            return Err(Problem::usage(message)
                .help(format!("Resume it without --{id}, or choose another --run folder.")));
        }
        Ok(())
    }
}

/// The name of the recipe of the training in `run`; `None` without stored arguments.
pub(super) fn recipe_name(run: &Path) -> Option<String> {
    let given = Given::load(run).ok()??;
    let usual = || usual(&TrainArgs::augment_args(Command::new("train")), "recipe");
    let recipe = given.0.get("recipe").cloned().or_else(usual)?.into_iter().next()?;
    // A recipe file is named by its stem.
    Path::new(&recipe).file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

/// The default of an argument.
fn usual(command: &Command, id: &str) -> Option<Vec<String>> {
    let arg = command.get_arguments().find(|arg| arg.get_id() == id)?;
    let values = arg.get_default_values();
    let values: Option<Vec<_>> =
        values.iter().map(|value| value.to_str().map(str::to_owned)).collect();
    values.filter(|values| !values.is_empty())
}

/// An argument as it is stored: paths are absolute.
fn absolute(id: &str, values: &[String]) -> (String, Vec<String>) {
    let path = |value: &String| -> Option<PathBuf> {
        let is_path = PATHS.contains(&id) || NAMES.contains(&id) && Path::new(value).is_file();
        std::path::absolute(value).ok().filter(|_| is_path)
    };
    let kept = |value: &String| {
        path(value)
            .and_then(|path| path.into_os_string().into_string().ok())
            .unwrap_or(value.clone())
    };
    (id.to_owned(), values.iter().map(kept).collect())
}
