use std::collections::HashSet;
use std::process::Command;

use proptest::prelude::*;

use super::commands::{self, line, write_jobs};
use super::slurm::script;
use emocue_models::failure::Failure as _;

use super::*;
use emocue_flash::shell::quote;

const TEXT: &str = r#"
recipes = ["badge", "recipes/big.toml"]
seeds = [1, 7]
folds = 10
run = "runs/ck"
arguments = ["--data", "CK+48", "--epochs", "5"]
judge = "private"

[slurm]
partition = "long"
time = "1-12:00:00"
cpus = 4
memory = "8G"
at_once = 3
options = ["--mail-type=END"]
setup = ["module load vulkan"]
"#;

fn load(text: &str) -> Result<Plan, PlanError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folds.toml");
    std::fs::write(&path, text).unwrap();
    Plan::load(&path)
}

#[test]
fn a_job_is_its_command() {
    let plan = load(TEXT).unwrap();
    let jobs = plan.jobs();
    assert_eq!(jobs.len(), 2 * 2 * 10);
    let Job { name, recipe, seed, fold, run, arguments } = &jobs[22];
    assert_eq!((name.as_str(), recipe.as_str()), ("big-seed1-fold03", "recipes/big.toml"));
    assert_eq!((*seed, *fold, run.as_path()), (1, Some(3), Path::new("runs/ck/big-seed1-fold03")));
    let expected = "train --continue --plain --recipe recipes/big.toml --seed 1 \
                    --run runs/ck/big-seed1-fold03 --folds 10 --fold 3 --judge private \
                    --data CK+48 --epochs 5";
    assert_eq!(arguments.join(" "), expected);
    let plain = load("recipes = [\"badge\"]\nrun = \"r\"\narguments = []").unwrap().jobs();
    assert_eq!((plain.len(), plain[0].name.as_str()), (1, "badge-seed1"));
}

#[test]
fn names_what_is_wrong() {
    for (from, to, words) in [
        ("folds = 10", "folds = 2", "folds is 2, expected 0 for none, or 3 to 100"),
        ("folds = 10", "fold = 10", "unknown field `fold`"),
        ("folds = 10", "folds = -1", "folds"),
        ("seeds = [1, 7]", "seeds = []", "seeds is empty"),
        ("seeds = [1, 7]", "seeds = [7, 7]", "seeds is twice 7"),
        ("\"badge\", ", "\"big\", ", "recipes is twice \"big\""),
        ("\"badge\", ", "\"..\", ", "recipes is \"..\""),
        ("runs/ck", "", "run is empty"),
        ("CK+48", r"CK\n48", "arguments is \"CK\\n48\", expected text without control"),
        ("judge = \"private\"", "judge = \"secret\"", "`public` or `private`"),
        ("1-12:00:00", "soon", "slurm.time is \"soon\""),
        ("cpus = 4", "cpus = 0", "slurm.cpus is 0, expected 1 to 4096"),
        ("\"8G\"", "\"much\"", "slurm.memory"),
        ("\"long\"", "\"a b\"", "slurm.partition"),
        ("--mail-type", "mail-type", "slurm.options"),
        ("cpus = 4", "cores = 4", "unknown field `cores`"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT);
        let error = load(&text).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("folds.toml"), "{error}");
    }
    let seeds: Vec<String> = (0..51).map(|seed| seed.to_string()).collect();
    let error = load(&TEXT.replace("1, 7", &seeds.join(","))).unwrap_err().to_string();
    assert!(error.contains("is 1020, expected at most 1000"), "{error}");
    let missing = Plan::load(Path::new("no/such.toml")).unwrap_err().to_string();
    assert!(missing.contains("no/such.toml"), "{missing}");
}

#[test]
fn jobs_that_are_begun_keep_their_plan() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = load(TEXT).unwrap();
    plan.run = folder.path().join("run").to_str().unwrap().to_owned();
    let path = Path::new("folds.toml");
    let write = |plan: &Plan| write_jobs(plan, path, Path::new("/bin/emocue"));
    let file = write(&plan).unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 40);

    // Before any job has run, everything may change.
    let mut other = plan.clone();
    other.arguments.push("--workers=3".to_owned());
    write(&other).unwrap();
    std::fs::create_dir(&other.jobs()[0].run).unwrap();
    let error = write(&plan).unwrap_err().to_string();
    assert!(error.contains("arguments is not what it was") && error.contains("run"), "{error}");
    other.seeds.push(9);
    other.judge = None;
    write(&other).unwrap();
    other.folds = 5;
    assert!(write(&other).unwrap_err().to_string().contains("folds"));
}

