//! `cargo xtask steadiness --fit`: finds the best `[steady]` section for the networks.
//!
//! Every frame is classified independently once; then a grid search over the settings uses those answers.

mod simulate;

use std::fmt::Write as _;

use emocue_models::steady::SteadySettings;

use self::simulate::{Sequence, threshold};
use super::bars::SteadinessBudget;
use super::changes::Changes;
use super::log::{Frame, seconds};
use super::scene::script::Kind;
use super::segments::{Segment, delay_ms, percentile, segments};
use super::truth::{Span, TruthFigures};

/// Grid values of each setting; `enter` also takes the networks' threshold.
const TAU_S: [f32; 7] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4];
const ENTER: [f32; 5] = [0.5, 0.56, 0.62, 0.68, 0.74];
const STAY: [f32; 6] = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45];
const LEAD: [f32; 5] = [0.1, 0.2, 0.3, 0.4, 0.5];
const DWELL_S: [f32; 3] = [0.5, 0.75, 1.0];

/// A stream of single-frame answers.
pub(super) struct Case {
    /// Frame rate, as named in the tables; each rate is evaluated separately.
    fps: String,
    seconds: f64,
    sequence: Sequence,
    segments: Vec<Segment>,
    /// Kind and ground truth of a synthetic scene.
    known: Option<(Kind, Vec<Span>)>,
}

impl Case {
    /// A case from the single-frame answers `raw`; `known` is the ground truth of a synthetic scene.
    pub(super) fn new(fps: String, raw: &[Frame], known: Option<(Kind, Vec<Span>)>) -> Self {
        let sequence = Sequence::of(raw);
        Self { fps, seconds: seconds(raw), sequence, segments: segments(raw), known }
    }
}

/// All cases, and the frames for the networks' threshold.
#[derive(Default)]
pub(super) struct Fit {
    cases: Vec<Case>,
    /// The answers from which the threshold is estimated.
    raw: Vec<Frame>,
}

/// Figures of a setting at its worst rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    changes_a_minute: f64,
    delay_ms: f64,
    missed_percent: f64,
    needless_a_minute: f64,
    true_delay_ms: f64,
}

impl Score {
    fn worst(self, other: Self) -> Self {
        Self {
            changes_a_minute: self.changes_a_minute.max(other.changes_a_minute),
            delay_ms: self.delay_ms.max(other.delay_ms),
            missed_percent: self.missed_percent.max(other.missed_percent),
            needless_a_minute: self.needless_a_minute.max(other.needless_a_minute),
            true_delay_ms: self.true_delay_ms.max(other.true_delay_ms),
        }
    }

    /// Number of limits that it exceeds.
    fn broken(&self, budget: &SteadinessBudget) -> usize {
        let bars = [
            (self.delay_ms, budget.delay_p90_ms),
            (self.missed_percent, budget.missed_percent),
            (self.needless_a_minute, budget.needless_a_minute),
            (self.true_delay_ms, budget.true_delay_p90_ms),
        ];
        bars.iter().filter(|(measured, limit)| measured > limit).count()
    }
}

impl Fit {
    /// Adds a stream; see [`Case::new`].
    pub(super) fn add(&mut self, fps: String, raw: Vec<Frame>, known: Option<(Kind, Vec<Span>)>) {
        self.cases.push(Case::new(fps, &raw, known));
        self.raw.extend(raw);
    }

