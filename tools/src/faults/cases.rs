//! Runs the cases: two at a time, each in a folder of its own, which is kept if the case fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::lab::Verdict;
use crate::Result;
use crate::cargo::{check, root};

/// Number of parallel cases: a badge uses one core.
const AT_ONCE: usize = 2;

/// Folder for the files of failed cases, below the workspace's root.
const KEPT: &str = "target/faults";

/// Counts of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) cases: usize,
    pub(super) lost: usize,
}

/// One fault that a badge must survive, in a folder of its own.
pub(super) struct Case<'a> {
    pub(super) name: String,
    check: Box<dyn Fn(&Path) -> Verdict + Send + Sync + 'a>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        name: impl Into<String>,
        check: impl Fn(&Path) -> Verdict + Send + Sync + 'a,
    ) -> Self {
        Self { name: name.into(), check: Box::new(check) }
    }
}

/// A group of cases, and what is needed to repeat one.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) quick: bool,
    /// The only case to run, if one was selected.
    pub(super) only: Option<String>,
    /// Folder for the files of failed cases.
    kept: PathBuf,
}

impl Group {
    pub(super) fn new(name: &'static str, seed: u64, quick: bool, only: Option<String>) -> Self {
        Self { name, seed, quick, only, kept: root().join(KEPT) }
    }

    /// Removes the files that an earlier run of this group kept.
    pub(super) fn clear(&self) -> Result<()> {
        let kept = self.kept.join(self.name);
        if kept.exists() {
            fs::remove_dir_all(&kept).map_err(|e| format!("{}: {e}", kept.display()))?;
        }
        Ok(())
    }

    /// Whether a case is to be run.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }

    /// Runs `cases`.
    pub(super) fn run(&self, cases: Vec<Case<'_>>) -> Result<Tally> {
        let cases: Vec<_> = cases.into_iter().filter(|case| self.wants(&case.name)).collect();
        let (next, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let failed = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match self.case(case) {
                            Ok(true) => {}
                            Ok(false) => drop(lost.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => {
                                if let Ok(mut failed) = failed.lock() {
                                    *failed = Some(error.to_string());
                                }
                                return;
                            }
                        }
                    }
                });
            }
        });
        match failed.into_inner() {
            Ok(None) => Ok(Tally { cases: cases.len(), lost: lost.into_inner() }),
            Ok(Some(error)) => Err(error.into()),
            Err(_) => Err("a case has panicked".into()),
        }
    }

    fn case(&self, case: &Case<'_>) -> Result<bool> {
        let folder = tempfile::tempdir()?;
        match (case.check)(folder.path()) {
            Ok(()) => Ok(true),
            Err(why) => {
                self.lost(&case.name, &why, folder.path())?;
                Ok(false)
            }
        }
    }

    /// Reports a failed case and keeps its folder.
    pub(super) fn lost(&self, case: &str, why: &str, folder: &Path) -> Result<()> {
        let kept = self.kept.join(self.name).join(case);
        fs::create_dir_all(kept.parent().unwrap_or(&kept))?;
        // Preserves links, holes and pipes, with one program that every Linux has.
        check(Command::new("cp").args(["-a", "--sparse=always", "-T"]).arg(folder).arg(&kept))?;
        eprintln!(
            "lost: {}: {case}: {why}\n  again: cargo xtask faults --no-build --group {} --seed {}{} --case {case}\n  \
             kept: {}",
            self.name,
            self.name,
            self.seed,
            if self.quick { " --quick" } else { "" },
            kept.display(),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_case_is_counted_and_its_folder_kept() {
        let kept = tempfile::tempdir().unwrap();
        let mut group = Group::new("group", 1, true, None);
        group.kept = kept.path().into();
        let cases = || {
            let bad = |folder: &Path| {
                fs::write(folder.join("left"), "x").unwrap();
                Err("it is bad".to_owned())
            };
            vec![
                Case::new("good", |_| Ok(())),
                Case::new("bad", bad),
                Case::new("fine", |_| Ok(())),
            ]
        };
        assert_eq!(group.run(cases()).unwrap(), Tally { cases: 3, lost: 1 });
        assert!(kept.path().join("group/bad/left").exists());
        group.clear().unwrap();
        assert!(!kept.path().join("group").exists());
        group.only = Some("good".into());
        assert_eq!(group.run(cases()).unwrap(), Tally { cases: 1, lost: 0 });
    }
}
