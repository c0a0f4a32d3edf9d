//! A badge in a folder: its configuration, camera and bundles, and hosts that visit it.

use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use emocue_device::camera::decode_picture;
use emocue_link::Client;
use emocue_link::client::ClientSettings;
use emocue_link::message::{BadgeStatus, FileKind};
use emocue_link::transport::Streams;
use emocue_models::bundle::{Bundle, DEFAULT, Manifest, SecretKey};
use emocue_run::portraits::PORTRAITS;
use tempfile::TempDir;

/// Longer than anything takes on a busy machine; only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const CAMERA: &str = "cat header; while cat frame; do :; done";

/// A badge's folder: configuration, state, camera, bundles.
pub(crate) struct Lab {
    folder: TempDir,
    pub(crate) key: SecretKey,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let picture = decode_picture(PORTRAITS[0].file, PORTRAITS[0].jpeg).unwrap();
        let (width, height) = (picture.width(), picture.height());
        let header = format!("YUV4MPEG2 W{width} H{height} F25:1 Cmono XCOLORRANGE=FULL\n");
        fs::write(folder.path().join("header"), header).unwrap();
        fs::write(folder.path().join("frame"), [b"FRAME\n", picture.pixels()].concat()).unwrap();
        let lab = Self { folder, key: SecretKey::from_seed(&[1; 32]) };
        lab.configure(&[lab.key.public().to_string()], "none", 1);
        lab
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn configure(&self, keys: &[String], port: &str, healthy_s: u32) {
        let state = self.at("state");
        let text = format!(
            "panel.enabled = false\n[camera]\nsource = \"pipe:{CAMERA}\"\n[pace]\nfps = 30.0\n\
             [update]\nkeys = {keys:?}\nstate = {state:?}\nhealthy_s = {healthy_s}\n\
             [link]\nport = {port:?}\n"
        );
        fs::write(self.at("emocue.toml"), text).unwrap();
    }

    /// The default bundle as release `version`.
    pub(crate) fn release(&self, version: u32) -> PathBuf {
        self.bundle(version, &self.key, |_| {})
    }

    pub(crate) fn bundle(
        &self,
        version: u32,
        key: &SecretKey,
        change: impl FnOnce(&mut Manifest),
    ) -> PathBuf {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.content_version = version;
        change(&mut manifest);
        let payloads: Vec<_> = bundle.payloads().collect();
        let packed = Bundle::pack(manifest, &payloads).unwrap();
        let path = self.at(&format!("{version}.emocue"));
        fs::write(&path, Bundle::sign(&packed, key).unwrap()).unwrap();
        path
    }

    pub(crate) fn command(&self, verb: &[&str]) -> Command {
        self.command_with("emocue.toml", verb)
    }

    pub(crate) fn command_with(&self, config: &str, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        command.args(verb).arg("--config").arg(self.at(config));
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn slot(&self, verb: &[&str], file: Option<&Path>) -> Output {
        let verb = [&["slot"], verb].concat();
        self.command(&verb).args(file).output().unwrap()
    }

    pub(crate) fn start(&self) -> Badge {
        self.start_for(None)
    }

    /// Starts it for a service manager that listens at `address`.
    pub(crate) fn start_for(&self, address: Option<&Path>) -> Badge {
        let mut command = self.command(&["run", "--display", "json"]);
        if let Some(address) = address {
            command.env("NOTIFY_SOCKET", address);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Badge(command.spawn().unwrap())
    }

    /// Starts it with the Enter key as its button.
    pub(crate) fn start_with_keys(&self) -> (Badge, ChildStdin) {
        let words = ["run", "--keyboard", "--display", "terminal"];
        let mut command = self.command(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut badge = command.spawn().unwrap();
        let keys = badge.stdin.take().unwrap();
        (Badge(badge), keys)
    }

    /// A host that is logged in on the badge, once the badge listens.
    pub(crate) fn host(&self) -> Host {
        wait("the badge listens", || self.visit())
    }

    fn visit(&self) -> Option<Host> {
        let mut command = self.command(&["link"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let streams = Streams::new(child.stdout.take().unwrap(), child.stdin.take().unwrap());
        match Client::connect(streams, ClientSettings::default()) {
            Ok(client) => Some(Host { client, child }),
            Err(_) => {
                child.wait().unwrap();
                None
            }
        }
    }
}

pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: never");
        std::thread::yield_now();
    }
}

pub(crate) struct Badge(Child);

impl Badge {
    pub(crate) fn threads(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
        line.trim().parse().unwrap()
    }

    /// Ends it as its service does.
    pub(crate) fn terminate(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }

    /// Kills it, as a power failure; returns its messages.
    pub(crate) fn kill(mut self) -> String {
        self.0.kill().unwrap();
        let mut told = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        self.0.wait().unwrap();
        told
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Host {
    pub(crate) client: Client<Streams<ChildStdin>>,
    child: Child,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a file and returns the result.
pub(crate) fn send<T: emocue_link::Transport>(
    client: &mut Client<T>,
    kind: FileKind,
    file: &Path,
) -> Result<String, String> {
    let bytes = fs::read(file).unwrap();
    client.send(kind, &bytes, &mut |_| ControlFlow::Continue(())).unwrap();
    done(client)
}

pub(crate) fn done<T: emocue_link::Transport>(client: &mut Client<T>) -> Result<String, String> {
    client.wait_done(&mut |_| ControlFlow::Continue(())).map_err(|error| error.to_string())
}

pub(crate) fn until<T: emocue_link::Transport>(
    client: &mut Client<T>,
    what: &str,
    wanted: impl Fn(&BadgeStatus) -> bool,
) -> BadgeStatus {
    wait(what, || client.status().ok().filter(&wanted))
}

pub(crate) fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}
