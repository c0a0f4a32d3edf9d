//! Resource usage over a long run: first half against second half.

use std::fmt::Write as _;

use super::GROWTH;
use super::process::Taken;
use crate::Result;

/// A row: name, statistic of the values, and value of one reading.
type Row = (&'static str, fn(Vec<u64>) -> u64, fn(Taken) -> u64);

/// The readings of a run.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Number of processed frames, and the usage at that time, since the warm-up.
    taken: Vec<(u64, Taken)>,
}

impl Readings {
    /// The first reading after the warm-up.
    pub(super) fn first(&self) -> Option<Taken> {
        self.taken.first().map(|(_, taken)| *taken)
    }

    pub(super) fn add(&mut self, looks: u64, taken: Taken) {
        self.taken.push((looks, taken));
    }

    /// The table, and an error if the badge has grown.
    pub(super) fn table(&self) -> Result<(String, Result<()>)> {
        if self.taken.is_empty() {
            return Ok((
                "nothing was measured, as the badge was not warm yet\n".to_owned(),
                Ok(()),
            ));
        }
        // A single reading is in both halves.
        let middle = self.taken.len().div_ceil(2);
        let (early, late) = (&self.taken[..middle], &self.taken[self.taken.len() - middle..]);
        let span =
            |taken: &[(u64, Taken)]| format!("{} - {}", taken[0].0, taken[taken.len() - 1].0);
        let mut text = format!(
            "{:<24}{:>18}{:>18}{:>9}\n",
            "frames looked at",
            span(early),
            span(late),
            "growth"
        );
        let rows: [Row; 4] = [
            ("most memory, kB", most, |taken| taken.resident_kb),
            ("of it no file's, kB", most, |taken| taken.own_kb),
            ("file descriptors", median, |taken| taken.descriptors),
            ("threads", median, |taken| taken.threads),
        ];
        let mut grown = Vec::new();
        for (at, (name, of_all, of)) in rows.into_iter().enumerate() {
            let [before, after] = [early, late]
                .map(|taken| of_all(taken.iter().map(|(_, taken)| of(*taken)).collect()));
            let growth = after as f64 / before as f64 - 1.0;
            writeln!(text, "{name:<24}{before:>18}{after:>18}{:>8.2}%", growth * 1e2)?;
            // Memory varies; an additional descriptor or thread is a leak.
            let is_grown = if at < 2 { growth > GROWTH } else { after != before };
            if is_grown {
                grown.push(format!("{name}: {before} early, {after} late"));
            }
        }
        let verdict = if grown.is_empty() { Ok(()) } else { Err(grown.join("; ").into()) };
        Ok((text, verdict))
    }
}

/// The amount of free memory that a process keeps differs between restarts, so the peaks are compared.
fn most(values: Vec<u64>) -> u64 {
    values.into_iter().max().unwrap_or(0)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(of: impl Fn(u64) -> [u64; 4]) -> Readings {
        let mut readings = Readings::default();
        for at in 0..100 {
            let [resident_kb, own_kb, descriptors, threads] = of(at);
            readings.add(at * 1000, Taken { resident_kb, own_kb, descriptors, threads });
        }
        readings
    }

    #[test]
    fn what_stays_passes_and_what_grows_is_named() {
        let (text, verdict) = readings(|at| [30_000 + at % 7 * 100, 9_000, 20, 8]).table().unwrap();
        assert!(verdict.is_ok() && text.contains("30600"), "{text}");
        let leaks: [fn(u64) -> [u64; 4]; 4] = [
            |at| [30_000 + at * 20, 9_000, 20, 8],
            |at| [30_000, 9_000 + at * 6, 20, 8],
            |at| [30_000, 9_000, 20 + at / 20, 8],
            |at| [30_000, 9_000, 20, 8 + at / 60],
        ];
        for (leak, name) in
            leaks.into_iter().zip(["most memory", "no file", "descriptors", "threads"])
        {
            let (_, verdict) = readings(leak).table().unwrap();
            assert!(verdict.unwrap_err().to_string().contains(name), "{name}");
        }
        // A peak in the first half only is no growth.
        let (_, verdict) =
            readings(|at| [30_000 + u64::from(at == 20) * 9_000, 9_000, 20, 8]).table().unwrap();
        assert!(verdict.is_ok());
    }
}
