//! Flashing over a real SSH server on this machine, with the real badge program.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use emocue_flash::root::RootError;
use emocue_flash::ssh::{Address, Ssh, SshError, SshSettings};
use emocue_flash::{FlashPlan, RootFs as _};

use crate::kit::{Kit, StopAfter, bad, good, has, tree};

/// An SSH server for the user who runs the tests, with its own port and keys.
struct Server {
    kit: Kit,
    port: u16,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The badge's program, which a build of the workspace puts beside `emocue`.
fn badge() -> PathBuf {
    let badge = Path::new(env!("CARGO_BIN_EXE_emocue")).with_file_name("emocue-badge");
    assert!(badge.is_file(), "{badge:?} is missing: build all of the workspace");
    badge
}

impl Server {
    /// Starts a server; `None` without `sshd`.
    fn start() -> Option<Self> {
        Self::start_with_shell("")
    }

    /// Starts a server whose login shell runs `rc` before every command.
    fn start_with_shell(rc: &str) -> Option<Self> {
        if !["sshd", "ssh", "ssh-keygen"].into_iter().all(has) {
            return None;
        }
        let kit = Kit::new();
        // The root's programs are of this machine's kind, so that they run.
        fs::remove_file(kit.path("root/usr/bin/sh")).unwrap();
        fs::copy("/bin/sh", kit.path("root/usr/bin/sh")).unwrap();
        fs::copy(badge(), kit.path("app")).unwrap();
        for name in ["host", "user", "stranger"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(kit.path(name))
                .status();
            assert!(made.unwrap().success());
        }
        fs::copy(kit.path("user.pub"), kit.path("authorized")).unwrap();
        // Needed by a server that root starts.
        let _ = fs::create_dir("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = kit.folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n\
             AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        );
        let shell = match rc {
            "" => String::new(),
            rc => {
                kit.write(
                    "shell",
                    format!("{rc}\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n").as_bytes(),
                );
                format!("ForceCommand sh {folder}/shell\n")
            }
        };
        kit.write("sshd_config", (config + &shell).as_bytes());
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"];
        let program = program.into_iter().find(|path| Path::new(path).is_file())?;
        let mut child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(kit.path("sshd_config"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("Server listening") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "sshd ended early");
        }
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let server = Self { kit, port, child };
        server.knows("host");
        server.logs_in_with("user");
        Some(server)
    }

    /// Makes the client expect the host key `name`.
    fn knows(&self, name: &str) {
        let key = fs::read_to_string(self.kit.path(&format!("{name}.pub"))).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        self.kit.write("known_hosts", line.as_bytes());
    }

    /// Makes the client authenticate with the key `name`.
    fn logs_in_with(&self, name: &str) {
        let folder = self.kit.folder.path().display();
        let config = format!(
            "Host *\nIdentityFile {folder}/{name}\nIdentitiesOnly yes\nIdentityAgent none\n\
             UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n"
        );
        self.kit.write("ssh_config", config.as_bytes());
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}{}", self.port, self.kit.path("root").display())
    }

    fn flash(&self, arguments: &[&str]) -> Output {
        let to = format!("ssh://{}", self.address());
        let common = ["--to", &to, "--ssh-config", "ssh_config"];
        self.kit.flash(&[&common, arguments].concat())
    }

    /// Requests the badge's status.
    fn monitor(&self) -> Output {
        let mut emocue = Command::new(env!("CARGO_BIN_EXE_emocue"));
        emocue.args(["monitor", "--once", "--json", "--ssh-config"]);
        emocue.arg(self.kit.path("ssh_config"));
        emocue.arg("--on").arg(format!("ssh://{}", self.address()));
        emocue.stdin(Stdio::null()).output().unwrap()
    }

    fn tree(&self) -> std::collections::BTreeMap<PathBuf, (u32, Vec<u8>)> {
        tree(&self.kit.path("root"))
    }

