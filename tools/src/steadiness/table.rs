//! The figures as Markdown. In a cell with two numbers, the first is of single-frame answers, the second of the badge.

use super::ClipFigures;
use super::generated::SceneFigures;
use super::measure::{Figures, ModeFigures};
use super::segments::percentile;

/// For each rate: the clips, their groups, and the total.
pub(super) fn of_clips(clips: &[ClipFigures]) -> String {
    let mut text = String::new();
    for rate in distinct(clips.iter().map(|clip| clip.fps.as_str())) {
        let clips: Vec<&ClipFigures> = clips.iter().filter(|clip| clip.fps == rate).collect();
        text += &format!(
            "\n{rate} frames a second; single frames / badge\n\n\
             | Clip | s | changes | between answers | changes a minute | under 0.5 s | shortest, s | segments missed \
             | delay, ms: median, p90 | drop-outs | swaps | CPU of a frame, ms | ratio | searches a second |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        for clip in &clips {
            text += &row(&clip.clip, &clip.figures);
        }
        let groups = distinct(clips.iter().map(|clip| clip.group.as_str()));
        for group in groups {
            let of_group = clips.iter().filter(|clip| clip.group == group);
            text +=
                &row(&format!("**{group}**"), &Figures::sum(of_group.map(|clip| &clip.figures)));
        }
        text += &row("**all**", &Figures::sum(clips.iter().map(|clip| &clip.figures)));
    }
    text
}

/// The scenes for each rate.
pub(super) fn of_scenes(scenes: &[SceneFigures]) -> String {
    if scenes.is_empty() {
        return String::new();
    }
    let mut text = "\nJoined and drawn scenes; single frames / badge\n\n\
        | Scene | frames a second | s | changes a minute | needless a minute | true changes missed \
        | delay, ms: median, p90 | stale, ms | under 0.5 s | swaps a minute | CPU of a frame, ms | ratio \
        | searches a second |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for scene in scenes {
        let SceneFigures { figures, raw_truth, steady_truth, .. } = scene;
        let (raw, steady) = (&figures.raw, &figures.steady);
        let minute = |count: fn(&ModeFigures) -> usize| {
            both(figures.a_minute(count(raw)), figures.a_minute(count(steady)), 1)
        };
        let delay = |delays: &[u64]| {
            format!("{}, {}", or_dash(percentile(delays, 0.5)), or_dash(percentile(delays, 0.9)))
        };
        let cells = [
            scene.scene.clone(),
            format!("{}", scene.fps),
            format!("{:.0}", figures.seconds),
            minute(|mode| mode.changes.all),
            both(figures.a_minute(raw_truth.needless), figures.a_minute(steady_truth.needless), 1),
            format!(
                "{} / {} of {}",
                raw_truth.missed, steady_truth.missed, steady_truth.true_changes
            ),
            format!("{} / {}", delay(&raw_truth.delays_ms), delay(&steady_truth.delays_ms)),
            format!("{} / {}", raw_truth.stale_ms, steady_truth.stale_ms),
            short(figures),
            minute(|mode| mode.swaps),
            both(figures.cpu_ms(raw), figures.cpu_ms(steady), 1),
            format!("{:.2}", figures.cpu_ratio()),
            searches(figures),
        ];
        text += &line(&cells);
    }
    text
}

fn row(name: &str, figures: &Figures) -> String {
    let (raw, steady) = (&figures.raw, &figures.steady);
    let shortest = |mode: &ModeFigures| {
        mode.changes.shortest_ms.map_or("-".to_owned(), |ms| format!("{:.2}", ms / 1e3))
    };
    let missed = match figures.missed_percent() {
        Some(percent) => format!("{} of {} ({percent:.1} %)", figures.missed, figures.segments),
        None => "-".to_owned(),
    };
    line(&[
        name.to_owned(),
        format!("{:.1}", figures.seconds),
        format!("{} / {}", raw.changes.all, steady.changes.all),
        format!("{} / {}", raw.changes.between_answers, steady.changes.between_answers),
        both(figures.a_minute(raw.changes.all), figures.a_minute(steady.changes.all), 1),
        short(figures),
        format!("{} / {}", shortest(raw), shortest(steady)),
        missed,
        format!("{}, {}", or_dash(figures.delay_ms(0.5)), or_dash(figures.delay_ms(0.9))),
        figures.drop_outs.to_string(),
        format!("{} / {}", raw.swaps, steady.swaps),
        both(figures.cpu_ms(raw), figures.cpu_ms(steady), 1),
        format!("{:.2}", figures.cpu_ratio()),
        searches(figures),
    ])
}

/// Number of short answers; in parentheses those whose face left.
fn short(figures: &Figures) -> String {
    let one = |mode: &ModeFigures| format!("{} ({})", mode.changes.short, mode.changes.short_left);
    format!("{} / {}", one(&figures.raw), one(&figures.steady))
}

fn searches(figures: &Figures) -> String {
    let a_second = |mode: &ModeFigures| figures.a_minute(mode.searches) / 60.0;
    both(a_second(&figures.raw), a_second(&figures.steady), 1)
}

fn both(raw: f64, steady: f64, digits: usize) -> String {
    format!("{raw:.digits$} / {steady:.digits$}")
}

fn or_dash(value: Option<u64>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The distinct values in order of first occurrence.
pub(super) fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::super::measure::by_hand;
    use super::*;

    fn clip(clip: &str, raw: &str, steady: &str) -> ClipFigures {
        let figures = Figures::of(&by_hand(frames(100, raw), frames(100, steady)));
        let group = clip.split('-').next().unwrap().to_owned();
        ClipFigures { clip: clip.to_owned(), group, fps: "own".to_owned(), figures }
    }

    #[test]
    fn every_row_has_every_column() {
        let clips = [
            clip("acted-1", "fear*8 anger fear*11", "fear*20"),
            clip("acted-2", "fear*10 anger*10", "fear*13 anger*7"),
            clip("talk-1", "no-face*20", "no-face*20"),
        ];
        let text = of_clips(&clips);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 2 + 3 + 2 + 1);
        let columns = rows[0].matches('|').count();
        assert!(rows.iter().all(|row| row.matches('|').count() == columns), "{text}");
        let acted = rows.iter().find(|row| row.starts_with("| **acted**")).unwrap();
        assert!(
            acted.starts_with("| **acted** | 4.0 | 3 / 1 | 3 / 1 | 45.0 / 15.0 | 1 (0) / 0 (0) |"),
            "{acted}"
        );
        assert!(acted.contains("| 0 of 4 (0.0 %) | 0, 300 | 0 | 0 / 0 |"), "{acted}");
        assert_eq!(of_scenes(&[]), "");
    }
}
