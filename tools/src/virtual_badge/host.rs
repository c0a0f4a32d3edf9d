//! The host's program at the other end of the virtual cable, and the bundles that it flashes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Result;
use crate::cargo::{check, output, root};

/// Polling interval for the program's end.
const LOOK: Duration = Duration::from_millis(50);

/// The program, a key, and two releases that it signed.
pub(crate) struct Host {
    program: PathBuf,
    folder: TempDir,
    flashing: Option<Child>,
}

/// Which release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// A newly trained bundle if there are data, else the default bundle with another release number.
    First,
    /// The default bundle with another release number.
    Second,
}

impl Release {
    /// Its number, higher than that of every embedded bundle.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::First => 900,
            Self::Second => 901,
        }
    }
}

impl Host {
    /// Makes a key and the releases; with `data` (FER2013's and FER+'s files) the first one is trained for an epoch.
    pub(crate) fn new(program: PathBuf, data: Option<&Path>) -> Result<Self> {
        let host = Self { program, folder: tempfile::tempdir()?, flashing: None };
        host.run(&["key", "new", "-o", &host.at("badge.key")])?;
        host.release(Release::Second, "default")?;
        match data {
            Some(data) => {
                host.train(data)?;
                host.release(Release::First, &host.at("trained.emocue"))?;
            }
            None => host.release(Release::First, "default")?,
        }
        Ok(host)
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn file(&self, release: Release) -> String {
        self.at(&format!("{}.emocue", release.number()))
    }

    fn run(&self, words: &[&str]) -> Result<()> {
        check(Command::new(&self.program).current_dir(root()).args(words).stdout(Stdio::null()))
    }

    /// One epoch, weights in 8 bits, packed with the default bundle's detector and card.
    fn train(&self, data: &Path) -> Result<()> {
        let file = |name: &str| data.join(name).display().to_string();
        let fer2013 = file("fer2013.csv.gz");
        let (run, nets) = (self.at("run"), self.at("nets"));
        let (float, w8) = (format!("{run}/ferplus-8.onnx"), self.at("classifier.onnx"));
        let start = Instant::now();
        let sources = ["--fer2013", &fer2013, "--ferplus", &file("fer2013new.csv")];
        let train = ["train", "--recipe", "badge", "--epochs", "1", "--plain", "--run", &run];
        self.run(&[&train[..], &sources[..]].concat())?;
        self.run(&["quantize", &float, "--form", "w8", "--fer2013", &fer2013, "-o", &w8])?;
        self.run(&["bundle", "unpack", "default", "-o", &nets])?;
        let card = "models/bundles/CARD.md";
        let pack = ["bundle", "pack", "--detector", &nets, "--classifier", &w8, "--card", card];
        let named = ["--name", "default", "--content-version", "1"];
        let output = ["-o", &self.at("trained.emocue")];
        self.run(&[&pack[..], &named[..], &output[..]].concat())?;
        let seconds = start.elapsed().as_secs_f64();
        println!("trained an epoch, quantized and packed in {seconds:.0} s");
        Ok(())
    }

    fn release(&self, release: Release, bundle: &str) -> Result<()> {
        let (number, file) = (release.number().to_string(), self.file(release));
        let key = self.at("badge.key");
        let signed = ["bundle", "sign", bundle, "--key", &key, "--content-version", &number];
        let noted = ["--intended-use", "testing on a virtual badge", "-o", &file];
        self.run(&[&signed[..], &noted[..]].concat())?;
        self.run(&["bundle", "verify", &file, "--key", &key])
    }

    /// Starts to flash a release over the cable at `port`.
    pub(crate) fn flash(&mut self, port: &str, release: Release, log: &Path) -> Result<()> {
        let file = self.file(release);
        self.begin(port, &["--what", "bundle", "--bundle", &file], log)
    }

    /// Starts to roll back the badge over the cable at `port`.
    pub(crate) fn roll_back(&mut self, port: &str, log: &Path) -> Result<()> {
        self.begin(port, &["--rollback"], log)
    }

    fn begin(&mut self, port: &str, words: &[&str], log: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["flash", "--yes", "--to", &format!("serial:{port}")]).args(words);
        let messages = std::fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(messages.try_clone()?).stderr(messages);
        self.flashing = Some(command.spawn()?);
        Ok(())
    }

    /// Waits until the started command succeeds.
    pub(crate) fn done(&mut self, patience: Duration, log: &Path) -> Result<()> {
        let status = self.ended(patience)?;
        if status.success() {
            return Ok(());
        }
        let told = std::fs::read_to_string(log).unwrap_or_default();
        Err(format!("emocue flash: {status}\n{told}").into())
    }

    /// Waits until the started command is refused with `why`.
    pub(crate) fn refused(&mut self, patience: Duration, log: &Path, why: &str) -> Result<()> {
        let status = self.ended(patience)?;
        let told = std::fs::read_to_string(log).unwrap_or_default();
        if !status.success() && told.contains(why) {
            return Ok(());
        }
        Err(format!("emocue flash was not refused with {why:?}: {status}\n{told}").into())
    }

    fn ended(&mut self, patience: Duration) -> Result<ExitStatus> {
        let mut child = self.flashing.take().ok_or("nothing is flashed")?;
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > patience {
                child.kill()?;
                return Ok(child.wait()?);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The badge's status over the cable.
    pub(crate) fn status(&self, port: &str) -> Result<serde_json::Value> {
        let on = format!("serial:{port}");
        let told =
            output(Command::new(&self.program).args(["monitor", "--on", &on, "--once", "--json"]))?;
        let mut told: serde_json::Value =
            serde_json::from_str(told.lines().next().unwrap_or_default())?;
        Ok(told.get_mut("status").map(serde_json::Value::take).unwrap_or(told))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(child) = &mut self.flashing {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