    /// Evaluates every setting, and returns a text with the Pareto front of changes against delay, the current
    /// settings, and the chosen section.
    pub(super) fn report(mut self, budget: &SteadinessBudget) -> crate::Result<String> {
        let threshold = threshold(&self.raw).ok_or("no face in the clips")?;
        let mut tried: Vec<(SteadySettings, Score)> = Vec::new();
        for settings in grid() {
            tried.push((settings, self.score(&settings, threshold)));
        }
        let today = SteadySettings::default();
        let score = self.score(&today, threshold);
        let best = tried
            .iter()
            .min_by(|(a, x), (b, y)| {
                let order = |s: &Score| [s.broken(budget) as f64, s.changes_a_minute, s.delay_ms];
                let by_score = order(x).partial_cmp(&order(y)).unwrap_or(std::cmp::Ordering::Equal);
                by_score.then(distance(a, &today).total_cmp(&distance(b, &today)))
            })
            .ok_or("nothing was tried")?;
        let mut text = format!(
            "{} settings on {} streams; threshold of the networks {threshold:.3}; each figure at the worst rate\n\n\
             | tau, s | enter | stay | lead | dwell, s | changes a minute | delay p90, ms | missed, % \
             | needless a minute | true change p90, ms | |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
            tried.len(),
            self.cases.len()
        );
        let front = frontier(&tried, budget);
        for (settings, score) in front.iter().filter(|(settings, _)| *settings != best.0) {
            text += &row(settings, score, "");
        }
        text += &row(&best.0, &best.1, "chosen");
        text += &row(&today, &score, "today");
        let section = toml::to_string(&best.0)?;
        write!(text, "\n[steady]\n{section}")?;
        if best.1.broken(budget) > 0 {
            text += "# No setting meets every bar of tools/budget.toml.\n";
        }
        Ok(text)
    }

    fn score(&mut self, settings: &SteadySettings, threshold: f32) -> Score {
        let mut rates: Vec<(String, Sums)> = Vec::new();
        for case in &mut self.cases {
            let shown = case.sequence.show(settings, threshold);
            let at = rates.iter().position(|(fps, _)| *fps == case.fps).unwrap_or_else(|| {
                rates.push((case.fps.clone(), Sums::default()));
                rates.len() - 1
            });
            let sums = &mut rates[at].1;
            match &case.known {
                None => {
                    sums.seconds += case.seconds;
                    sums.changes += Changes::of(shown).all;
                    sums.segments += case.segments.len();
                    sums.delays
                        .extend(case.segments.iter().filter_map(|part| delay_ms(part, shown)));
                }
                Some((Kind::Changes, spans)) => {
                    sums.known_s += case.seconds;
                    sums.truth.add(&TruthFigures::of(shown, spans));
                }
                Some(_) => {}
            }
        }
        rates.iter().map(|(_, sums)| sums.score()).fold(Score::default(), Score::worst)
    }
}

/// Sums over the cases of one rate.
#[derive(Default)]
struct Sums {
    seconds: f64,
    changes: usize,
    segments: usize,
    delays: Vec<u64>,
    known_s: f64,
    truth: TruthFigures,
}

impl Sums {
    fn score(&self) -> Score {
        // Without any case of a kind the figure is 0.
        let share = |count: usize, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
        let p90 = |delays: &[u64]| percentile(delays, 0.9).unwrap_or(0) as f64;
        Score {
            changes_a_minute: share(self.changes, self.seconds) * 60.0,
            delay_ms: p90(&self.delays),
            missed_percent: share(self.segments - self.delays.len(), self.segments as f64) * 1e2,
            needless_a_minute: share(self.truth.needless, self.known_s) * 60.0,
            true_delay_ms: p90(&self.truth.delays_ms),
        }
    }
}

/// All settings of the grid.
fn grid() -> Vec<SteadySettings> {
    let mut all = Vec::new();
    let enters: Vec<Option<f32>> = std::iter::once(None).chain(ENTER.map(Some)).collect();
    for tau_s in TAU_S {
        for enter in &enters {
            for stay in STAY {
                for lead in LEAD {
                    for dwell_s in DWELL_S {
                        let rest = SteadySettings::default();
                        all.push(SteadySettings {
                            tau_s,
                            enter: *enter,
                            stay,
                            lead,
                            dwell_s,
                            ..rest
                        });
                    }
                }
            }
        }
    }
    all
}

