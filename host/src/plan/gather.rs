//! The results of a plan's jobs, separately and combined.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::status::{Folder, JobStatus};
use super::{Job, Plan};
use crate::eval::card::{Evaluation, ProtocolResult, Spread};

/// The results of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gathered {
    /// The split of the evaluation, if the plan has one, such as `"PrivateTest"`.
    pub judged_on: Option<&'static str>,
    /// Every job, in the plan's order.
    pub jobs: Vec<JobResult>,
    /// Every recipe, combined over its seeds and folds, in the plan's order.
    pub recipes: Vec<RecipeResult>,
    /// Ensembles, if they were requested.
    pub ensembles: Vec<EnsembleResult>,
    /// Names of the jobs that are not done; [`Gathered::recipes`] does not include them.
    pub missing: Vec<String>,
}

/// An ensemble: the mean of several networks' probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnsembleResult {
    /// Name of the recipe whose seeds are averaged, or `"all"`.
    pub name: String,
    /// Number of averaged networks.
    pub members: usize,
    /// Number of evaluated folds, or 1.
    pub done: usize,
    /// Number of folds, or 1; if fewer are done, members are missing.
    pub of: usize,
    /// Figures by every protocol.
    pub judged: Vec<RecipeFigure>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobResult {
    /// [`Job::name`].
    pub name: String,
    /// Its recipe, as named in the plan.
    pub recipe: String,
    /// [`Job::seed`].
    pub seed: u64,
    /// [`Job::fold`].
    pub fold: Option<usize>,
    /// Its status.
    #[serde(flatten)]
    pub status: JobStatus,
    /// Accuracy of the first head on PublicTest during training, `0..=1`.
    pub validation: Option<f64>,
    /// Figures of every graph by every protocol, those of the first head first.
    pub judged: Vec<Figure>,
}

/// One graph's accuracy by one protocol.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Label set of the graph.
    pub labels: String,
    /// As in [`ProtocolResult::protocol`].
    pub protocol: String,
    /// Accuracy, `0..=1`.
    pub accuracy: f64,
    /// Number of right answers.
    pub right: usize,
    /// Rows scored.
    pub rows: usize,
}

/// The combined results of a recipe's finished jobs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeResult {
    /// Its recipe, as named in the plan.
    pub recipe: String,
    /// Number of finished jobs.
    pub done: usize,
    /// Number of jobs.
    pub of: usize,
    /// Validation accuracy over the jobs that have one.
    pub validation: Option<Spread>,
    /// Figures of every graph by every protocol.
    pub judged: Vec<RecipeFigure>,
}

/// One protocol's accuracy of a recipe's graphs for one label set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeFigure {
    /// Label set of the graphs.
    pub labels: String,
    /// As in [`ProtocolResult::protocol`].
    pub protocol: String,
    /// Number of jobs with the figure.
    pub jobs: usize,
    /// Accuracy over the jobs, all with the same weight.
    pub accuracy: Spread,
    /// Accuracy over all rows: right answers of all jobs divided by their rows, `0..=1`.
    pub pooled: f64,
    /// Number of rows of all jobs.
    pub rows: usize,
}

/// Reads the folders of the plan's jobs.
pub fn gather(plan: &Plan) -> Gathered {
    let jobs: Vec<JobResult> = plan.jobs().iter().map(|job| result(job, plan)).collect();
    let recipe = |name: &String| {
        RecipeResult::of(name, jobs.iter().filter(|job| job.recipe == *name).collect())
    };
    let missing = jobs.iter().filter(|job| job.status != JobStatus::Done);
    Gathered {
        judged_on: plan.judge.map(|judge| judge.split().name()),
        recipes: plan.recipes.iter().map(recipe).collect(),
        ensembles: Vec::new(),
        missing: missing.map(|job| job.name.clone()).collect(),
        jobs,
    }
}

fn result(job: &Job, plan: &Plan) -> JobResult {
    let folder = Folder::of(job, plan.judge);
    let split = plan.judge.map(|judge| judge.split().name());
    JobResult {
        name: job.name.clone(),
        recipe: job.recipe.clone(),
        seed: job.seed,
        fold: job.fold,
        validation: folder.run.validation(),
        judged: folder.judged.map(|file| figures(&file.evaluations, split)).unwrap_or_default(),
        status: folder.status,
    }
}

