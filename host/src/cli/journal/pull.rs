//! `emocue journal pull`

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use emocue_flash::FlashTarget;
use emocue_flash::monitor::BadgeConnector as _;
use emocue_flash::monitor::source::OverSsh;
use emocue_flash::target::{Port, TargetError};
use emocue_models::failure::{Failure, Problem, exit};

use crate::cli::flash::SshArgs;
use crate::journal::pull::{Copies, Pulled, from_badge, from_folder};
use crate::output::{errln, outln};

/// Copy a badge's journals in sealed form; nothing is removed on the badge.
#[derive(Args, Debug)]
#[command(after_help = "\
New journals are copied, and grown ones are extended. A copy that is longer than the badge's or differs stays.

  emocue journal pull --on ssh://pi@badge.local --to journals
  emocue journal pull --on serial:/dev/ttyACM0 --to journals
  emocue journal pull --on /media/you/rootfs --to journals")]
pub(super) struct PullArgs {
    /// The badge: ssh://user@host[:port], serial:DEVICE[@baud] or /dev/DEVICE, or a folder: its card, its state folder or
    /// the journals in it
    #[arg(long, value_name = "BADGE")]
    on: JournalPlace,
    /// Folder for the copies; created if missing
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    ssh: SshArgs,
}

/// The source of the journals.
#[derive(Clone, Debug)]
enum JournalPlace {
    Badge(FlashTarget),
    Folder(PathBuf),
}

impl FromStr for JournalPlace {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.contains("://") || text.starts_with("serial:") {
            return text.parse().map(Self::Badge);
        }
        match text.starts_with("/dev/") {
            true => format!("serial:{text}").parse().map(Self::Badge),
            false => Ok(Self::Folder(text.into())),
        }
    }
}

/// Copies journals and prints the outcome for each.
pub(super) fn run(args: &PullArgs) -> Result<(), Box<dyn Failure>> {
    if let JournalPlace::Folder(from) = &args.on
        && !from.is_dir()
    {
        let message = format!("{} is not a folder", from.display());
        let help =
            "Name a badge (ssh://user@host, serial:/dev/ttyACM0), or the folder of a mounted card.";
        return Err(Problem::new(message).help(help).code(exit::INPUT).into());
    }
    let mut counts = Counts::default();
    match &args.on {
        JournalPlace::Folder(from) => {
            let mut copies = Copies::in_folder(&args.to)?;
            from_folder(from, &mut copies, &mut |file, taken| counts.tell(file, taken))?;
        }
        JournalPlace::Badge(target) => {
            let mut badge = match target {
                FlashTarget::Serial(port) => Port::clone(port).connect()?,
                FlashTarget::Ssh(address) => {
                    OverSsh::new(address.clone(), args.ssh.settings()?).connect()?
                }
                FlashTarget::Mount(folder) | FlashTarget::Image(folder) => {
                    let message = format!("{} is not a badge", folder.display());
                    return Err(Problem::usage(message).into());
                }
            };
            let mut copies = Copies::in_folder(&args.to)?;
            let mut tell = |file: &str, taken| counts.tell(file, taken);
            from_badge(badge.as_mut(), &mut copies, &mut tell)?;
        }
    }
    counts.end()
}

/// Numbers of outcomes.
#[derive(Debug, Default)]
struct Counts {
    written: usize,
    there: usize,
    kept: usize,
}

impl Counts {
    fn tell(&mut self, file: &str, taken: Result<(PathBuf, Pulled), String>) {
        let (path, pulled) = match taken {
            Ok((path, pulled)) => (path.display().to_string(), pulled),
            Err(why) => {
                self.kept += 1;
                return errln!("{file}: not copied: {why}");
            }
        };
        let intervals = |count: usize| match count {
            1 => "1 interval".to_owned(),
            count => format!("{count} intervals"),
        };
        match pulled {
            Pulled::New(count) => outln!("{path}: new, {}", intervals(count)),
            Pulled::Grew(count) => outln!("{path}: {} more", intervals(count)),
            Pulled::Same => {}
            Pulled::Longer => outln!("{path}: has more than the badge, and stays"),
            Pulled::Differs => {
                errln!("{path}: is something else than {file} of the badge, and stays")
            }
        }
        match pulled {
            Pulled::New(_) | Pulled::Grew(_) => self.written += 1,
            Pulled::Same | Pulled::Longer => self.there += 1,
            Pulled::Differs => self.kept += 1,
        }
    }

    fn end(self) -> Result<(), Box<dyn Failure>> {
        let Self { written, there, kept } = self;
        outln!("{written} written, {there} there already");
        if kept == 0 {
            return Ok(());
        }
        let message = format!("{kept} of the badge's journals not copied");
        let help = "Where something else is in the way, copy into another folder.";
        Err(Problem::new(message).help(help).code(exit::OUTPUT).into())
    }
}
