//! Comparison of the figures with the limits in `tools/budget.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ClipFigures;
use super::generated::SceneFigures;
use super::measure::Figures;
use super::scene::script::Kind;
use super::segments::percentile;
use super::table::distinct;
use super::truth::TruthFigures;
use crate::budget::BudgetLine;

/// `[steadiness]` of `tools/budget.toml`; the file says what each entry means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SteadinessBudget {
    short_answers: f64,
    pub(super) missed_percent: f64,
    pub(super) delay_p90_ms: f64,
    pub(super) true_delay_p90_ms: f64,
    pub(super) needless_a_minute: f64,
    still_a_minute: f64,
    swaps_a_minute: f64,
    stale_ms: f64,
    cpu_ratio: f64,
    changes_a_minute: BTreeMap<String, f64>,
}

/// Compares every figure that has a limit, separately for each rate.
pub(super) fn compare(
    budget: &SteadinessBudget,
    clips: &[ClipFigures],
    scenes: &[SceneFigures],
) -> Vec<BudgetLine> {
    let mut lines = Vec::new();
    for rate in distinct(clips.iter().map(|clip| clip.fps.as_str())) {
        let clips: Vec<&ClipFigures> = clips.iter().filter(|clip| clip.fps == rate).collect();
        of_clips(budget, &clips, rate, &mut lines);
    }
    for rate in distinct(scenes.iter().map(|scene| scene.rate.as_str())) {
        let scenes: Vec<&SceneFigures> = scenes.iter().filter(|scene| scene.rate == rate).collect();
        of_scenes(budget, &scenes, rate, &mut lines);
    }
    lines
}

fn of_clips(
    budget: &SteadinessBudget,
    clips: &[&ClipFigures],
    rate: &str,
    lines: &mut Vec<BudgetLine>,
) {
    let mut add = |what: &str, measured: f64, limit: f64, unit, note: String| {
        lines.push(BudgetLine { what: format!("{what}, {rate} fps"), measured, limit, unit, note });
    };
    for group in distinct(clips.iter().map(|clip| clip.group.as_str())) {
        let Some(limit) = budget.changes_a_minute.get(group) else { continue };
        let of_group = clips.iter().filter(|clip| clip.group == group);
        let figures = Figures::sum(of_group.map(|clip| &clip.figures));
        let changes = figures.steady.changes.all;
        let note = format!("{changes} in {:.1} s", figures.seconds);
        add(&format!("changes, {group}"), figures.a_minute(changes), *limit, "/min", note);
    }
    let all = Figures::sum(clips.iter().map(|clip| &clip.figures));
    let short = all.steady.changes.short as f64;
    add("answers under 0.5 s", short, budget.short_answers, "", String::new());
    if let Some(missed) = all.missed_percent() {
        let note = format!("{} of {}", all.missed, all.segments);
        add("steady segments missed", missed, budget.missed_percent, "%", note);
    }
    if let Some(delay) = all.delay_ms(0.9) {
        add("delay, p90", delay as f64, budget.delay_p90_ms, "ms", String::new());
    }
}