/// Every figure of `evaluations` on the rows of `split`.
pub fn figures(evaluations: &[Evaluation], split: Option<&str>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for evaluation in evaluations {
        let splits = evaluation.splits.iter().filter(|s| Some(s.split.as_str()) == split);
        for ProtocolResult { protocol, all, .. } in splits.flat_map(|split| &split.protocols) {
            let right = all.confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
            figures.push(Figure {
                labels: evaluation.labels.clone(),
                protocol: protocol.clone(),
                accuracy: all.accuracy,
                right,
                rows: all.rows,
            });
        }
    }
    figures
}

impl RecipeResult {
    fn of(recipe: &str, jobs: Vec<&JobResult>) -> Self {
        let done: Vec<_> = jobs.iter().filter(|job| job.status == JobStatus::Done).collect();
        let validation: Vec<f64> = done.iter().filter_map(|job| job.validation).collect();
        Self {
            recipe: recipe.to_owned(),
            done: done.len(),
            of: jobs.len(),
            validation: (!validation.is_empty()).then(|| Spread::of(&validation)),
            judged: RecipeFigure::all(done.iter().flat_map(|job| &job.judged)),
        }
    }
}

impl RecipeFigure {
    /// Combines figures by graph and protocol, in the order in which they occur.
    pub fn all<'a>(figures: impl IntoIterator<Item = &'a Figure>) -> Vec<Self> {
        let mut groups: Vec<Vec<&Figure>> = Vec::new();
        for figure in figures {
            let same = |f: &Figure| (&f.labels, &f.protocol) == (&figure.labels, &figure.protocol);
            match groups.iter_mut().find(|group| same(group[0])) {
                Some(group) => group.push(figure),
                None => groups.push(vec![figure]),
            }
        }
        groups.into_iter().map(Self::of).collect()
    }

    /// A row of the table.
    fn cells(&self, name: String, done: String) -> [String; 5] {
        let figure = format!("{} {}", self.labels, self.protocol);
        let pooled = format!("{} of {}", percent(self.pooled), self.rows);
        [name, done, figure, spread_text(self.accuracy, self.jobs), pooled]
    }

    /// Combines figures of one protocol; at least one.
    fn of(figures: Vec<&Figure>) -> Self {
        let sum = |value: fn(&Figure) -> usize| figures.iter().map(|f| value(f)).sum::<usize>();
        let (right, rows) = (sum(|figure| figure.right), sum(|figure| figure.rows));
        let accuracies: Vec<f64> = figures.iter().map(|figure| figure.accuracy).collect();
        Self {
            labels: figures[0].labels.clone(),
            protocol: figures[0].protocol.clone(),
            jobs: figures.len(),
            accuracy: Spread::of(&accuracies),
            pooled: right as f64 / rows.max(1) as f64,
            rows,
        }
    }
}

impl Gathered {
    /// The results as tables.
    pub fn text(&self) -> String {
        let mut text = self.jobs_text();
        text += "\n";
        text += &self.recipes_text();
        let of = self.jobs.len();
        match self.missing.len() {
            0 => text += &format!("\nall {of} jobs are done\n"),
            count => {
                let _ = writeln!(text, "\n{count} of {of} jobs are missing from these means:");
                for job in self.jobs.iter().filter(|job| job.status != JobStatus::Done) {
                    let _ = writeln!(text, "  {}: {}", job.name, job.status.text());
                    if let JobStatus::Failed { message } = &job.status {
                        message.lines().for_each(|line| text += &format!("    {}\n", line.trim()));
                    }
                }
            }
        }
        text
    }

    fn jobs_text(&self) -> String {
        let mut table = vec![["job", "state", "PublicTest", ""].map(str::to_owned)];
        table[0][3] = self.judged_on.map(|split| format!("judged on {split}")).unwrap_or_default();
        for job in &self.jobs {
            let judged = job.judged.first().map(|figure| {
                format!("{} {} {}", percent(figure.accuracy), figure.labels, figure.protocol)
            });
            let validation = job.validation.map_or_else(none, percent);
            table.push([
                job.name.clone(),
                job.status.text(),
                validation,
                judged.unwrap_or_default(),
            ]);
        }
        aligned(&table)
    }

