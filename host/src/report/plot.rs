//! Plots as inline SVG. Colours are attributes that the page's style overrides in dark mode.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::ReportError;
use super::curves::Series;
use crate::eval::card::ScoreCard;

/// Colours of curves, in their order; `style.css` repeats them.
pub(super) const SERIES: [RGBColor; 6] = [
    RGBColor(0x0B, 0x6B, 0xCB),
    RGBColor(0xD1, 0x59, 0x1C),
    RGBColor(0x1A, 0x7F, 0x4B),
    RGBColor(0x8E, 0x44, 0xAD),
    RGBColor(0xB8, 0x86, 0x0B),
    RGBColor(0x0E, 0x8C, 0x9B),
];
pub(super) const INK: RGBColor = RGBColor(0x57, 0x60, 0x6A);
pub(super) const GRID: RGBColor = RGBColor(0xDD, 0xE2, 0xE7);

/// Largest number of points for which a curve has markers.
const MARKED: usize = 40;

/// Curves over the epochs.
pub(super) fn curves(title: &str, series: &[Series]) -> Result<String, ReportError> {
    let all = || series.iter().flat_map(|series| &series.points);
    let (x, y) = (span(all().map(|(x, _)| *x), 0.0), span(all().map(|(_, y)| *y), 0.06));
    svg(title, (460, 240), |root| {
        let mut chart = chart(root, x, y)?;
        mesh(&mut chart, "epoch", "", &number, &number)?;
        for (index, series) in series.iter().enumerate() {
            let color = SERIES[index % SERIES.len()];
            let points = || series.points.iter().copied();
            chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?;
            if series.points.len() <= MARKED {
                chart.draw_series(points().map(|at| Circle::new(at, 2, color.filled())))?;
            }
        }
        Ok(())
    })
}

/// Recall against false alarms for each thousand empty pictures, a curve for each detector.
pub(super) fn detector_curves(title: &str, series: &[Series]) -> Result<String, ReportError> {
    let all = || series.iter().flat_map(|series| &series.points);
    let x = span(all().map(|(x, _)| *x).chain([0.0]), 0.02);
    let lowest = all().map(|(_, y)| *y).fold(1.0, f64::min);
    svg(title, (640, 400), |root| {
        let mut chart = chart(root, x.start.max(0.0)..x.end, (lowest - 0.02).max(0.0)..1.0)?;
        mesh(&mut chart, "false alarms per 1000", "found", &number, &share)?;
        for (index, series) in series.iter().enumerate() {
            let color = SERIES[index % SERIES.len()];
            let points = || series.points.iter().copied();
            chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?;
            chart.draw_series(points().map(|at| Circle::new(at, 2, color.filled())))?;
        }
        Ok(())
    })
}

/// Accuracy against the mean top probability of each bin, with the bins' sizes below.
pub(super) fn reliability(title: &str, card: &ScoreCard) -> Result<String, ReportError> {
    let bins = || card.reliability.iter().filter(|bin| bin.count > 0);
    let most = bins().map(|bin| bin.count).max().unwrap_or(1) as f64;
    svg(title, (372, 400), |root| {
        let (upper, lower) = root.split_vertically(300);
        let mut above = chart(&upper, 0.0..1.0, 0.0..1.0)?;
        mesh(&mut above, "", "right", &share, &share)?;
        above.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], INK.stroke_width(1)))?;
        above.draw_series(bins().map(|bin| {
            let corners = [(bin.from + 0.004, 0.0), (bin.to - 0.004, bin.accuracy)];
            Rectangle::new(corners, SERIES[0].mix(0.55).filled())
        }))?;
        // At the bin's mean probability: a calibrated classifier's points are on the diagonal.
        above.draw_series(
            bins().map(|bin| Circle::new((bin.confidence, bin.accuracy), 3, SERIES[1].filled())),
        )?;
        let mut below = chart(&lower, 0.0..1.0, 0.0..most * 1.05)?;
        mesh_with(&mut below, "top probability", "rows", &share, &number, 3)?;
        below.draw_series(bins().map(|bin| {
            let corners = [(bin.from + 0.004, 0.0), (bin.to - 0.004, bin.count as f64)];
            Rectangle::new(corners, INK.mix(0.6).filled())
        }))?;
        Ok(())
    })
}

