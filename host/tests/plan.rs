//! Plans as a user runs them: directly, through a shell, by Slurm; interrupted, damaged, run again, gathered.

#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use emocue_host::plan::Plan;
use emocue_train::checkpoint::FILE;
use emocue_train::net::NetSpec;
use emocue_train::recipe::Recipe;
use serde_json::Value;

/// 32 rows for training, 8 for validation, 8 for evaluation.
const ROWS: usize = 48;

/// A folder with an unusual name, both datasets, a recipe and a plan.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// `settings` are lines of the plan besides the recipe, the run folder and the data.
    fn new(epochs: usize, settings: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("it's a plan ").tempdir().unwrap();
        let mut recipe = Recipe::load("badge").unwrap();
        recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
        recipe.optimizer.batch = 8;
        recipe.schedule.epochs = epochs;
        recipe.schedule.warmup_epochs = 0.0;
        let bench = Self { folder };
        std::fs::write(bench.path("tiny.toml"), toml::to_string(&recipe).unwrap()).unwrap();
        bench.draw();
        let mut given = vec!["--fer2013", "fer.csv", "--ferplus", "votes.csv", "--workers", "1"];
        given.extend(arguments);
        let plan = format!(
            "recipes = [\"tiny.toml\"]\nrun = \"the run's\"\narguments = {given:?}\n{settings}\n"
        );
        std::fs::write(bench.path("plan.toml"), plan).unwrap();
        bench
    }

    /// Both datasets in their published layouts: the position of a bar gives the class.
    fn draw(&self) {
        let mut pixels = String::from("emotion,pixels,Usage\n");
        let mut votes = String::from(
            "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n",
        );
        for row in 0..ROWS {
            let usage = ["Training", "PublicTest", "PrivateTest"][(row / 8).saturating_sub(3)];
            let class = row % 7;
            let value =
                |i: usize| if i / 48 / 6 == class { 200 + row % 50 } else { (i * 31 + row) % 60 };
            let picture: Vec<String> = (0..48 * 48).map(|i| value(i).to_string()).collect();
            writeln!(pixels, "{class},{},{usage}", picture.join(" ")).unwrap();
            let counts: Vec<&str> = (0..10).map(|i| if i == class { "10" } else { "0" }).collect();
            writeln!(votes, "{usage},,{}", counts.join(",")).unwrap();
        }
        std::fs::write(self.path("fer.csv"), pixels).unwrap();
        std::fs::write(self.path("votes.csv"), votes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of a job.
    fn of(&self, job: &str, file: &str) -> PathBuf {
        self.path("the run's").join(job).join(file)
    }

    fn emocue(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.emocue(arguments).output().unwrap()
    }

    /// The output of a run that must succeed.
    fn said(&self, arguments: &[&str]) -> String {
        succeeded(&self.run(arguments))
    }

    /// The exit code and the error message.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn gathered(&self) -> Value {
        serde_json::from_str(&self.said(&["gather", "plan.toml", "--json"])).unwrap()
    }
}

fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

const RUN: [&str; 3] = ["train", "--plan", "plan.toml"];

