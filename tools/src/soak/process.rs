//! What a process takes of the system.

use std::fs;

use crate::Result;

/// What a process takes at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Resident memory, kB.
    pub(super) resident_kb: u64,
    /// What of it is no file's, kB: pages of the program come and go with what the machine needs.
    pub(super) own_kb: u64,
    /// Open file descriptors.
    pub(super) descriptors: u64,
    pub(super) threads: u64,
}

impl Taken {
    /// What the process with this number takes now.
    pub(super) fn by(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let number = |name| number(&status, name).ok_or(format!("the system tells no {name}"));
        Ok(Self {
            resident_kb: number("VmRSS")?,
            own_kb: number("RssAnon")?,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64,
            threads: number("Threads")?,
        })
    }
}

/// The number behind `name` in a process's status.
fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_a_status() {
        let status =
            "Name:\tx\nVmHWM:\t   39000 kB\nVmRSS:\t   38024 kB\nRssAnon:\t   9 kB\nThreads:\t4\n";
        assert_eq!(number(status, "VmRSS"), Some(38_024));
        assert_eq!(number(status, "RssAnon"), Some(9));
        assert_eq!(number(status, "Threads"), Some(4));
        assert_eq!(number("Name:\tx\n", "VmRSS"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_open_file_and_a_thread_count() {
        let before = Taken::by(std::process::id()).unwrap();
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let after = Taken::by(std::process::id()).unwrap();
        // Other tests run in this process meanwhile.
        assert!(after.descriptors >= before.descriptors + 40, "{before:?}, {after:?}");
        assert!(after.resident_kb > 0 && after.threads > 0);
        drop(files);
    }
}
