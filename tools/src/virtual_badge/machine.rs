//! One virtual machine: QEMU, its logs and its connections.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::control::{Monitor, Shell, Wires};
use crate::Result;
use crate::cargo::output;
use crate::cross::toolchain::as_root;
use crate::scratch::Scratch;

/// Time limit for the kernel and the first process on a computer under load.
const START: Duration = Duration::from_secs(120);

/// Time limit for the start of a system with services.
const START_SYSTEM: Duration = Duration::from_secs(300);

/// Number of a console's last lines in an error message.
const LAST_LINES: usize = 20;

/// The first QEMU with a Cortex-A76.
const OLDEST_QEMU: u32 = 7;

const QEMU: &str = "qemu-system-aarch64";
const INSTALL: &str = "apt-get install --yes --no-install-recommends qemu-system-arm xz-utils";

/// Kind of machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Board<'a> {
    /// QEMU's machine `virt` with two cores.
    Virt {
        /// Ports whose output is written to a log with the same name.
        ports: &'a [&'a str],
        /// Size of the screen, px, if there is one.
        screen: Option<(u32, u32)>,
    },
    /// QEMU's machine `virt` with two cores and disks; the first is `/dev/vda`. It ends in every case when this process
    /// ends.
    Disks(&'a [Disk<'a>]),
    /// QEMU's machine `virt` with one core of this kind; its clock advances by one nanosecond per instruction.
    Counting { cpu: &'a str },
    /// A Raspberry Pi 3B, with its device tree.
    Raspi3b { device_tree: &'a Path },
}

impl Board<'_> {
    /// Time limit for the start of its shell.
    fn start(self) -> Duration {
        match self {
            Self::Disks(_) => START_SYSTEM,
            _ => START,
        }
    }
}

/// A disk of a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disk<'a> {
    pub(crate) image: &'a Path,
    /// Whether writes are stored in the image; otherwise they are discarded with the machine.
    pub(crate) keeps: bool,
}

/// Description of a machine to start.
pub(crate) struct Plan<'a> {
    pub(crate) board: Board<'a>,
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a [u8],
    /// Folder for the logs.
    pub(crate) logs: &'a Path,
}

/// A running machine; it ends when this value is dropped.
pub(crate) struct Machine {
    qemu: Child,
    pub(crate) monitor: Monitor,
    pub(crate) wires: Wires,
    pub(crate) shell: Shell,
    /// Sockets and the initramfs.
    folder: Scratch,
}

impl Machine {
    /// Starts QEMU and waits for the shell inside.
    pub(crate) fn start(plan: &Plan) -> Result<Self> {
        has_qemu()?;
        let folder = Scratch::new(".emocue-machine-", &std::env::temp_dir())?;
        let at = |name: &str| folder.path().join(name);
        fs::write(at("initramfs"), plan.initramfs)?;
        fs::create_dir_all(plan.logs)?;
        let mut qemu = program(plan.board);
        qemu.args(arguments(plan, folder.path()));
        let messages = File::create(plan.logs.join("qemu.log"))?;
        qemu.stdin(Stdio::null()).stdout(messages.try_clone()?).stderr(messages);
        let mut qemu = qemu.spawn().map_err(|e| format!("cannot start {QEMU}: {e}"))?;
        let connect = || -> Result<_> {
            let wires = Wires::connect(&at("wires"))?;
            let monitor = Monitor::connect(&at("monitor"))?;
            let mut shell = Shell::connect(&at("shell"))?;
            shell.ready(plan.board.start())?;
            Ok((monitor, wires, shell))
        };
        match connect() {
            Ok((monitor, wires, shell)) => Ok(Self { qemu, monitor, wires, shell, folder }),
            Err(error) => {
                stop(&mut qemu);
                let console = last_lines(plan.logs);
                Err(format!("the virtual machine does not start: {error}{console}").into())
            }
        }
    }