/// The Pareto front: settings within the limit of missed segments for which no other has both fewer changes and less
/// delay, fewest changes first.
fn frontier<'a>(
    tried: &'a [(SteadySettings, Score)],
    budget: &SteadinessBudget,
) -> Vec<&'a (SteadySettings, Score)> {
    let mut good: Vec<_> =
        tried.iter().filter(|(_, score)| score.missed_percent <= budget.missed_percent).collect();
    good.sort_by(|(_, a), (_, b)| {
        let order = |score: &Score| [score.changes_a_minute, score.delay_ms, score.true_delay_ms];
        order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut least = f64::INFINITY;
    good.retain(|(_, score)| {
        let is_quicker = score.delay_ms < least;
        least = least.min(score.delay_ms);
        is_quicker
    });
    good
}

/// Distance of two settings: of equals, the one nearest to the current settings is chosen.
fn distance(one: &SteadySettings, other: &SteadySettings) -> f32 {
    let enter = |settings: &SteadySettings| settings.enter.unwrap_or(0.6);
    [
        one.tau_s - other.tau_s,
        enter(one) - enter(other),
        one.stay - other.stay,
        one.lead - other.lead,
        one.dwell_s - other.dwell_s,
    ]
    .iter()
    .map(|difference| difference.abs())
    .sum()
}

fn row(settings: &SteadySettings, score: &Score, note: &str) -> String {
    let SteadySettings { tau_s, enter, stay, lead, dwell_s, .. } = settings;
    let enter = enter.map_or("threshold".to_owned(), |enter| format!("{enter}"));
    format!(
        "| {tau_s} | {enter} | {stay} | {lead} | {dwell_s} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} | {note} |\n",
        score.changes_a_minute,
        score.delay_ms,
        score.missed_percent,
        score.needless_a_minute,
        score.true_delay_ms,
    )
}

#[cfg(test)]
mod tests {
    use super::simulate::tests::with_probabilities;
    use super::*;
    use crate::budget::Budget;

    fn report(words: &str) -> String {
        let mut fit = Fit::default();
        fit.add("own".to_owned(), with_probabilities(33, words), None);
        fit.report(&Budget::read().unwrap().steadiness).unwrap()
    }

    #[test]
    fn the_section_is_one_that_a_badge_reads() {
        let text = report("fear*60 anger*3 fear*60 neutral*40 unsure*9 neutral*40");
        let (table, section) = text.split_once("[steady]\n").unwrap();
        let settings: SteadySettings = toml::from_str(section).unwrap();
        assert!(
            TAU_S.contains(&settings.tau_s) && DWELL_S.contains(&settings.dwell_s),
            "{section}"
        );
        assert!(!section.contains("000"), "{section}");
        let chosen = table.lines().find(|line| line.ends_with("| chosen |")).unwrap();
        // One true change; no setting with fewer changes shows both answers.
        let cells: Vec<&str> = chosen.split('|').map(str::trim).collect();
        assert_eq!((cells[8], cells[9]), ("0.0", "0.0"), "{table}");
        assert!(table.lines().any(|line| line.ends_with("| today |")), "{table}");
    }

    #[test]
    fn a_quicker_setting_is_on_the_frontier_only_if_it_is_quicker() {
        let budget = Budget::read().unwrap().steadiness;
        let tried = |changes_a_minute, delay_ms, missed_percent| {
            let score = Score { changes_a_minute, delay_ms, missed_percent, ..Score::default() };
            (SteadySettings::default(), score)
        };
        let all = [
            tried(9.0, 300.0, 0.0),
            tried(5.0, 400.0, 0.0),
            tried(9.0, 500.0, 0.0),
            tried(20.0, 100.0, 0.0),
            tried(1.0, 100.0, 50.0),
            tried(21.0, 100.0, 0.0),
        ];
        let front: Vec<f64> =
            frontier(&all, &budget).iter().map(|(_, score)| score.changes_a_minute).collect();
        assert_eq!(front, [5.0, 9.0, 20.0]);
    }

    #[test]
    fn clips_without_a_face_fit_nothing() {
        let mut fit = Fit::default();
        fit.add("own".to_owned(), with_probabilities(33, "no-face*30"), None);
        let error = fit.report(&Budget::read().unwrap().steadiness).unwrap_err();
        assert!(error.to_string().contains("no face"), "{error}");
    }
}
