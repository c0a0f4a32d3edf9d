//! Curves from `metrics.jsonl`: every number is plotted.

use serde_json::{Map, Value};

/// Curves that share a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The key in `metrics.jsonl`, with spaces instead of `_`.
    pub title: String,
    /// One curve for each number.
    pub series: Vec<Series>,
}

/// One curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The key inside the object, empty for a plain number.
    pub name: String,
    /// Epoch and value, in the order of the lines.
    pub points: Vec<(f64, f64)>,
}

/// The first and the last plots; others are in between.
const FIRST: [&str; 3] = ["loss", "validation", "learning rate"];
const LAST: [&str; 1] = ["seconds"];

/// The plots of `text`, JSON lines. A plain number gets its own plot, the numbers of an object share one. The x axis is
/// `epoch`, or the line number without it.
///
/// # Errors
/// A message that names the line.
pub fn charts(text: &str) -> Result<Vec<Chart>, String> {
    let mut charts: Vec<Chart> = Vec::new();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    for (index, line) in lines.enumerate() {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        let epoch = object.get("epoch").and_then(Value::as_f64).unwrap_or((index + 1) as f64);
        for (key, value) in object.iter().filter(|(key, _)| *key != "epoch") {
            let title = key.replace('_', " ");
            collect("", value, &mut |name, value| {
                let chart = match charts.iter().position(|chart| chart.title == title) {
                    Some(at) => &mut charts[at],
                    None => {
                        charts.push(Chart { title: title.clone(), series: Vec::new() });
                        let last = charts.len() - 1;
                        &mut charts[last]
                    }
                };
                match chart.series.iter_mut().find(|series| series.name == name) {
                    Some(series) => series.points.push((epoch, value)),
                    None => {
                        let points = vec![(epoch, value)];
                        chart.series.push(Series { name: name.to_owned(), points });
                    }
                }
            });
        }
    }
    let place = |chart: &Chart| {
        let among = |titles: &[&str]| titles.iter().position(|title| *title == chart.title);
        match (among(&FIRST), among(&LAST)) {
            (Some(at), _) => at,
            (_, Some(at)) => FIRST.len() + 1 + at,
            _ => FIRST.len(),
        }
    };
    charts.sort_by_key(place);
    Ok(charts)
}

/// Every finite number in `value` with the path of keys that leads to it.
fn collect(path: &str, value: &Value, found: &mut impl FnMut(&str, f64)) {
    match value {
        Value::Number(number) => {
            if let Some(number) = number.as_f64().filter(|number| number.is_finite()) {
                found(path, number);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{key}"), value, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_becomes_a_curve() {
        let text = r#"
            {"epoch":1,"seconds":9,"loss":2.5,"note":"warm-up","extra_term":1,"validation":{"fer-7":0.3,"ferplus-8":null}}
            {"epoch":2,"seconds":8,"loss":null,"extra_term":2,"validation":{"fer-7":0.4,"ferplus-8":0.5}}
        "#;
        let charts = charts(text).unwrap();
        let titles: Vec<_> = charts.iter().map(|chart| chart.title.as_str()).collect();
        assert_eq!(titles, ["loss", "validation", "extra term", "seconds"]);
        assert_eq!(charts[0].series[0], Series { name: String::new(), points: vec![(1.0, 2.5)] });
        let [seven, eight] = charts[1].series.as_slice() else { panic!("two heads") };
        assert_eq!((seven.name.as_str(), eight.name.as_str()), ("fer-7", "ferplus-8"));
        assert_eq!(seven.points, [(1.0, 0.3), (2.0, 0.4)]);
        assert_eq!(eight.points, [(2.0, 0.5)]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = charts("{\"loss\":1}\n{\"loss\"").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(charts("").unwrap().is_empty());
    }
}