/// Abstention curve; the threshold is a dot.
pub(super) fn abstention(title: &str, card: &ScoreCard) -> Result<String, ReportError> {
    let points = || card.abstention.iter().map(|point| (point.coverage, point.accuracy));
    let lowest = points().map(|(_, accuracy)| accuracy).fold(1.0, f64::min);
    let floor = ((lowest - 0.02) * 20.0).floor() / 20.0;
    svg(title, (372, 300), |root| {
        let mut chart = chart(root, 0.0..1.0, floor.max(0.0)..1.0)?;
        mesh(&mut chart, "rows answered", "right", &share, &share)?;
        chart.draw_series(LineSeries::new(points(), SERIES[0].stroke_width(2)))?;
        let chosen = (card.coverage, card.accuracy_at_threshold);
        if card.coverage > 0.0 {
            chart.draw_series([Circle::new(chosen, 4, SERIES[1].filled())])?;
        }
        Ok(())
    })
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;
pub(super) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// A drawing of `size` px as an inline SVG element.
pub(super) fn svg(
    title: &str,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String, ReportError> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = draw(&area).and_then(|()| area.present());
    drop(area);
    drawn
        .map_err(|error| ReportError::Plot { plot: title.to_owned(), reason: error.to_string() })?;
    // HTML does not need the namespace, whose URL would look like a resource to load.
    let text = text.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    let mut label = String::new();
    _ = std::fmt::Write::write_str(&mut maud::Escaper::new(&mut label), title);
    Ok(text.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1))
}

pub(super) fn chart<'a, 'b>(
    area: &'a Area<'b>,
    x: Range<f64>,
    y: Range<f64>,
) -> Drawn<Plane<'a, 'b>> {
    ChartBuilder::on(area)
        .margin_top(8)
        .margin_right(26)
        .x_label_area_size(36)
        .y_label_area_size(58)
        .build_cartesian_2d(x, y)
}

pub(super) fn mesh(
    chart: &mut Plane<'_, '_>,
    x: &str,
    y: &str,
    x_label: &dyn Fn(&f64) -> String,
    y_label: &dyn Fn(&f64) -> String,
) -> Drawn {
    mesh_with(chart, x, y, x_label, y_label, 6)
}

fn mesh_with(
    chart: &mut Plane<'_, '_>,
    x: &str,
    y: &str,
    x_label: &dyn Fn(&f64) -> String,
    y_label: &dyn Fn(&f64) -> String,
    y_labels: usize,
) -> Drawn {
    let font = ("sans-serif", 15).into_font().color(&INK);
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .x_labels(6)
        .y_labels(y_labels)
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .label_style(font.clone())
        .axis_desc_style(font)
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
}

/// From the smallest to the largest value, extended by the fraction `margin` on both sides; never empty.
pub(super) fn span(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let width = if high > low { (high - low) * margin } else { low.abs().max(1.0) * 0.05 };
    low - width..high + width
}

/// The label of a tick in percent.
pub(super) fn share(value: &f64) -> String {
    format!("{:.0} %", 100.0 * value)
}

/// The label of a tick, short for numbers of any size.
pub(super) fn number(value: &f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let ticks = [0.0, 0.25, 12.0, 1_500.0, 3e-5, 2e6].map(|value| number(&value));
        assert_eq!(ticks, ["0", "0.25", "12", "1500", "3.0e-5", "2.0e6"]);
        assert_eq!(share(&0.5), "50 %");
    }

    #[test]
    fn a_span_is_never_empty() {
        assert_eq!(span([2.0, 4.0].into_iter(), 0.5), 1.0..5.0);
        let same = span([3.0].into_iter(), 0.1);
        assert!(same.start < 3.0 && same.end > 3.0);
        assert_eq!(span(std::iter::empty(), 0.1), 0.0..1.0);
    }

    #[test]
    fn one_epoch_and_names_with_signs_can_be_drawn() {
        let series = [Series { name: String::new(), points: vec![(1.0, 2.5)] }];
        let svg = curves("a < \"b\"", &series).unwrap();
        assert!(svg.starts_with("<svg role=\"img\" aria-label=\"a &lt; &quot;b&quot;\""), "{svg}");
        assert!(svg.contains("<circle") && svg.contains("<text") && !svg.contains("http"));
    }
}
