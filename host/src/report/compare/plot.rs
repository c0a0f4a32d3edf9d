//! The bar chart and the scatter plot of a comparison.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::ReportError;
use super::super::plot::{GRID, INK, SERIES, chart, mesh, share, span, svg};
use super::labels;

/// A recognizer's figures, `0..=1`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    /// Its name in the table.
    pub(super) name: String,
    /// Accuracy.
    pub(super) accuracy: f64,
    /// Mean F1 over the classes.
    pub(super) macro_f1: f64,
}

/// A recognizer's accuracy and cost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dot {
    /// Its name in the table.
    pub(super) name: String,
    /// Index of its colour.
    pub(super) series: usize,
    /// Multiply-accumulates, millions, `> 0`.
    pub(super) mmac: f64,
    /// Accuracy, `0..=1`.
    pub(super) accuracy: f64,
}

/// Height of a recognizer's bars, px.
const PART: u32 = 58;
/// Height of the axis below the bars, px.
const BELOW: u32 = 52;

/// Two bars for each recognizer under its name.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Result<String, ReportError> {
    let count = bars.len() as f64;
    svg(title, (640, PART * bars.len() as u32 + BELOW), |root| {
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(8)
            .build_cartesian_2d(0.0..1.09, 0.0..count)?;
        let font = ("sans-serif", 15).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(12)
            .x_label_formatter(&share)
            .label_style(font.clone())
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        let text = font.pos(Pos::new(HPos::Left, VPos::Center));
        for (at, bar) in bars.iter().enumerate() {
            let top = count - at as f64;
            chart.draw_series([Text::new(bar.name.clone(), (0.005, top - 0.2), text.clone())])?;
            let values = [
                (bar.accuracy, format!("{:.1} %", 100.0 * bar.accuracy)),
                (bar.macro_f1, format!("{:.3}", bar.macro_f1)),
            ];
            for (series, (value, label)) in values.into_iter().enumerate() {
                let upper = top - 0.38 - 0.27 * series as f64;
                let corners = [(0.0, upper), (value, upper - 0.24)];
                chart.draw_series([Rectangle::new(corners, SERIES[series].filled())])?;
                let at = EmptyElement::at((value, upper - 0.12));
                chart.draw_series([at + Text::new(label, (6, 0), text.clone())])?;
            }
        }
        Ok(())
    })
}

/// Size of the scatter plot, px, and the borders of its plotting area: left, top, right, bottom, as drawn by [`chart`].
const DOTS: (u32, u32) = (640, 420);
const PLANE: [f64; 4] = [58.0, 8.0, 614.0, 384.0];

/// Minimum height of the scatter plot, a share of right answers: ticks in percent differ, and hundredths look small.
const LEAST_HEIGHT: f64 = 0.1;

/// A dot for each recognizer over the logarithm of its multiply-accumulates.
pub(super) fn scatter(title: &str, dots: &[Dot]) -> Result<String, ReportError> {
    let x = span(dots.iter().map(|dot| dot.mmac.log10()), 0.12);
    let y = span(dots.iter().map(|dot| dot.accuracy), 0.12);
    let room = (LEAST_HEIGHT - (y.end - y.start)).max(0.0) / 2.0;
    let y = (y.start - room).max(0.0)..(y.end + room).min(1.02);
    let [left, top, right, bottom] = PLANE;
    let place = |dot: &Dot| {
        let across = (dot.mmac.log10() - x.start) / (x.end - x.start);
        let up = (dot.accuracy - y.start) / (y.end - y.start);
        [left + across * (right - left), bottom - up * (bottom - top)]
    };
    let named: Vec<(&str, [f64; 2])> =
        dots.iter().map(|dot| (dot.name.as_str(), place(dot))).collect();
    let labels = labels::place(&named, PLANE);
    svg(title, DOTS, |root| {
        let mut chart = chart(root, x.clone(), y.clone())?;
        mesh(&mut chart, "MMAC", "accuracy", &power, &share)?;
        let text = ("sans-serif", 14).into_font().color(&INK);
        for (dot, label) in dots.iter().zip(labels) {
            let color = SERIES[dot.series % SERIES.len()];
            let end = if label.ends { HPos::Right } else { HPos::Left };
            let text = text.clone().pos(Pos::new(end, VPos::Center));
            let offset = (label.across as i32, label.down as i32);
            let label = Text::new(dot.name.clone(), offset, text);
            let at = EmptyElement::at((dot.mmac.log10(), dot.accuracy));
            chart.draw_series([at + Circle::new((0, 0), 5, color.filled()) + label])?;
        }
        Ok(())
    })
}

/// The number of a decimal logarithm, as text.
fn power(logarithm: &f64) -> String {
    let number = 10f64.powf(*logarithm);
    match number {
        n if n >= 9.5 => format!("{n:.0}"),
        n if n >= 0.95 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recognizer_has_its_bars_and_its_dot() {
        let bar = |name: &str, accuracy| Bar { name: name.to_owned(), accuracy, macro_f1: 0.5 };
        let svg = bars("a < b", &[bar("first", 0.25), bar("second", 1.0)]).unwrap();
        for word in ["first", "second", "25.0 %", "100.0 %", "0.500", "#0B6BCB", "#D1591C"] {
            assert!(svg.contains(word), "{word}: {svg}");
        }
        assert!(svg.contains("aria-label=\"a &lt; b\"") && !svg.contains("http"), "{svg}");
        let dot =
            |name: &str, mmac, series| Dot { name: name.to_owned(), series, mmac, accuracy: 0.6 };
        let svg = scatter("dots", &[dot("small", 0.7, 0), dot("large", 620.0, 3)]).unwrap();
        assert_eq!(svg.matches("60 %").count(), 1, "ticks differ: {svg}");
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
        for word in ["small", "large", "MMAC", "#8E44AD"] {
            assert!(svg.contains(word), "{word}: {svg}");
        }
    }

    #[test]
    fn logarithms_are_told_as_numbers() {
        assert_eq!([-1.0, 0.0, 0.5, 2.0].map(|at| power(&at)), ["0.10", "1.0", "3.2", "100"]);
    }
}