    /// A configuration that trusts the signer of `mine.emocue`.
    fn trusting(&self) {
        let key = fs::read_to_string(self.kit.path("other.key.pub")).unwrap();
        let config = format!("board = \"pi-4\"\n[update]\nkeys = [\"{}\"]\n", key.trim());
        self.kit.write("emocue.toml", config.as_bytes());
    }
}

const FILES: [&str; 5] = ["--app", "app", "--config", "emocue.toml", "--yes"];

#[test]
fn files_arrive_and_the_real_badge_takes_the_bundle() {
    let Some(server) = Server::start() else { return };
    server.trusting();
    let before = server.tree();
    let dry = good(&server.flash(&[&FILES[..4], &["--dry-run"]].concat()));
    assert!(dry.contains("/usr/local/bin/emocue-badge"), "{dry}");
    assert_eq!(server.tree(), before);

    let said = good(&server.flash(&[&FILES[..], &["--bundle", "mine.emocue"]].concat()));
    assert!(said.contains("into the slot that does not run"), "{said}");
    assert!(said.contains("is in slot"), "{said}");
    let (app, config) = (server.kit.read("app"), server.kit.read("emocue.toml"));
    let root = server.kit.path("root");
    let places = crate::kit::expected(&app, &config, &[]);
    for (path, mode, content) in places.filter(|(path, ..)| !path.contains("incoming")) {
        let (is_mode, is) = &server.tree()[&root.join(&path[1..])];
        assert_eq!(is.as_slice(), content.unwrap_or_else(str::as_bytes), "{path}");
        assert_eq!(*is_mode, mode, "{path}");
    }
    let state = root.join("var/lib/emocue");
    let status = Command::new(badge())
        .args(["slot", "status", "--json", "--state"])
        .arg(&state)
        .output()
        .unwrap();
    let status = good(&status);
    assert!(status.contains("trial"), "{status}");
    let leftover = |path: &PathBuf| path.to_str().unwrap().contains("emocue-new");
    assert!(!server.tree().keys().any(leftover));

    let again = good(&server.flash(&FILES));
    assert!(again.contains("All of it is there already"), "{again}");
}

#[test]
fn a_login_shell_may_print_what_it_likes() {
    for banner in [r"\033]4;0;rgb:28/28/28\033\\", "sha256=0\\nmode=1\\nother=\\nlink=x\\n"] {
        let Some(server) = Server::start_with_shell(&format!("printf '{banner}'")) else { return };
        server.trusting();
        let all = [&FILES[..], &["--bundle", "mine.emocue"]].concat();
        let said = good(&server.flash(&all));
        assert!(said.contains("is in slot") && !said.contains("emocue answer"), "{said}");
        assert_eq!(server.kit.read("root/etc/emocue/emocue.toml"), server.kit.read("emocue.toml"));
        let again = good(&server.flash(&FILES));
        assert!(again.contains("All of it is there already"), "{again}");
        let _running = Running::start(&server.kit);
        let status = good(&server.monitor());
        assert!(status.contains("\"event\":\"status\""), "{status}");
    }
    let Some(server) = Server::start_with_shell("echo not available; exit 1") else { return };
    let refused = bad(&server.flash(&FILES), 9);
    assert!(
        refused.contains("did not run the script") && refused.contains("not available"),
        "{refused}"
    );
    assert!(refused.contains("login shell"), "{refused}");
}

/// A running badge, which is killed on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts the real program with an endless grey camera, and waits for its first frame.
    fn start(kit: &Kit) -> Self {
        let camera = "printf 'YUV4MPEG2 W160 H120 F15:1 Ip A1:1 Cmono\\n'\n\
            while :; do printf 'FRAME\\n'; head -c 19200 /dev/zero; done\n";
        kit.write("camera.sh", camera.as_bytes());
        let state = kit.path("root/var/lib/emocue");
        fs::create_dir_all(&state).unwrap();
        let config = format!(
            "[panel]\nenabled = false\n[gpio]\ndriver = \"none\"\n[update]\nstate = {state:?}\n"
        );
        kit.write("live.toml", config.as_bytes());
        let mut child = Command::new(badge())
            .args(["run", "--config"])
            .arg(kit.path("live.toml"))
            .arg("--camera")
            .arg(format!("pipe:sh {}", kit.path("camera.sh").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("camera streams") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the badge ended early");
        }
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(child)
    }
}

#[test]
fn a_badge_is_watched_from_afar() {
    let Some(server) = Server::start() else { return };
    good(&server.flash(&FILES));
    let nobody = bad(&server.monitor(), 9);
    assert!(nobody.contains("no badge answers"), "{nobody}");
    let _running = Running::start(&server.kit);
    let status: serde_json::Value = serde_json::from_str(&good(&server.monitor())).unwrap();
    assert_eq!(status["event"], "status");
    // Its first frame may not have arrived.
    assert!(["Starting", "Streaming"].contains(&status["state"].as_str().unwrap()), "{status}");
    assert_eq!(status["bundle"], "default");
}

#[test]
fn the_badge_has_the_last_word() {
    let Some(server) = Server::start() else { return };
    good(&server.flash(&FILES));
    let before = server.tree();
    // The signer is not trusted, and no button is pressed.
    let refused = bad(&server.flash(&["--bundle", "mine.emocue"]), 9);
    assert!(refused.contains("refuses the bundle"), "{refused}");
    assert!(refused.contains("[update] keys"), "{refused}");
    // A configuration that this computer accepts, for a badge that supports fewer keys.
    let old = "#!/bin/sh\necho \"$3:2:1: unknown key\" >&2\nexit 2\n";
    fs::write(server.kit.path("root/usr/local/bin/emocue-badge"), old).unwrap();
    server.kit.write("emocue.toml", b"[camera]\nrotate = 90\n");
    let refused = bad(&server.flash(&["--config", "emocue.toml", "--yes"]), 9);
    assert!(refused.contains("the badge refuses this configuration"), "{refused}");
    assert!(refused.contains("the new emocue.toml:2:1: unknown key"), "{refused}");
    let after = server.tree();
    let config = server.kit.path("root/etc/emocue/emocue.toml");
    assert_eq!(after[&config], before[&config]);
}

#[test]
fn a_program_that_does_not_run_there_is_not_put_into_place() {
    let Some(server) = Server::start() else { return };
    good(&server.flash(&FILES));
    let before = server.tree();
    let mut broken = server.kit.read("app")[..4096].to_vec();
    broken.extend(b" emocue-badge ");
    server.kit.write("app", &broken);
    let refused = bad(&server.flash(&FILES), 9);
    assert!(refused.contains("fails its own demo"), "{refused}");
    assert_eq!(server.tree(), before);
    server.kit.write("app", &crate::kit::app(crate::kit::ARM, false, 1000));
    let refused = bad(&server.flash(&FILES), 3);
    assert!(refused.contains("is made for 32-bit ARM (armv7l)"), "{refused}");
    assert_eq!(server.tree(), before);
}

#[test]
fn whenever_it_is_interrupted_the_old_is_whole() {
    let Some(server) = Server::start() else { return };
    good(&server.flash(&FILES));
    let before = server.tree();
    server.kit.write("emocue.toml", b"board = \"pi-5\"\n");
    let mut app = server.kit.read("app");
    app.extend(b"another one");
    server.kit.write("app", &app);
    let components = server.kit.components(true);
    let settings = SshSettings::new(Some(server.kit.path("ssh_config")), &[]).unwrap();
    let address = Address::parse(&server.address()).unwrap();
    let mut ssh = Ssh::open(address, settings).unwrap();
    let plan = FlashPlan::new(&mut ssh, &components).unwrap();
    for left in [0, 1, 1_000_000, app.len() as u64 + 15] {
        let result = ssh.install(&plan.changes(), &mut StopAfter { left });
        assert!(
            matches!(result, Err(SshError::Root(RootError::Interrupted))),
            "{left}: {result:?}"
        );
        assert_eq!(server.tree(), before, "{left}");
    }
}

#[test]
fn another_host_key_is_refused_and_explained() {
    let Some(server) = Server::start() else { return };
    let before = server.tree();
    server.knows("stranger");
    let refused = bad(&server.flash(&FILES), 9);
    assert!(refused.contains("another host key"), "{refused}");
    assert!(refused.contains(&format!("ssh-keygen -R '[127.0.0.1]:{}'", server.port)), "{refused}");
    server.kit.write("known_hosts", b"");
    let refused = bad(&server.flash(&FILES), 9);
    assert!(refused.contains("does not know") && refused.contains("compare"), "{refused}");
    let refused = bad(
        &server.flash(&[&FILES[..], &["--ssh-option", "StrictHostKeyChecking=no"]].concat()),
        2,
    );
    assert!(refused.contains("not passed on"), "{refused}");
    server.knows("host");
    server.logs_in_with("stranger");
    let refused = bad(&server.flash(&FILES), 9);
    assert!(
        refused.contains("does not let you in") && refused.contains("ssh-copy-id"),
        "{refused}"
    );
    assert_eq!(server.tree(), before);
}

#[test]
fn a_server_that_is_not_there_and_a_root_that_is_none_are_reported() {
    let Some(server) = Server::start() else { return };
    let at = |address: String| {
        let to = format!("ssh://{address}");
        bad(
            &server.kit.flash(&[&["--to", &to, "--ssh-config", "ssh_config"], &FILES[..]].concat()),
            9,
        )
    };
    let nowhere = at(format!("127.0.0.1:{}{}", server.port, server.kit.path("home").display()));
    assert!(nowhere.contains("not the root of a Linux system: etc is missing"), "{nowhere}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let off = at(format!("127.0.0.1:{port}"));
    assert!(off.contains("cannot connect") && off.contains("Is the badge on"), "{off}");
}