    /// A table of all recipes, then of all ensembles.
    fn recipes_text(&self) -> String {
        let head = ["recipe", "done", "figure", "mean over jobs", "pooled over rows"];
        let mut table = vec![head.map(str::to_owned)];
        for recipe in &self.recipes {
            let done = format!("{} of {}", recipe.done, recipe.of);
            let name = || recipe.recipe.clone();
            let validation = recipe.validation.map(|spread| spread_text(spread, recipe.done));
            let first =
                [name(), done.clone(), "PublicTest".into(), validation.unwrap_or_else(none)];
            let [a, b, c, d] = first;
            table.push([a, b, c, d, String::new()]);
            table.extend(recipe.judged.iter().map(|figure| figure.cells(name(), done.clone())));
        }
        for EnsembleResult { name, members, done, of, judged } in &self.ensembles {
            let name = format!("{name}, mean of {members}");
            let done = format!("{done} of {of}");
            if judged.is_empty() {
                table.push([name.clone(), done.clone(), none(), none(), String::new()]);
            }
            table.extend(judged.iter().map(|figure| figure.cells(name.clone(), done.clone())));
        }
        aligned(&table)
    }

    /// The number of jobs in each state, in one line.
    pub fn counts(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for job in &self.jobs {
            let state = match job.status {
                JobStatus::NotStarted => "not started",
                JobStatus::Begun { .. } | JobStatus::Trained => "begun",
                JobStatus::Done => "done",
                JobStatus::Failed { .. } => "failed",
            };
            *counts.entry(state).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(s, count)| format!("{count} {s}")).collect();
        format!("{} jobs: {}", self.jobs.len(), counts.join(", "))
    }
}

fn none() -> String {
    "-".to_owned()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Mean and sample standard deviation; only the mean for a single value.
fn spread_text(spread: Spread, count: usize) -> String {
    let Spread { mean, deviation } = spread;
    match count {
        0 | 1 => percent(mean),
        _ => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation),
    }
}

/// Columns as wide as their widest cell.
fn aligned<const COLUMNS: usize>(table: &[[String; COLUMNS]]) -> String {
    let width = |at: usize| table.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(right: usize, rows: usize, protocol: &str) -> Figure {
        Figure {
            labels: "fer-7".into(),
            protocol: protocol.into(),
            accuracy: right as f64 / rows as f64,
            right,
            rows,
        }
    }

    fn job(seed: u64, status: JobStatus, judged: Vec<Figure>) -> JobResult {
        JobResult {
            name: format!("badge-seed{seed}"),
            recipe: "badge".into(),
            seed,
            fold: None,
            status,
            validation: Some(0.5 + seed as f64 / 10.0),
            judged,
        }
    }

    #[test]
    fn means_and_pooled_rows_by_hand() {
        let jobs = vec![
            job(1, JobStatus::Done, vec![figure(1, 2, "label"), figure(1, 4, "other")]),
            job(2, JobStatus::Done, vec![figure(8, 8, "label")]),
            job(3, JobStatus::Begun { epochs: 3, of: 40 }, vec![figure(0, 100, "label")]),
            job(4, JobStatus::Failed { message: "no data\n  Name it.".into() }, Vec::new()),
        ];
        let recipe = RecipeResult::of("badge", jobs.iter().collect());
        assert_eq!((recipe.done, recipe.of), (2, 4));
        let Spread { mean, deviation } = recipe.validation.unwrap();
        assert!((mean - 0.65).abs() < 1e-12 && (deviation - 0.005_f64.sqrt()).abs() < 1e-12);
        let [label, other] = recipe.judged.as_slice() else { panic!("{:?}", recipe.judged) };
        assert_eq!((label.jobs, label.rows, label.pooled), (2, 10, 0.9));
        assert_eq!(label.accuracy.mean, 0.75);
        assert_eq!((other.jobs, other.accuracy.deviation), (1, 0.0));

        let missing = vec!["badge-seed3".to_owned(), "badge-seed4".to_owned()];
        let judged_on = Some("PrivateTest");
        let ensemble =
            EnsembleResult { name: "badge".into(), members: 4, done: 0, of: 1, judged: Vec::new() };
        let (recipes, ensembles) = (vec![recipe], vec![ensemble]);
        let gathered = Gathered { judged_on, jobs, recipes, ensembles, missing };
        let text = gathered.text();
        for expected in [
            "badge-seed1  done           60.00 %     50.00 % fer-7 label",
            "badge-seed3  epoch 3 of 40  80.00 %     0.00 % fer-7 label",
            "badge             2 of 4  fer-7 label  75.00 ± 35.36 %  90.00 % of 10",
            "badge             2 of 4  fer-7 other  25.00 %          25.00 % of 4",
            "badge, mean of 4  0 of 1  -            -\n",
            "2 of 4 jobs are missing from these means:",
            "badge-seed4: failed\n    no data\n    Name it.\n",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        assert_eq!(gathered.counts(), "4 jobs: 1 begun, 2 done, 1 failed");
    }
}
