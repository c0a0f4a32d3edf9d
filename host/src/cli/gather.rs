//! `emocue gather`

use crate::output::{out, outln};
use std::path::PathBuf;

use clap::Args;
use emocue_models::failure::{Failure, Problem};
use emocue_models::label::LabelSet;

use super::eval::with_bar;
use super::open::open_model;
use super::plan::understood;
use crate::eval::{EvalError, evaluate};
use crate::plan::gather::{EnsembleResult, Figure, RecipeFigure, figures, gather};
use crate::plan::status::{Folder, JobStatus};
use crate::plan::{Job, Plan, short};
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::model::ClassifierModel;
use emocue_data::predict::PredictSettings;

/// Show the results of a plan's trainings, and their means over seeds and folds.
#[derive(Args, Debug)]
pub struct GatherArgs {
    /// The plan's TOML file.
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Evaluate ensembles too: the mean answer of each recipe's seeds, and of all networks, fold by fold.
    #[arg(long)]
    ensembles: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &GatherArgs) -> Result<(), Box<dyn Failure>> {
    let plan = Plan::load(&args.plan)?;
    let mut gathered = gather(&plan);
    if args.ensembles {
        let Some(judge) = plan.judge else {
            let path = args.plan.display();
            return Err(Problem::usage(format!(
                "plan {path} has no judge, so there are no rows to judge ensembles by"
            ))
            .help("Add judge = \"public\" or \"private\" to it.")
            .into());
        };
        gathered.ensembles = ensembles(&plan, judge.split())?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&gathered);
        outln!("{}", json.map_err(|error| Problem::new(error.to_string()))?);
    } else {
        out!("{}", gathered.text());
    }
    Ok(())
}

/// The ensembles of each recipe's seeds and of all networks, if they have more than one member.
fn ensembles(plan: &Plan, split: Split) -> Result<Vec<EnsembleResult>, Box<dyn Failure>> {
    let jobs = plan.jobs();
    let mut groups: Vec<(String, Vec<&Job>)> = Vec::new();
    for recipe in plan.recipes.iter().filter(|_| plan.seeds.len() > 1) {
        let name = short(recipe).unwrap_or_default().to_owned();
        groups.push((name, jobs.iter().filter(|job| job.recipe == *recipe).collect()));
    }
    if plan.recipes.len() > 1 {
        groups.push(("all".to_owned(), jobs.iter().collect()));
    }
    let (Some(first), false) = (jobs.first(), groups.is_empty()) else { return Ok(Vec::new()) };
    // All jobs have the same data, so the first one's arguments are used.
    let asked = understood(first)?;
    let data = asked.data.read()?;
    let folds = asked.folds.divide(&data)?;

    let mut results = Vec::new();
    for (name, members) in groups {
        let of = plan.folds.max(1);
        let mut judged: Vec<Vec<Figure>> = Vec::new();
        for fold in 0..of {
            let mine = |job: &&&Job| job.fold.is_none_or(|other| other == fold + 1);
            let members: Vec<&Job> = members.iter().filter(mine).copied().collect();
            let Some(models) = models(&members, plan)? else { continue };
            let rows = match &folds {
                Some(folds) => &data.clone().with_fold(folds, fold)?,
                None => &data,
            };
            judged.push(answer(&models, rows, split)?);
        }
        results.push(EnsembleResult {
            name,
            members: members.len() / of,
            done: judged.len(),
            of,
            judged: RecipeFigure::all(judged.iter().flatten()),
        });
    }
    Ok(results)
}

/// The graphs of the first heads of `jobs`; `None` if one of them is not done.
fn models(jobs: &[&Job], plan: &Plan) -> Result<Option<Vec<ClassifierModel>>, EvalError> {
    let mut models = Vec::new();
    for job in jobs {
        let folder = Folder::of(job, plan.judge);
        let head = folder.run.state().and_then(|state| state.recipe.heads.first());
        let (JobStatus::Done, Some(head)) = (&folder.status, head) else { return Ok(None) };
        let path = folder.run.graph(&head.labels);
        let labels = LabelSet::by_id(&head.labels);
        models.push(open_model(&path, labels)?);
    }
    Ok(Some(models))
}

/// The figures of the ensemble of `models` on the rows of `split`.
fn answer(
    models: &[ClassifierModel],
    data: &Dataset,
    split: Split,
) -> Result<Vec<Figure>, EvalError> {
    let rows = data.rows(split).len();
    let judged =
        with_bar(rows, |bar| evaluate(models, data, &[split], PredictSettings::default(), bar))?;
    Ok(figures(&[judged.evaluation], Some(split.name())))
}
