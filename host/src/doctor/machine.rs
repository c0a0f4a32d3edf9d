//! The computer: cores and their instruction sets, memory, free disk space.

use std::fs;

use emocue_kernels::Isa;

use super::CheckOutcome;

/// Smallest memory for a training, MB.
const LEAST_MEMORY: u64 = 512;

/// Memory below which several workers with a large network may fail, MB.
const LITTLE_MEMORY: u64 = 2048;

/// Smallest free disk space for a run's folder, MB.
const LEAST_SPACE: u64 = 256;

/// The number of cores, and the instruction sets for inference and training.
pub(super) fn cpu() -> CheckOutcome {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = match cores {
        1 => "1 core".to_owned(),
        more => format!("{more} cores"),
    };
    let isa = match Isa::chosen() {
        Ok(isa) => isa,
        Err(error) => {
            let fix = "leave EMOCUE_ISA out of the environment; it is for tests";
            return CheckOutcome::problem(format!("{cores}; {error}"), fix);
        }
    };
    let floats = floats();
    let found = format!("{cores}; integers with {}, floats with {floats}", isa.name());
    match isa == Isa::PORTABLE {
        false => CheckOutcome::ok(found),
        true => CheckOutcome::missing(
            format!("{found}: everything is slow"),
            "a processor with AVX2 (x86-64) or NEON (64-bit ARM), with 2 cores or more",
        ),
    }
}

/// The widest floating-point vectors that training uses.
#[cfg(target_arch = "x86_64")]
fn floats() -> &'static str {
    match () {
        () if std::is_x86_feature_detected!("avx512f") => "AVX-512",
        () if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") => {
            "AVX2 and FMA"
        }
        () => "SSE2",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn floats() -> &'static str {
    match cfg!(target_arch = "aarch64") {
        true => "NEON",
        false => "no vectors",
    }
}

/// Whether there is enough memory for a training.
pub(super) fn memory() -> CheckOutcome {
    let megabytes = |text: &str, key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
    };
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = megabytes(&text, "MemAvailable:").zip(megabytes(&text, "MemTotal:"));
    available.map_or_else(
        || CheckOutcome::note("this system does not tell"),
        |(available, total)| enough_memory(available, total),
    )
}

fn enough_memory(available: u64, total: u64) -> CheckOutcome {
    let found = format!("{available} MB of {total} MB available");
    match available {
        ..LEAST_MEMORY => CheckOutcome::problem(
            format!("{found}, less than {LEAST_MEMORY}"),
            "stop other programs, or use a computer with more",
        ),
        LEAST_MEMORY..LITTLE_MEMORY => {
            CheckOutcome::note(format!("{found}; train with --workers 1 and a small network"))
        }
        _ => CheckOutcome::ok(found),
    }
}

/// Whether the working folder has enough free space for a run.
#[cfg(target_os = "linux")]
pub(super) fn space() -> CheckOutcome {
    match rustix::fs::statvfs(".") {
        Ok(disk) => enough_space((disk.f_bavail.saturating_mul(disk.f_frsize)) >> 20),
        Err(error) => CheckOutcome::note(format!("the working folder does not tell: {error}")),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn space() -> CheckOutcome {
    CheckOutcome::note("this system does not tell")
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn enough_space(megabytes: u64) -> CheckOutcome {
    let found = format!("{megabytes} MB free in the working folder");
    match megabytes {
        ..LEAST_SPACE => CheckOutcome::problem(
            format!("{found}, less than {LEAST_SPACE}"),
            "make room, or work in another folder",
        ),
        _ => CheckOutcome::ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_is_a_note_and_too_little_a_problem() {
        let of = |available| enough_memory(available, 8000);
        assert!(matches!(of(511), CheckOutcome::Problem { .. }));
        assert!(matches!(of(512), CheckOutcome::Note { .. }));
        assert_eq!(of(2048), CheckOutcome::ok("2048 MB of 8000 MB available"));
        assert!(matches!(enough_space(255), CheckOutcome::Problem { .. }));
        assert!(matches!(enough_space(256), CheckOutcome::Ok { .. }));
    }
}
