//! A plot of accuracy over a setting, for reports.

use std::path::Path;

use plotters::prelude::*;

use emocue_models::failure::{Failure, exit};
use emocue_models::files::{WriteError, write_atomically};

/// Width and height, px.
const SIZE: (u32, u32) = (760, 460);

/// A palette that is safe for colour blindness (Okabe and Ito 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// One line of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotLine {
    /// Its name in the legend.
    pub name: String,
    /// The setting and the accuracy in percent, ascending by the setting.
    pub points: Vec<(f64, f64)>,
}

/// A plot cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// There is no point to plot.
    #[error("there is nothing to plot")]
    Nothing,
    /// The drawing failed.
    #[error("cannot draw the plot: {0}")]
    Drawing(String),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Failure for PlotError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Nothing | Self::Drawing(_) => exit::FAILED,
            Self::Write(_) => exit::OUTPUT,
        }
    }
}

/// Writes an SVG with one line with markers for each of `lines`, over the setting called `setting`.
///
/// # Errors
/// [`PlotError`] when there is no point or the file cannot be written.
pub fn accuracy_over(
    path: &Path,
    title: &str,
    setting: &str,
    lines: &[PlotLine],
) -> Result<(), PlotError> {
    let mut svg = String::new();
    let (x, y) = ranges(lines).ok_or(PlotError::Nothing)?;
    draw(&mut svg, [title, setting], lines, [x, y])
        .map_err(|error| PlotError::Drawing(error.to_string()))?;
    Ok(write_atomically(path, svg.as_bytes())?)
}

fn draw(
    svg: &mut String,
    [title, setting]: [&str; 2],
    lines: &[PlotLine],
    [x, y]: [(f64, f64); 2],
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let text = ("sans-serif", 14).into_font().color(&BLACK.mix(0.8));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 17).into_font().color(&BLACK.mix(0.85)))
        .margin(16)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
    chart
        .configure_mesh()
        .x_desc(setting)
        .y_desc("accuracy, %")
        .axis_desc_style(text.clone())
        .label_style(("sans-serif", 13).into_font().color(&BLACK.mix(0.7)))
        .axis_style(BLACK.mix(0.4))
        .bold_line_style(BLACK.mix(0.12))
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let stroke = colour.filled().stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), stroke).point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(12)
        .legend_area_size(24)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.2))
        .label_font(text)
        .draw()?;
    area.present()?;
    Ok(())
}

/// The ranges of all points with a margin, in whole percent; `None` without points.
fn ranges(lines: &[PlotLine]) -> Option<((f64, f64), (f64, f64))> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    points().next()?;
    let span = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (x, y) = (span(&mut points().map(|p| p.0)), span(&mut points().map(|p| p.1)));
    let room = ((x.1 - x.0) * 0.03).max(0.5);
    // A larger margin at the top, for the legend.
    let above = ((y.1 - y.0) * 0.25).max(1.0);
    Some(((x.0 - room, x.1 + room), ((y.0 - 1.0).floor().max(0.0), (y.1 + above).ceil())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_svg_names_axes_and_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.svg");
        let line = |name: &str, points: &[(f64, f64)]| PlotLine {
            name: name.into(),
            points: points.to_vec(),
        };
        let lines = [
            line("euclidean", &[(1.0, 38.2), (5.0, 35.0)]),
            line("cosine", &[(1.0, 39.9), (5.0, 40.1)]),
        ];
        accuracy_over(&path, "Neighbours", "k", &lines).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for word in ["<svg", "Neighbours", "accuracy, %", "euclidean", "cosine", "polyline"] {
            assert!(svg.contains(word), "{word} is missing");
        }
        // A single point is enough.
        accuracy_over(&path, "One", "k", &[line("euclidean", &[(1.0, 38.2)])]).unwrap();
        let error = accuracy_over(&path, "None", "k", &[]).unwrap_err();
        assert!(matches!(error, PlotError::Nothing));
    }
}
