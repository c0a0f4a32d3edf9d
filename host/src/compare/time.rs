//! CPU time per face, relative to another recognizer.

use std::time::Duration;

use emocue_models::failure::Failure;

/// Classifies one row of the dataset.
pub type Answer<'a> = Box<dyn FnMut(usize) -> Result<(), Box<dyn Failure>> + 'a>;

/// Smallest and largest number of laps.
const LAPS: (usize, usize) = (5, 200);

/// CPU time after which only the smallest number of laps is completed.
const ENOUGH: Duration = Duration::from_millis(1500);

/// CPU time per face of `candidate`, relative to `reference`. Both classify `rows` alternately, one face per lap, and
/// the fastest lap of each counts, since other load can only add time.
///
/// # Errors
/// A recognizer's error.
pub fn ratio(
    reference: &mut Answer<'_>,
    candidate: &mut Answer<'_>,
    rows: &[usize],
) -> Result<f64, Box<dyn Failure>> {
    let (mut least, mut total) = ([Duration::MAX; 2], Duration::ZERO);
    let rows = rows.iter().cycle().take(LAPS.1);
    for (lap, row) in rows.enumerate() {
        if lap >= LAPS.0 && total >= ENOUGH {
            break;
        }
        let times = [lap_of(reference, *row)?, lap_of(candidate, *row)?];
        for (least, time) in least.iter_mut().zip(times) {
            (*least, total) = ((*least).min(time), total + time);
        }
    }
    // A clock of low resolution may measure 0.
    let [reference, candidate] = least.map(|time| time.as_secs_f64().max(1e-9));
    Ok(candidate / reference)
}

/// CPU time of one answer.
fn lap_of(answer: &mut Answer<'_>, row: usize) -> Result<Duration, Box<dyn Failure>> {
    let start = cpu_time();
    answer(row)?;
    Ok(cpu_time().saturating_sub(start))
}

/// CPU time of all threads of this process, since a recognizer may start threads.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Wall time, on systems without this measurement of CPU time.
#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use emocue_models::failure::Problem;

    use super::*;

    /// Sums `count` numbers.
    fn work(count: u64) -> Answer<'static> {
        Box::new(move |row| {
            let sum = (0..count).fold(row as u64, |sum, i| std::hint::black_box(sum ^ i) + 1);
            std::hint::black_box(sum);
            Ok(())
        })
    }

    #[test]
    fn ten_times_the_work_takes_longer() {
        let ratio = ratio(&mut work(20_000), &mut work(200_000), &[1, 2, 3]).unwrap();
        assert!(ratio > 3.0, "{ratio}");
    }

    #[test]
    fn a_recognizer_that_fails_is_reported() {
        let mut fails: Answer<'_> = Box::new(|_| Err(Problem::new("no answer").into()));
        let error = ratio(&mut work(10), &mut fails, &[1]).unwrap_err();
        assert_eq!(error.to_string(), "no answer");
    }
}
