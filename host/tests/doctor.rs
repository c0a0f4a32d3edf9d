//! `emocue doctor`, with scripts in place of other programs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic fails its test")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A fake `nvidia-smi` with two GPUs; one name has an escape sequence.
const TWO_GPUS: &str = "#!/bin/sh
[ \"$1 $2\" = '--query-gpu=name,driver_version,memory.total --format=csv,noheader' ] || exit 9
echo 'NVIDIA H200, 550.54.15, 143771 MiB'
printf 'Odd\\033[2J, 550.54.15, 24564 MiB\\n'
";

/// Its output without the kernel module.
const NO_DRIVER: &str = "#!/bin/sh
echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"
exit 9
";

/// A home, a folder of programs and a working folder.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "home", "data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        let file = fs::File::options().write(true).create_new(true).mode(0o755).open(path);
        file.unwrap().write_all(script.as_bytes()).unwrap();
    }

    /// Runs the program with the fake programs as its only `PATH`.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.current_dir(self.0.path()).env("PATH", self.path("bin"));
        command.env("HOME", self.path("home")).env_remove("XDG_CONFIG_HOME");
        command.env_remove("EMOCUE_DATA").env_remove("EMOCUE_ISA").env_remove("CUDA_PATH");
        command
    }

    fn emocue(&self, line: &str) -> Output {
        self.command().args(line.split_whitespace()).output().unwrap()
    }

    /// The check of this name, and the exit code.
    fn check(&self, name: &str) -> (Value, Option<i32>) {
        let done = self.emocue("doctor --json");
        (check(&done, name), done.status.code())
    }
}

fn check(done: &Output, name: &str) -> Value {
    let json: Value = serde_json::from_slice(&done.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap().clone()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_bare_computer_gets_notes_that_say_how_to_get_what_is_missing() {
    let bench = Bench::new();
    let done = bench.emocue("doctor");
    let told = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{told}");
    for line in [
        "note     gpu          no NVIDIA driver: nvidia-smi is not on the PATH\n",
        "ok       cpu          ",
        "note     data         no folder of datasets is named\n                      to get it: ",
        "note     ffmpeg       not on the PATH; it lets the badge's program look at videos\n",
        "to get it: sudo apt install openssh-client\n",
        "to get it: emocue key new -o ",
        "to get it: emocue journal key\n",
        "\nno problem found\n",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
}

#[test]
fn a_gpu_is_named_and_how_to_build_for_it() {
    let bench = Bench::new();
    bench.program("nvidia-smi", TWO_GPUS);
    let (gpu, _) = bench.check("gpu");
    assert_eq!(gpu["outcome"], "ok");
    let found = gpu["found"].as_str().unwrap();
    assert!(found.starts_with("NVIDIA H200, driver 550.54.15, 143771 MiB; Odd"), "{found}");
    let lines = bench.emocue("doctor").stdout;
    assert!(!lines.contains(&0x1b), "what steers a terminal is escaped: {}", text(&lines));
    if cfg!(not(feature = "cuda")) {
        let (cuda, code) = bench.check("cuda");
        assert_eq!((cuda["outcome"].as_str(), code), (Some("note"), Some(0)));
        let how = cuda["fix"].as_str().unwrap();
        assert!(how.contains("--package emocue-host --features cuda"), "{how}");
    }
}

#[test]
fn a_driver_that_fails_is_a_problem() {
    let bench = Bench::new();
    bench.program("nvidia-smi", NO_DRIVER);
    let (gpu, code) = bench.check("gpu");
    assert_eq!((gpu["outcome"].as_str(), code), (Some("problem"), Some(1)));
    assert!(gpu["found"].as_str().unwrap().contains("couldn't communicate"), "{gpu}");
    assert!(gpu["fix"].as_str().unwrap().contains("driver"), "{gpu}");
    let done = bench.emocue("doctor");
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stdout).ends_with("\n1 problem\n"));
}

#[test]
fn outside_tools_are_found_on_the_path() {
    let bench = Bench::new();
    for name in ["ssh", "ffmpeg", "espeak-ng", "debugfs"] {
        assert_eq!(bench.check(name).0["outcome"], "note", "{name}");
        bench.program(name, "#!/bin/sh\nexit 1\n");
        let (check, _) = bench.check(name);
        assert_eq!(check["outcome"], "ok", "{name}");
        let place = bench.path("bin").join(name).display().to_string();
        assert!(check["found"].as_str().unwrap().starts_with(&place), "{check}");
    }
}

#[test]
fn datasets_are_named_with_their_layout() {
    let bench = Bench::new();
    let data = bench.path("data");
    fs::write(data.join("faces.csv"), "emotion,pixels,Usage\n").unwrap();
    fs::write(data.join("fer2013new.csv"), "Usage,Image name,neutral\n").unwrap();
    fs::write(data.join("notes.txt"), "nothing").unwrap();
    let by_option = bench.emocue("doctor --json --data data");
    let found = check(&by_option, "data");
    assert_eq!(found["found"], "data: faces.csv (fer2013), fer2013new.csv (FER+ votes)");
    let by_variable =
        bench.command().args(["doctor", "--json"]).env("EMOCUE_DATA", &data).output().unwrap();
    assert_eq!(check(&by_variable, "data")["outcome"], "ok");
    for nothing in ["nowhere", "home"] {
        let done = bench.emocue(&format!("doctor --json --data {nothing}"));
        let found = check(&done, "data");
        assert_eq!((found["outcome"].as_str(), done.status.code()), (Some("note"), Some(0)));
        assert!(found["fix"].as_str().unwrap().contains("EMOCUE_DATA"), "{found}");
    }
}

#[test]
fn a_key_that_others_can_read_is_a_problem() {
    let bench = Bench::new();
    let folder = bench.path("home").join(".config/emocue");
    assert!(bench.emocue("key new -o home/.config/emocue/badge.key").status.success());
    assert!(bench.emocue("journal key").status.success());
    for (name, file) in [("key", "badge.key"), ("journal-key", "journal.key")] {
        let path = folder.join(file);
        let (found, code) = bench.check(name);
        assert_eq!((found["outcome"].as_str(), code), (Some("ok"), Some(0)), "{found}");
        let said = found["found"].as_str().unwrap();
        assert!(said.starts_with(path.to_str().unwrap()), "{said}");
        assert!(said.contains("only you can read; public key "), "{said}");
        let secret = fs::read_to_string(&path).unwrap();
        let digits = secret.split_whitespace().last().unwrap();
        assert!(!said.contains(digits), "the secret half is never shown");
        mode(&path, 0o644);
        let (found, code) = bench.check(name);
        assert_eq!((found["outcome"].as_str(), code), (Some("problem"), Some(1)), "{found}");
        assert!(found["fix"].as_str().unwrap().contains("chmod 600"), "{found}");
        mode(&path, 0o600);
    }
}
