//! Places labels beside dots so that they overlap neither each other nor a dot.

/// A rectangle of the plot, px: left, top, right, bottom.
type Rect = [f64; 4];

/// Mean width of a letter of a label, px; slightly above that of most fonts.
const LETTER: f64 = 6.4;
/// Height of a label, px.
const HEIGHT: f64 = 14.0;
/// Distance from a dot's centre to its label, px.
const GAP: f64 = 8.0;
/// Half of a dot, px.
const DOT: f64 = 5.0;

fn overlap(a: &Rect, b: &Rect) -> f64 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
}

/// The position of a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Label {
    /// Vertical distance from the dot's centre down to the middle of the label's line, px.
    pub(super) down: f64,
    /// Horizontal distance from the dot's centre to the label's nearer end, px.
    pub(super) across: f64,
    /// Whether the nearer end is the right one.
    pub(super) ends: bool,
}

impl Label {
    fn at([across, down]: [f64; 2], width: f64) -> Self {
        match across + width < 0.0 {
            true => Self { across: across + width, down, ends: true },
            false => Self { across, down, ends: false },
        }
    }
}

/// A label for each of `dots`, which have names and positions, px; `inside` is the allowed area, px.
pub(super) fn place(dots: &[(&str, [f64; 2])], inside: Rect) -> Vec<Label> {
    let around = |[x, y]: [f64; 2]| [x - DOT, y - DOT, x + DOT, y + DOT];
    let mut taken: Vec<Rect> = dots.iter().map(|(_, at)| around(*at)).collect();
    let mut placed = Vec::new();
    for (own, (name, [x, y])) in dots.iter().enumerate() {
        let width = LETTER * name.chars().count() as f64;
        let (left, middle) = (-GAP - width, -width / 2.0);
        let line = HEIGHT * 0.75;
        let choices = [
            [GAP, 0.0],
            [left, 0.0],
            [middle, -GAP - HEIGHT / 2.0],
            [middle, GAP + HEIGHT / 2.0],
            [GAP, -line],
            [GAP, line],
            [left, -line],
            [left, line],
            [GAP, -2.0 * line],
            [GAP, 2.0 * line],
            [left, -2.0 * line],
            [left, 2.0 * line],
        ];
        let rect = |[dx, dy]: [f64; 2]| {
            [x + dx, y + dy - HEIGHT / 2.0, x + dx + width, y + dy + HEIGHT / 2.0]
        };
        // Area outside counts as overlap.
        let covered = |choice: [f64; 2]| {
            let rect = rect(choice);
            let others = taken.iter().enumerate().filter(|(at, _)| *at != own);
            let covered: f64 = others.map(|(_, other)| overlap(&rect, other)).sum();
            // Rounded to px², so that floating-point rounding does not affect the choice.
            (covered + width * HEIGHT - overlap(&rect, &inside)).round()
        };
        let best = choices.into_iter().min_by(|a, b| covered(*a).total_cmp(&covered(*b)));
        let best = best.unwrap_or([GAP, 0.0]);
        taken.push(rect(best));
        placed.push(Label::at(best, width));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: Rect = [0.0, 0.0, 300.0, 200.0];

    #[test]
    fn a_label_stands_right_of_its_dot_or_left_at_the_edge() {
        let placed = place(&[("one", [50.1, 50.7]), ("another", [295.0, 100.0])], INSIDE);
        assert_eq!(placed[0], Label { down: 0.0, across: GAP, ends: false });
        assert_eq!(placed[1], Label { down: 0.0, across: -GAP, ends: true });
    }

    #[test]
    fn labels_of_near_dots_do_not_cover_each_other() {
        let dots = [("first", [100.0, 100.0]), ("second", [103.0, 102.0]), ("third", [98.0, 97.0])];
        let placed = place(&dots, INSIDE);
        let rects: Vec<Rect> = dots
            .iter()
            .zip(&placed)
            .map(|((name, [x, y]), label)| {
                let width = LETTER * name.len() as f64;
                let dy = label.down;
                let dx = if label.ends { label.across - width } else { label.across };
                [x + dx, y + dy - HEIGHT / 2.0, x + dx + width, y + dy + HEIGHT / 2.0]
            })
            .collect();
        for (at, rect) in rects.iter().enumerate() {
            assert!(rects[..at].iter().all(|other| overlap(rect, other) < 1.0), "{placed:?}");
        }
    }
}