fn of_scenes(
    budget: &SteadinessBudget,
    scenes: &[&SceneFigures],
    rate: &str,
    lines: &mut Vec<BudgetLine>,
) {
    let mut add = |what: &str, measured: f64, limit: f64, unit, note: &str| {
        let (what, note) = (format!("{what}, {rate} fps"), note.to_owned());
        lines.push(BudgetLine { what, measured, limit, unit, note });
    };
    let of = |kind: Kind| scenes.iter().filter(move |scene| scene.kind == kind);
    // Figures that need many cases are computed over all scenes of a kind.
    for (kind, name) in [(Kind::Joined, "in joined clips"), (Kind::Changes, "in drawn scenes")] {
        let (mut truth, mut total_s) = (TruthFigures::default(), 0.0);
        for scene in of(kind) {
            truth.add(&scene.steady_truth);
            total_s += scene.figures.seconds;
        }
        let Some(delay) = percentile(&truth.delays_ms, 0.9) else { continue };
        let missed = format!("{} of {} missed", truth.missed, truth.true_changes);
        let limit = budget.true_delay_p90_ms;
        add(&format!("delay after a change, p90, {name}"), delay as f64, limit, "ms", &missed);
        if kind == Kind::Changes {
            let needless = truth.needless as f64 * 60.0 / total_s;
            add("needless changes", needless, budget.needless_a_minute, "/min", "");
        }
    }
    for scene in of(Kind::Still) {
        let changes = scene.figures.a_minute(scene.figures.steady.changes.all);
        add(&scene.scene, changes, budget.still_a_minute, "/min", "changes");
        // The limit applies to clips of one face at 30 frames per second.
        if scene.fps >= 30.0 {
            add(
                &scene.scene,
                scene.figures.cpu_ratio(),
                budget.cpu_ratio,
                "",
                "CPU by single frames'",
            );
        }
    }
    for scene in of(Kind::Two) {
        let swaps = scene.figures.a_minute(scene.figures.steady.swaps);
        add(&scene.scene, swaps, budget.swaps_a_minute, "/min", "swaps");
    }
    for scene in of(Kind::Passing) {
        let stale = scene.steady_truth.stale_ms as f64;
        add(&scene.scene, stale, budget.stale_ms + 1e3 / scene.fps, "ms", "stale");
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::super::measure::by_hand;
    use super::*;
    use crate::budget::Budget;

    fn over(lines: &[BudgetLine]) -> Vec<&str> {
        lines.iter().filter(|line| line.is_over()).map(|line| line.what.as_str()).collect()
    }

    fn clip(name: &str, raw: &str, steady: &str) -> ClipFigures {
        let figures = Figures::of(&by_hand(frames(100, raw), frames(100, steady)));
        let group = name.split('-').next().unwrap().to_owned();
        ClipFigures { clip: name.to_owned(), group, fps: "own".to_owned(), figures }
    }

    #[test]
    fn a_clip_of_a_known_kind_has_its_own_bar() {
        let budget = Budget::read().unwrap().steadiness;
        let good = compare(&budget, &[clip("talk-1", "fear*30", "fear*30")], &[]);
        assert_eq!((good.len(), over(&good).len()), (4, 0));
        let restless = compare(&budget, &[clip("talk-1", "fear*30", "fear*4 anger*26")], &[]);
        assert_eq!(over(&restless), ["changes, talk, own fps", "answers under 0.5 s, own fps"]);
        // A kind without its own limits has the general ones.
        let slow = compare(&budget, &[clip("walk-1", "fear*30", "unsure*6 fear*24")], &[]);
        assert_eq!(over(&slow), ["delay, p90, own fps"]);
        let missed = compare(&budget, &[clip("walk-1", "fear*30", "unsure*30")], &[]);
        assert_eq!(over(&missed), ["steady segments missed, own fps"]);
    }

    fn scene(kind: Kind, steady: &str, steady_truth: TruthFigures) -> SceneFigures {
        let raw = frames(100, "fear*600");
        let figures = Figures::of(&by_hand(raw, frames(100, steady)));
        let raw_truth = TruthFigures::default();
        SceneFigures {
            scene: "scene".to_owned(),
            kind,
            rate: "own".to_owned(),
            fps: 30.0,
            raw_truth,
            steady_truth,
            figures,
        }
    }

    #[test]
    fn every_kind_of_scene_has_its_bar() {
        let budget = Budget::read().unwrap().steadiness;
        let check = |kind, steady: &str, truth: TruthFigures| {
            let lines = compare(&budget, &[], &[scene(kind, steady, truth)]);
            assert!(!lines.is_empty());
            over(&lines).len()
        };
        let truth = |delay: u64, needless, stale_ms| TruthFigures {
            delays_ms: vec![delay; 10],
            true_changes: 10,
            needless,
            stale_ms,
            missed: 0,
        };
        assert_eq!(check(Kind::Changes, "fear*600", truth(350, 1, 0)), 0);
        assert_eq!(check(Kind::Changes, "fear*600", truth(351, 2, 0)), 2);
        assert_eq!(check(Kind::Joined, "fear*600", truth(350, 9, 0)), 0);
        assert_eq!(check(Kind::Joined, "fear*600", truth(351, 0, 0)), 1);
        assert_eq!(check(Kind::Still, "fear*200 anger*200 fear*200", truth(0, 0, 0)), 0);
        assert_eq!(check(Kind::Still, "fear*200 anger*100 fear*200 anger*100", truth(0, 0, 0)), 1);
        assert_eq!(check(Kind::Two, "fear*600", truth(0, 0, 0)), 0);
        assert_eq!(check(Kind::Passing, "fear*600", truth(0, 0, 830)), 0);
        assert_eq!(check(Kind::Passing, "fear*600", truth(0, 0, 840)), 1);
    }
}