    /// Leaves the machine running and returns QEMU's process and the folder of its sockets.
    pub(crate) fn keep(self) -> Result<(u32, PathBuf)> {
        let mut machine = std::mem::ManuallyDrop::new(self);
        machine.folder.keep()?;
        Ok((machine.qemu.id(), machine.folder.path().to_owned()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A machine that has already ended does not answer.
        let _ = self.monitor.execute("quit", &json!({}));
        stop(&mut self.qemu);
    }
}

fn stop(qemu: &mut Child) {
    let _ = qemu.kill();
    let _ = qemu.wait();
}

/// The QEMU command; a machine with disks is killed when this process ends.
fn program(board: Board<'_>) -> Command {
    if !matches!(board, Board::Disks(_)) {
        return Command::new(QEMU);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", QEMU]);
    command
}

/// The last lines of a machine's console, for an error message.
pub(crate) fn last_lines(logs: &Path) -> String {
    let text = |name: &str| fs::read(logs.join(name)).unwrap_or_default();
    let text = [text("qemu.log"), text("console.log")].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].iter();
    last.map(|line| format!("\n  console: {}", line.escape_debug())).collect()
}

/// Installs QEMU, unless it is installed.
pub(crate) fn install() -> Result<()> {
    has_qemu().or_else(|_| as_root(|sudo| format!("{sudo}apt-get update && {sudo}{INSTALL}")))
}

fn has_qemu() -> Result<()> {
    let version = output(Command::new(QEMU).arg("--version"))
        .map_err(|error| format!("{error}; {INSTALL}"))?;
    match major(&version) {
        Some(major) if major >= OLDEST_QEMU => Ok(()),
        _ => Err(format!("QEMU {OLDEST_QEMU} or later is needed, not {version}; {INSTALL}").into()),
    }
}

/// The first number of `QEMU emulator version 7.2.22 (...)`.
fn major(version: &str) -> Option<u32> {
    version.split_once("version ")?.1.split('.').next()?.parse().ok()
}

fn arguments(plan: &Plan, folder: &Path) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    let log = |name: &str| plan.logs.join(format!("{name}.log")).display().to_string();
    let mut arguments = vec!["-no-reboot".to_owned(), "-nodefaults".to_owned()];
    let mut add =
        |option: &str, value: &str| arguments.extend([option.to_owned(), value.to_owned()]);
    add("-kernel", &plan.kernel.display().to_string());
    add("-initrd", &at("initramfs"));
    add("-display", "none");
    add("-qmp", &format!("unix:{},server=on,wait=off", at("monitor")));
    add("-qtest", &format!("unix:{},server=on,wait=off", at("wires")));
    add("-chardev", &format!("socket,id=shell,path={},server=on,wait=off", at("shell")));
    let (machine, console) = match plan.board {
        Board::Virt { .. } | Board::Disks(_) | Board::Counting { .. } => {
            add("-m", "512");
            add("-serial", &format!("file:{}", log("console")));
            add("-device", "virtio-serial-pci");
            add("-device", "virtserialport,chardev=shell,name=shell");
            ("virt", "console=ttyAMA0")
        }
        Board::Raspi3b { device_tree } => {
            add("-dtb", &device_tree.display().to_string());
            // The first UART is wired to Bluetooth.
            add("-serial", "null");
            add("-serial", "chardev:shell");
            // Registers are accessible through /dev/mem.
            ("raspi3b", "console=ttyS1,115200 iomem=relaxed")
        }
    };
    add("-machine", machine);
    add("-append", &format!("{console} quiet panic=-1"));
    match plan.board {
        Board::Virt { ports, screen } => {
            two_cores(&mut add);
            if let Some((width, height)) = screen {
                add("-device", &format!("virtio-gpu-pci,xres={width},yres={height}"));
            }
            // The cable to a host: a terminal at each end.
            add("-chardev", "pty,id=link");
            add("-device", "virtconsole,chardev=link");
            for port in ports {
                add("-chardev", &format!("file,id={port},path={}", log(port)));
                add("-device", &format!("virtserialport,chardev={port},name={port}"));
            }
        }
        Board::Disks(disks) => {
            two_cores(&mut add);
            for (index, disk) in disks.iter().enumerate() {
                // A comma ends a path, unless it is doubled.
                let image = disk.image.display().to_string().replace(',', ",,");
                let snapshot = if disk.keeps { "off" } else { "on" };
                // `cache=unsafe`: after a crash of this computer the image is made again.
                let options = "if=none,format=raw,cache=unsafe";
                add("-drive", &format!("{options},id=d{index},snapshot={snapshot},file={image}"));
                add("-device", &format!("virtio-blk-pci,drive=d{index}"));
            }
        }
        Board::Counting { cpu } => {
            add("-cpu", cpu);
            add("-accel", "tcg,thread=single");
            add("-icount", "shift=0,sleep=off");
        }
        Board::Raspi3b { .. } => add("-accel", "tcg,thread=multi"),
    }
    arguments
}

fn two_cores(add: &mut impl FnMut(&str, &str)) {
    add("-cpu", "cortex-a72");
    add("-smp", "2");
    add("-accel", "tcg,thread=multi");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_is_asked_for_its_version() {
        assert_eq!(major("QEMU emulator version 7.2.22 (Debian 1:7.2)"), Some(7));
        assert_eq!(major("QEMU emulator version 10.0.2"), Some(10));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn an_error_shows_the_end_of_the_console() {
        let logs = tempfile::tempdir().unwrap();
        assert_eq!(last_lines(logs.path()), "");
        let lines: String = (0..30).map(|line| format!("line {line}\r\n\r\n")).collect();
        fs::write(logs.path().join("console.log"), lines).unwrap();
        let last = last_lines(logs.path());
        assert!(last.starts_with("\n  console: line 10\n"), "{last}");
        assert!(last.ends_with("\n  console: line 29"), "{last}");
    }

    #[test]
    fn counting_instructions_takes_one_core_and_one_thread() {
        let arguments = |board| {
            let (kernel, logs) = (Path::new("k"), Path::new("logs"));
            arguments(&Plan { board, kernel, initramfs: &[], logs }, Path::new("f")).join(" ")
        };
        let counting = arguments(Board::Counting { cpu: "cortex-a53" });
        assert!(counting.contains("thread=single -icount shift=0,sleep=off"), "{counting}");
        assert!(!counting.contains("-smp"), "{counting}");
        let virt = arguments(Board::Virt { ports: &["panel"], screen: None });
        assert!(!virt.contains("gpu"), "{virt}");
        let screen = arguments(Board::Virt { ports: &[], screen: Some((800, 480)) });
        assert!(screen.contains("virtio-gpu-pci,xres=800,yres=480"), "{screen}");
        assert!(virt.contains("path=logs/panel.log") && !virt.contains("icount"), "{virt}");
        let disks = [("a,b", true), ("c", false)];
        let disks = disks.map(|(image, keeps)| Disk { image: Path::new(image), keeps });
        let disks = arguments(Board::Disks(&disks));
        assert!(disks.contains("id=d0,snapshot=off,file=a,,b -device virtio-blk-pci,drive=d0"));
        assert!(disks.contains("id=d1,snapshot=on,file=c"), "{disks}");
    }
}
