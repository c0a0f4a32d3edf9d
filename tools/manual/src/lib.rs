//! Man pages and shell completions, generated from a program's clap definition.
//!
//! The two programs do not contain this code: each crate has an example that passes its command line to this crate, and
//! `cargo xtask manual` runs both. Folders have their names below `/usr/share`, so that a package only copies them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// The shells, and the folder of each one's completions below `/usr/share`.
const SHELLS: [(Shell, &str, Name); 3] = [
    (Shell::Bash, "bash-completion/completions", |program| program.to_owned()),
    (Shell::Zsh, "zsh/vendor-completions", |program| format!("_{program}")),
    (Shell::Fish, "fish/vendor_completions.d", |program| format!("{program}.fish")),
];

/// File name of a program's completions in one shell.
type Name = fn(&str) -> String;

/// A file of the manual cannot be written.
#[derive(Debug)]
pub struct WriteError {
    /// Path of the file.
    pub path: PathBuf,
    /// The operating system's error.
    pub source: io::Error,
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Writes a page for the program and for each of its commands, and completions for bash, zsh and fish, below `share`.
///
/// # Errors
/// [`WriteError`] when a file cannot be written; some existing files may already be replaced then.
pub fn write(command: Command, share: &Path) -> Result<(), WriteError> {
    let program = command.get_name().to_owned();
    let version = command.get_version().unwrap_or_default().to_owned();
    let mut shown = shown(&command);
    for (shell, folder, name) in SHELLS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut shown, &program, &mut script);
        let script = String::from_utf8_lossy(&script);
        // clap_complete 4.6.12 replaces a hyphen in the program's name in two different ways in the bash script, so
        // that options of subcommands are not completed.
        let (one, other) = (program.replace('-', "__subcmd__"), program.replace('-', "__"));
        put(&share.join(folder), &name(&program), script.replace(&one, &other).as_bytes())?;
    }
    // `help` repeats every command below it.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    page(&command, &format!("{program} {version}"), &share.join("man/man1"))
}

/// The command without hidden subcommands and options, for completions.
fn shown(command: &Command) -> Command {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let mut shown = Command::new(kept(command.get_name()))
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned())
        .subcommands(below.map(self::shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(kept(version)),
        None => shown,
    }
}

/// clap requires `'static` names; the leak is small and the program short.
fn kept(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

/// Writes the page of a built command and of its subcommands.
fn page(command: &Command, source: &str, folder: &Path) -> Result<(), WriteError> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut text = Vec::new();
    // A date would make builds not reproducible.
    let man = Man::new(command.clone()).title(name.to_uppercase()).date("").source(source);
    man.render(&mut text).map_err(|source| WriteError { path: folder.join(&name), source })?;
    let text = exit_status(&String::from_utf8_lossy(&text));
    put(folder, &format!("{name}.1"), text.as_bytes())?;
    let mut below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.try_for_each(|below| page(below, source, folder))
}

/// Moves the exit codes, which follow a command's help, into a section of the page with a line each.
fn exit_status(page: &str) -> String {
    let Some((before, after)) = page.split_once(".SH EXTRA\nExit codes:\n") else {
        return page.to_owned();
    };
    let (codes, rest) = after.split_at(after.find(".SH ").unwrap_or(after.len()));
    format!("{before}.SH \"EXIT STATUS\"\n.nf\n{}\n.fi\n{rest}", codes.trim_end())
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let path = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
    written.map_err(|source| WriteError { path, source })
}

/// Entry point of the examples: the first argument is the folder.
pub fn main(command: Command) -> ExitCode {
    let Some(share) = std::env::args_os().nth(1) else {
        eprintln!("error: which folder?\nhelp: `cargo xtask manual` writes it into target/manual.");
        return ExitCode::from(2);
    };
    match write(command, Path::new(&share)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let slot = Command::new("slot").about("Slots").subcommand(Command::new("install"));
        let hidden = Command::new("guard").hide(true);
        let codes = "Exit codes:\n  0  done\n  1  not done";
        Command::new("a-badge")
            .after_help(codes)
            .version("1.2.3")
            .subcommands([slot, hidden])
            .arg(Arg::new("x").long("exact"))
    }

    #[test]
    fn every_command_has_a_page_but_the_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        write(command(), folder.path()).unwrap();
        let pages = fs::read_dir(folder.path().join("man/man1")).unwrap();
        let mut pages: Vec<_> =
            pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
        pages.sort();
        assert_eq!(pages, ["a-badge-slot-install.1", "a-badge-slot.1", "a-badge.1"]);
        let page = fs::read_to_string(folder.path().join("man/man1/a-badge.1")).unwrap();
        assert!(page.contains("a\\-badge\\-slot(1)") && page.contains("\\-\\-exact"), "{page}");
        assert!(!page.contains("guard"), "{page}");
        assert!(page.contains(".nf\n  0  done\n  1  not done\n.fi\n.SH VERSION"), "{page}");
    }

    #[test]
    fn every_shell_completes_options() {
        let folder = tempfile::tempdir().unwrap();
        write(command(), folder.path()).unwrap();
        for (_, below, name) in SHELLS {
            let script =
                fs::read_to_string(folder.path().join(below).join(name("a-badge"))).unwrap();
            assert!(script.contains("exact") && script.contains("install"), "{script}");
            assert!(!script.contains("guard"), "{script}");
        }
    }

    #[test]
    fn bash_completes_a_command_below_a_command() {
        let folder = tempfile::tempdir().unwrap();
        write(command(), folder.path()).unwrap();
        let ask = "source bash-completion/completions/a-badge && COMP_WORDS=(a-badge slot i) COMP_CWORD=2 && \
                   _a__badge a-badge i slot && echo \"${COMPREPLY[@]}\"";
        let bash = std::process::Command::new("bash")
            .current_dir(folder.path())
            .args(["-c", ask])
            .output();
        assert_eq!(String::from_utf8_lossy(&bash.unwrap().stdout), "install\n");
    }
}
