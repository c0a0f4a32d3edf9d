//! `emocue baseline knn`

use crate::output::{out, outln};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Common, Header, Sample, Task, print_json, progress};
use crate::baseline::knn::{Knn, Metric, Neighbour, remove_means};
use crate::baseline::plot::{PlotLine, accuracy_over};
use crate::baseline::sweep::{KS, KnnSample, best};
use crate::cli::output::{OverwriteArg, SVG};
use crate::eval::card::ScoreCard;
use crate::eval::table;
use emocue_data::Split;
use emocue_models::failure::{Failure, Problem};

#[derive(Args, Debug)]
pub(super) struct KnnArgs {
    #[command(flatten)]
    common: Common,
    /// Distance metric
    #[arg(long, value_enum, default_value = "both")]
    metric: MetricArg,
    /// Numbers of neighbours to try
    #[arg(long, value_name = "K,...", value_delimiter = ',', default_values_t = KS,
          value_parser = clap::value_parser!(u32).range(1..))]
    k: Vec<u32>,
    /// Subtract every picture's mean before the cosine, which makes it a correlation
    #[arg(long)]
    mean_free: bool,
    /// Write a plot of accuracy over k
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MetricArg {
    Euclidean,
    Cosine,
    Both,
}

impl MetricArg {
    fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Euclidean => &[Metric::Euclidean],
            Self::Cosine => &[Metric::Cosine],
            Self::Both => &[Metric::Euclidean, Metric::Cosine],
        }
    }
}

/// A combination of settings that was evaluated on PublicTest.
#[derive(Clone, Copy, Serialize)]
struct Try {
    metric: Metric,
    k: usize,
    accuracy: f64,
}

/// The figures of a metric with the chosen k.
#[derive(Serialize)]
struct Chosen {
    metric: Metric,
    k: usize,
    split: &'static str,
    scores: ScoreCard,
}

/// All results.
#[derive(Default, Serialize)]
struct Found {
    search_seconds: f64,
    searches: usize,
    sweep: Vec<Try>,
    chosen: Vec<Chosen>,
}

/// The training rows under one metric.
struct Search<'a> {
    task: &'a Task,
    metric: Metric,
    mean_free: bool,
    knn: Knn,
}

impl<'a> Search<'a> {
    fn new(task: &'a Task, metric: Metric, mean_free: bool) -> Self {
        let mean_free = mean_free && metric == Metric::Cosine;
        let mut features = task.training.features.clone();
        if mean_free {
            remove_means(&mut features);
        }
        Self { task, metric, mean_free, knn: Knn::new(features, metric) }
    }

    /// The neighbours of a sample; the time of the search is added to `found`.
    fn nearest(
        &self,
        sample: &Sample,
        k: usize,
        found: &mut Found,
    ) -> Result<Vec<Vec<Neighbour>>, Box<dyn Failure>> {
        let mut features = sample.features.clone();
        if self.mean_free {
            remove_means(&mut features);
        }
        let bar = progress(features.len(), "rows searched for");
        let started = Instant::now();
        let nearest = self.knn.nearest(features, k, |count| bar.inc(count as u64))?;
        found.search_seconds += started.elapsed().as_secs_f64();
        found.searches += nearest.len();
        bar.finish_and_clear();
        Ok(nearest)
    }

    /// A sample with the classes of its neighbours.
    fn found<'b>(&self, nearest: &'b [Vec<Neighbour>], sample: &'b Sample) -> KnnSample<'b>
    where
        'a: 'b,
    {
        let Task { labels, training, .. } = self.task;
        let (known, classes) = (&training.classes, &sample.classes);
        KnnSample { labels: *labels, nearest, known, classes }
    }
}

