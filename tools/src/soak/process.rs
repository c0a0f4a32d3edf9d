//! Resource usage of a process.

use std::fs;

use crate::Result;

/// Resource usage of a process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Resident memory, kB.
    pub(super) resident_kb: u64,
    /// Its part without file-backed pages, kB; pages of the program vary with the machine's need for memory.
    pub(super) own_kb: u64,
    /// Open file descriptors.
    pub(super) descriptors: u64,
    pub(super) threads: u64,
}

impl Taken {
    /// The current usage of the process with this id.
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

/// The number of the field `name` in `/proc/PID/status`.
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
        // Other tests run in this process at the same time.
        assert!(after.descriptors >= before.descriptors + 40, "{before:?}, {after:?}");
        assert!(after.resident_kb > 0 && after.threads > 0);
        drop(files);
    }
}
