//! Windows that agree are grouped into a face, as by OpenCV's `groupRectangles`.

/// Rectangles whose edges differ by less than this fraction of their sides are similar.
const EPSILON: f64 = 0.2;

/// A window that passed, px.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowRect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl WindowRect {
    fn like(&self, other: &Self) -> bool {
        let smaller = self.width.min(other.width) + self.height.min(other.height);
        let most = EPSILON * f64::from(smaller) * 0.5;
        let near = |a: i32, b: i32| f64::from((a - b).abs()) <= most;
        near(self.x, other.x)
            && near(self.y, other.y)
            && near(self.x + self.width, other.x + other.width)
            && near(self.y + self.height, other.y + other.height)
    }

    /// Whether it lies in `other`, grown by the tolerance.
    fn inside(&self, other: &Self) -> bool {
        let grown = |side: i32| (f64::from(side) * EPSILON).round_ties_even() as i32;
        let (dx, dy) = (grown(other.width), grown(other.height));
        self.x >= other.x - dx
            && self.y >= other.y - dy
            && self.x + self.width <= other.x + other.width + dx
            && self.y + self.height <= other.y + other.height + dy
    }
}

/// The sums of similar windows, and their number.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    sums: [i64; 4],
    windows: u32,
    mean: WindowRect,
}

/// Keeps its working memory.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Union-find: for each window a similar one, or itself.
    parents: Vec<usize>,
    groups: Vec<Group>,
}

impl Groups {
    /// Passes `take` the mean rectangle and the number of windows of every group with more than `neighbours` of them,
    /// unless it lies in a larger group. Sorts `windows`.
    pub(super) fn of(
        &mut self,
        windows: &mut [WindowRect],
        neighbours: u32,
        mut take: impl FnMut(WindowRect, u32),
    ) {
        self.join(windows);
        self.average(windows, neighbours);
        for (index, group) in self.groups.iter().enumerate() {
            let covers = |(other, larger): (usize, &Group)| {
                other != index
                    && group.mean.inside(&larger.mean)
                    && (larger.windows > group.windows.max(3) || group.windows < 3)
            };
            if !self.groups.iter().enumerate().any(covers) {
                take(group.mean, group.windows);
            }
        }
    }

    /// Joins similar windows, transitively.
    fn join(&mut self, windows: &mut [WindowRect]) {
        windows.sort_unstable_by_key(|window| window.x);
        let parents = &mut self.parents;
        parents.clear();
        parents.extend(0..windows.len());
        for (index, window) in windows.iter().enumerate() {
            let reach = EPSILON * f64::from(window.width + window.height) * 0.5;
            for (other, next) in windows.iter().enumerate().skip(index + 1) {
                if f64::from(next.x - window.x) > reach {
                    break;
                }
                if window.like(next) {
                    let (a, b) = (root(parents, index), root(parents, other));
                    parents[a.max(b)] = a.min(b);
                }
            }
        }
    }

    /// Only groups that are large enough stay.
    fn average(&mut self, windows: &[WindowRect], neighbours: u32) {
        self.groups.clear();
        self.groups.resize(windows.len(), Group::default());
        for (index, window) in windows.iter().enumerate() {
            let group = &mut self.groups[root(&mut self.parents, index)];
            let sides = [window.x, window.y, window.width, window.height];
            group.sums.iter_mut().zip(sides).for_each(|(sum, side)| *sum += i64::from(side));
            group.windows += 1;
        }
        self.groups.retain(|group| group.windows > neighbours);
        for group in &mut self.groups {
            let share = 1.0 / group.windows as f32;
            let mean = |sum: i64| (sum as f32 * share).round_ties_even() as i32;
            let [x, y, width, height] = group.sums.map(mean);
            group.mean = WindowRect { x, y, width, height };
        }
    }
}

/// The root of a window's group, with path halving.
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: i32, y: i32, side: i32) -> WindowRect {
        WindowRect { x, y, width: side, height: side }
    }

    fn grouped(mut windows: Vec<WindowRect>) -> Vec<(WindowRect, u32)> {
        let mut found = Vec::new();
        Groups::default().of(&mut windows, 2, |rect, windows| found.push((rect, windows)));
        found
    }

    #[test]
    fn enough_windows_that_agree_become_their_mean() {
        let mut windows = vec![square(10, 10, 40), square(12, 10, 40), square(11, 13, 41)];
        // Two elsewhere are too few.
        windows.extend([square(200, 10, 40), square(201, 10, 40)]);
        assert_eq!(grouped(windows), [(square(11, 11, 40), 3)]);
    }

    #[test]
    fn a_chain_of_windows_is_one_group() {
        let chain: Vec<_> = (0..10).map(|step| square(6 * step, 0, 40)).collect();
        assert_eq!(grouped(chain), [(square(27, 0, 40), 10)]);
        assert_eq!(grouped(Vec::new()), []);
    }

    #[test]
    fn a_small_group_inside_a_larger_one_is_left_out() {
        let mut windows = vec![square(20, 20, 20); 3];
        windows.extend([square(10, 10, 60); 4]);
        assert_eq!(grouped(windows), [(square(10, 10, 60), 4)]);
    }
}