#[test]
fn a_script_for_slurm() {
    let plan = Plan { run: "50 % \"off\"".into(), ..load(TEXT).unwrap() };
    let text = script(&plan, Path::new("/home/it's")).unwrap();
    for expected in [
        "#!/bin/sh\n#SBATCH --job-name=\"50 % \\\"off\\\"\"\n",
        "\n#SBATCH --array=0-39%3\n",
        "\n#SBATCH --chdir=\"/home/it's\"\n",
        "\n#SBATCH --output=\"/home/it's/50 %% \\\"off\\\"/job-%a.log\"\n",
        "\n#SBATCH --requeue\n",
        "\n#SBATCH --partition=\"long\"\n#SBATCH --time=\"1-12:00:00\"\n#SBATCH --cpus-per-task=4\n",
        "\n#SBATCH --mem=\"8G\"\n#SBATCH --mail-type=END\n# A graphics card each",
        "\nmodule load vulkan\nline=$(sed -n",
        r#"p" '/home/it'\''s/50 % "off"/jobs.txt')"#,
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let slurm = Slurm { gpus: Some(1), ..Slurm::default() };
    let text = script(&Plan { slurm, ..plan }, Path::new("/")).unwrap();
    assert!(text.contains("\n#SBATCH --gpus-per-task=1\n") && !text.contains("# A graphics card"));
}

/// The words of `line` after a shell has parsed it.
fn words(line: &str) -> Vec<String> {
    let script = format!("set -- {line}\nfor word; do printf '%s\\0' \"$word\"; done");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn a_shell_reads_back_what_was_quoted() {
    for odd in ["", " ", "it's", "a\"b", "$HOME", "`id`", "\\", "a=b", "~", "*", "#x", "é ü", "-n"]
    {
        assert_eq!(words(&quote(odd)), [odd], "{odd:?}");
    }
    assert_eq!(quote("runs/ck-1_2.toml"), "runs/ck-1_2.toml");
    assert_eq!(quote("--model=a.onnx"), "--model=a.onnx");
    let job = &load(TEXT).unwrap().jobs()[0];
    let line = line(Path::new("/opt/it's here/emocue"), job).unwrap();
    assert_eq!(words(&line)[1..], job.arguments);
    assert_eq!(words(&line)[0], "/opt/it's here/emocue");
    let error = commands::line(Path::new("/a\nb"), job).unwrap_err();
    assert!(error.help().unwrap().contains("Move it"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn jobs_are_complete_and_keep_apart(
        recipes in prop::collection::hash_set("[a-z0-9-]{1,8}(\\.toml)?", 1..4),
        seeds in prop::collection::hash_set(any::<u64>(), 1..5),
        folds in prop_oneof![Just(0_usize), 3..101_usize],
    ) {
        let slurm = Slurm::default();
        let (run, judge, arguments) = ("runs".to_owned(), None, Vec::new());
        let (recipes, seeds) = (Vec::from_iter(recipes), Vec::from_iter(seeds));
        let plan = Plan { recipes, seeds, folds, run, arguments, judge, slurm };
        let stems: HashSet<_> = plan.recipes.iter().map(|recipe| short(recipe)).collect();
        let fits = plan.recipes.len() * plan.seeds.len() * folds.max(1) <= MOST_JOBS;
        let unique = stems.len() == plan.recipes.len();
        prop_assert_eq!(plan.check(Path::new("p")).is_ok(), fits && unique);
        prop_assume!(unique);
        let jobs = plan.jobs();
        prop_assert_eq!(jobs.len(), plan.recipes.len() * plan.seeds.len() * folds.max(1));
        let names: HashSet<_> = jobs.iter().map(|job| &job.name).collect();
        let runs: HashSet<_> = jobs.iter().map(|job| &job.run).collect();
        let settings: HashSet<_> = jobs.iter().map(|job| (&job.recipe, job.seed, job.fold)).collect();
        prop_assert_eq!((names.len(), runs.len(), settings.len()), (jobs.len(), jobs.len(), jobs.len()));
        prop_assert_eq!(jobs, plan.jobs());
    }

    #[test]
    fn a_line_survives_the_shell(word in "[^\\x00-\\x1f\\x7f-\\u{9f}]{0,20}") {
        prop_assert_eq!(words(&quote(&word)), [word]);
    }
}
