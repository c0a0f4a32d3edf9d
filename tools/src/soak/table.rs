//! What a badge took over a long run, early, late and at most.

use std::fmt::Write as _;

use super::GROWTH;
use super::process::Taken;
use crate::Result;

/// A row's name, and its value.
type Row = (&'static str, fn(Taken) -> u64);

/// A part of all readings is early, and as large a one late.
const PART: usize = 10;

/// What was read over a run.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// Frames looked at, and what the badge took then, from when it was warm.
    taken: Vec<(u64, Taken)>,
}

impl Readings {
    /// What it took once it was warm.
    pub(super) fn first(&self) -> Option<Taken> {
        self.taken.first().map(|(_, taken)| *taken)
    }

    pub(super) fn add(&mut self, looks: u64, taken: Taken) {
        self.taken.push((looks, taken));
    }

    /// The table; an error beside it when the badge grew.
    pub(super) fn table(&self) -> Result<(String, Result<()>)> {
        if self.taken.is_empty() {
            return Ok((
                "nothing was measured, as the badge was not warm yet\n".to_owned(),
                Ok(()),
            ));
        }
        let part = (self.taken.len() / PART).max(1);
        let (early, late) = (&self.taken[..part], &self.taken[self.taken.len() - part..]);
        let (from, to) = (early[part - 1].0, late[0].0);
        let mut text = format!(
            "{:<24}{:>14}{:>14}{:>10}{:>9}\n",
            "frames looked at",
            format!("{} - {from}", early[0].0),
            format!("{to} - {}", late[part - 1].0),
            "most",
            "growth",
        );
        let rows: [Row; 4] = [
            ("resident memory, kB", |taken| taken.resident_kb),
            ("of it no file's, kB", |taken| taken.own_kb),
            ("file descriptors", |taken| taken.descriptors),
            ("threads", |taken| taken.threads),
        ];
        let mut grown = Vec::new();
        for (at, (name, of)) in rows.into_iter().enumerate() {
            let [before, after] = [early, late].map(|taken| median(taken, of));
            let most = self.taken.iter().map(|(_, taken)| of(*taken)).max().unwrap_or(0);
            let growth = after as f64 / before as f64 - 1.0;
            writeln!(text, "{name:<24}{before:>14}{after:>14}{most:>10}{:>8.2}%", growth * 1e2)?;
            // Memory may breathe; a descriptor or a thread more is one that is left over.
            let is_grown = if at < 2 { growth > GROWTH } else { after != before };
            if is_grown {
                grown.push(format!("{name}: {before} early, {after} late"));
            }
        }
        let verdict = if grown.is_empty() { Ok(()) } else { Err(grown.join("; ").into()) };
        Ok((text, verdict))
    }
}

fn median(taken: &[(u64, Taken)], of: fn(Taken) -> u64) -> u64 {
    let mut values: Vec<_> = taken.iter().map(|(_, taken)| of(*taken)).collect();
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
            |at| [30_000 + at * 10, 9_000, 20, 8],
            |at| [30_000, 9_000 + at * 3, 20, 8],
            |at| [30_000, 9_000, 20 + at / 20, 8],
            |at| [30_000, 9_000, 20, 8 + at / 60],
        ];
        for (leak, name) in leaks.into_iter().zip(["resident", "no file", "descriptors", "threads"])
        {
            let (_, verdict) = readings(leak).table().unwrap();
            assert!(verdict.unwrap_err().to_string().contains(name), "{name}");
        }
        // A peak that is over is none.
        let (_, verdict) =
            readings(|at| [30_000 + u64::from(at == 50) * 9_000, 9_000, 20, 8]).table().unwrap();
        assert!(verdict.is_ok());
    }
}