/// Runs the verb.
pub(super) fn run(args: &KnnArgs) -> Result<(), Box<dyn Failure>> {
    if let Some(plot) = &args.plot {
        args.overwrite.check(plot, SVG, &[])?;
    }
    let common = &args.common;
    let mut ks: Vec<usize> = args.k.iter().map(|k| *k as usize).collect();
    ks.sort_unstable();
    ks.dedup();
    let task = common.task()?;
    let public = common.sample(&task, Split::PublicTest)?;
    let private = match common.split() {
        Split::PrivateTest => Some(common.sample(&task, Split::PrivateTest)?),
        Split::PublicTest | Split::Training => None,
    };
    let mut found = Found::default();
    for metric in args.metric.metrics() {
        let search = Search::new(&task, *metric, args.mean_free);
        let mut chosen = sweep(&search, &public, &ks, &mut found)?;
        // k is chosen on other rows than those reported.
        if let Some(private) = &private {
            let nearest = search.nearest(private, chosen.k, &mut found)?;
            chosen.scores = ScoreCard::of(&search.found(&nearest, private).judge(chosen.k));
            chosen.split = Split::PrivateTest.name();
        }
        found.chosen.push(chosen);
    }
    if let Some(path) = &args.plot {
        let title = format!("k nearest neighbours on {}, PublicTest", task.data.layout());
        accuracy_over(path, &title, "neighbours, k", &lines(&found.sweep, args.mean_free))?;
    }
    if common.json {
        #[derive(Serialize)]
        struct KnnReport<'a> {
            #[serde(flatten)]
            header: Header<'a>,
            mean_free: bool,
            #[serde(flatten)]
            found: &'a Found,
        }
        let header = common.header("knn", &task);
        return print_json(&KnnReport { header, mean_free: args.mean_free, found: &found });
    }
    print(&ks, &found);
    Ok(())
}

/// Every `k` on PublicTest from one search; the smallest of the best is chosen.
fn sweep(
    search: &Search<'_>,
    public: &Sample,
    ks: &[usize],
    found: &mut Found,
) -> Result<Chosen, Box<dyn Failure>> {
    let (metric, split) = (search.metric, Split::PublicTest.name());
    let nearest = search.nearest(public, ks.last().copied().unwrap_or(0), found)?;
    let tries = search.found(&nearest, public).sweep(ks);
    found.sweep.extend(tries.iter().map(|(k, scores)| Try {
        metric,
        k: *k,
        accuracy: scores.accuracy(),
    }));
    let chosen = best(&tries);
    let chosen =
        chosen.map(|(k, scores)| Chosen { metric, k: *k, split, scores: ScoreCard::of(scores) });
    chosen.ok_or_else(|| Problem::usage("no k to try").help("Name at least one with --k.").into())
}

fn lines(sweep: &[Try], mean_free: bool) -> Vec<PlotLine> {
    let name = |metric: Metric| match metric {
        Metric::Cosine if mean_free => "cosine, mean-free".to_owned(),
        _ => metric.name().to_owned(),
    };
    let point = |entry: &Try| (entry.k as f64, 100.0 * entry.accuracy);
    let of_one = |group: &[Try]| PlotLine {
        name: name(group[0].metric),
        points: group.iter().map(point).collect(),
    };
    sweep.chunk_by(|a, b| a.metric == b.metric).map(of_one).collect()
}

fn print(ks: &[usize], Found { search_seconds, searches, sweep, chosen }: &Found) {
    let rate = *searches as f64 / search_seconds;
    outln!("{searches} searches took {search_seconds:.1} s, {rate:.0} rows/s");
    out!("\nPublicTest chooses k:\n  {:>5}", "k");
    for Chosen { metric, .. } in chosen {
        out!("{:>12}", metric.name());
    }
    for k in ks {
        out!("\n  {k:>5}");
        for entry in sweep.iter().filter(|entry| entry.k == *k) {
            out!("{:>10.2} %", 100.0 * entry.accuracy);
        }
    }
    outln!();
    for Chosen { metric, k, split, scores } in chosen {
        outln!("\n{split}\n{}", table::card(&format!("{}, k = {k}", metric.name()), scores));
    }
}