#[test]
fn a_plan_runs_here_once() {
    let bench = Bench::new(2, "seeds = [1, 2]\njudge = \"private\"", &[]);
    let before = bench.said(&["gather", "plan.toml"]);
    assert!(before.contains("2 of 2 jobs are missing"), "{before}");
    assert!(before.contains("tiny-seed2: not started"), "{before}");

    let said = bench.said(&RUN);
    for line in ["job 1 of 2: tiny-seed1", "epoch 2: ", "job 2 of 2: tiny-seed2", "2 jobs: 2 done"]
    {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let gathered = bench.gathered();
    assert_eq!(gathered["missing"].as_array().unwrap().len(), 0);
    let recipe = &gathered["recipes"][0];
    assert_eq!((recipe["done"].as_u64(), recipe["of"].as_u64()), (Some(2), Some(2)));
    let figure = &recipe["judged"][0];
    assert_eq!(figure["protocol"], "ferplus.plurality");
    assert_eq!((figure["jobs"].as_u64(), figure["rows"].as_u64()), (Some(2), Some(16)));
    let share = |value: &Value| value.as_f64().unwrap();
    let jobs = [0, 1].map(|job| share(&gathered["jobs"][job]["judged"][0]["accuracy"]));
    let mean = share(&figure["accuracy"]["mean"]);
    assert!((mean - f64::midpoint(jobs[0], jobs[1])).abs() < 1e-12, "{gathered}");
    assert!((share(&figure["pooled"]) - mean).abs() < 1e-12, "{gathered}");
    let text = bench.said(&["gather", "plan.toml"]);
    assert!(text.contains("tiny-seed1  done") && text.contains("all 2 jobs are done"), "{text}");

    // The ensemble of both: the mean of their probabilities, once for every row.
    let text = bench.said(&["gather", "plan.toml", "--ensembles"]);
    assert!(text.contains("tiny, mean of 2  1 of 1  ferplus-8 ferplus.plurality"), "{text}");

    // The second time, nothing is left to do.
    let metrics = bench.of("tiny-seed1", "metrics.jsonl");
    let written = std::fs::metadata(&metrics).unwrap().modified().unwrap();
    let said = bench.said(&RUN);
    assert_eq!(said.matches("is finished already").count(), 2, "{said}");
    assert_eq!(std::fs::metadata(&metrics).unwrap().modified().unwrap(), written);

    // Another `judge` setting only evaluates.
    let plan = std::fs::read_to_string(bench.path("plan.toml")).unwrap();
    std::fs::write(bench.path("plan.toml"), plan.replace("private", "public")).unwrap();
    assert_eq!(bench.gathered()["jobs"][0]["state"], "trained");
    let said = bench.said(&RUN);
    assert!(said.contains("2 jobs: 2 done") && !said.contains("epoch "), "{said}");
    assert_eq!(bench.gathered()["judged_on"], "PublicTest");
}

#[test]
fn folds_are_pooled_and_their_lines_survive_a_shell() {
    let settings = "seeds = [1, 2]\nfolds = 3\njudge = \"private\"";
    let bench = Bench::new(1, settings, &["--fold-seed", "5"]);
    let said = bench.said(&["train", "--plan", "plan.toml", "--jobs"]);
    assert!(said.contains("6 jobs") && said.contains("jobs.txt"), "{said}");
    let lines = std::fs::read_to_string(bench.path("the run's/jobs.txt")).unwrap();
    for line in lines.lines() {
        let mut shell = Command::new("sh");
        let said = shell.args(["-c", line]).current_dir(bench.folder.path()).output().unwrap();
        assert!(succeeded(&said).contains("eval.json"), "{line}");
    }
    let gathered = bench.gathered();
    let labels = gathered["recipes"][0]["judged"].as_array().unwrap();
    let label = labels.iter().find(|figure| figure["protocol"] == "label").unwrap();
    // Every row is a test row once for each seed.
    assert_eq!((label["jobs"].as_u64(), label["rows"].as_u64()), (Some(6), Some(2 * ROWS as u64)));
    std::fs::remove_file(bench.of("tiny-seed2-fold02", "eval.json")).unwrap();
    let text = bench.said(&["gather", "plan.toml", "--ensembles"]);
    for line in ["tiny-seed1-fold03  done", "tiny-seed2-fold02: trained", "of 80\n"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // Without that job, the second fold has no ensemble.
    assert!(text.contains("tiny, mean of 2  2 of 3") && text.contains("of 32\n"), "{text}");
}

#[test]
fn ctrl_c_stops_a_plan_that_goes_on() {
    let bench = Bench::new(10_000, "seeds = [1, 2]", &[]);
    let interrupted = || {
        let mut emocue = bench.emocue(&RUN);
        let mut child = emocue.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let begun = lines.find(|line| line.starts_with("epoch")).unwrap();
        let process = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
        let rest = lines.collect::<Vec<_>>().join("\n");
        let output = child.wait_with_output().unwrap();
        let last = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{last}\n{rest}");
        assert!(last.contains("stopped in tiny-seed1 (epoch "), "{last}");
        assert!(rest.contains("2 jobs: 1 begun, 1 not started"), "{rest}");
        begun
    };
    assert!(interrupted().starts_with("epoch 1:"));
    let resumed = interrupted();
    assert!(!resumed.starts_with("epoch 1:"), "{resumed}");
    assert!(bench.of("tiny-seed1", FILE).exists() && !bench.of("tiny-seed2", FILE).exists());
    let text = bench.said(&["gather", "plan.toml"]);
    assert!(text.contains("tiny-seed1: epoch ") && text.contains(" of 10000"), "{text}");
}

#[test]
fn a_failing_job_is_named_and_the_rest_runs() {
    let bench = Bench::new(1, "seeds = [1, 2]", &[]);
    std::fs::create_dir_all(bench.of("tiny-seed1", "")).unwrap();
    std::fs::write(bench.of("tiny-seed1", FILE), "no checkpoint").unwrap();
    let (code, error) = bench.refused(&RUN);
    assert_eq!(code, 1);
    assert!(error.contains("1 of 2 jobs failed: tiny-seed1"), "{error}");
    let gathered = bench.gathered();
    assert_eq!(gathered["missing"], serde_json::json!(["tiny-seed1"]));
    assert_eq!(
        (&gathered["jobs"][0]["state"], &gathered["jobs"][1]["state"]),
        (&"failed".into(), &"done".into())
    );
    let text = bench.said(&["gather", "plan.toml"]);
    assert!(text.contains("tiny-seed1: failed\n    checkpoint the run's/"), "{text}");

    std::fs::remove_file(bench.of("tiny-seed1", FILE)).unwrap();
    assert!(bench.said(&RUN).contains("2 jobs: 2 done"));

    // Another training than the one that was started there.
    let mut other = Recipe::load(bench.path("tiny.toml").to_str().unwrap()).unwrap();
    other.optimizer.learning_rate /= 2.0;
    std::fs::write(bench.path("tiny.toml"), toml::to_string(&other).unwrap()).unwrap();
    let (code, error) = bench.refused(&RUN);
    assert!(code == 1 && error.contains("begun with another recipe"), "{error}");
}

#[test]
fn refuses_what_no_job_would_understand() {
    let refused = |settings: &str, arguments: &[&str]| {
        let bench = Bench::new(1, settings, arguments);
        let (code, error) = bench.refused(&RUN);
        assert!(!bench.path("the run's").exists(), "{error}");
        (code, error)
    };
    let (code, error) = refused("", &["--seed", "3"]);
    assert!(code == 2 && error.contains("'--seed <SEED>' cannot be used multiple"), "{error}");
    let (_, error) = refused("", &["--speed", "3"]);
    assert!(error.contains("plan.toml: arguments: unexpected argument '--speed'"), "{error}");
    let (_, error) = refused("folds = 1", &[]);
    assert!(error.contains("folds is 1"), "{error}");
    let bench = Bench::new(1, "", &[]);
    assert_eq!(bench.refused(&["train", "--plan", "plan.toml", "--seed", "3"]).0, 2);
    let (code, error) = bench.refused(&["train", "--jobs", "--fer2013", "a", "--ferplus", "b"]);
    assert!(code == 2 && error.contains("--plan"), "{error}");
    let (code, error) = bench.refused(&["train"]);
    assert!(code == 2 && error.contains("--fer2013"), "{error}");
    let with_data = ["train", "--fer2013", "fer.csv", "--ferplus", "votes.csv", "--folds", "3"];
    let (code, error) = bench.refused(&with_data);
    assert!(code == 2 && error.contains("--folds needs --fold"), "{error}");
}

/// Debian's Slurm runs the array on a cluster of this machine only.
#[test]
fn slurm_runs_the_array() {
    if !Path::new("/usr/sbin/slurmctld").exists() {
        println!("skipped: no slurmctld here; on Debian: apt-get install slurm-wlm munge");
        return;
    }
    let bench = Bench::new(
        1,
        "seeds = [1, 2, 3]\njudge = \"private\"\n[slurm]\nat_once = 2\ncpus = 1",
        &[],
    );
    let said = bench.said(&["train", "--plan", "plan.toml", "--slurm", "array.sh"]);
    assert!(said.contains("array.sh: 3 jobs"), "{said}");
    // Two of three have run before, and one of them was interrupted before its evaluation.
    let plan = Plan::load(&bench.path("plan.toml")).unwrap();
    for job in &plan.jobs()[..2] {
        let arguments: Vec<&str> = job.arguments.iter().map(String::as_str).collect();
        bench.said(&arguments);
    }
    std::fs::remove_file(bench.of("tiny-seed2", "eval.json")).unwrap();

    let cluster = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/slurm/one_node.sh");
    let array = Command::new(cluster).arg(bench.path("array.sh")).output().unwrap();
    let said = succeeded(&array);
    println!("{said}");
    for (task, expected) in ["is finished already", "eval.json", "epoch 1: "].iter().enumerate() {
        let log = bench.path("the run's").join(format!("job-{task}.log"));
        let log = std::fs::read_to_string(log).unwrap();
        println!("{log}");
        assert!(log.contains(expected), "{log}");
    }
    let text = bench.said(&["gather", "plan.toml"]);
    println!("{text}");
    assert!(text.contains("all 3 jobs are done"), "{text}");
}
