//! `cargo xtask virtual-badge`: the badge's own program for a board, in a virtual ARM machine with a camera, a panel, a
//! button and an LED, or a screen, tested from outside.

pub(crate) mod control;
mod host;
pub(crate) mod initramfs;
mod log;
pub(crate) mod machine;
mod modules;
pub(crate) mod packages;
mod panel;
mod picture;
mod play;
mod raspi;
mod scenario;
mod screen;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::Result;
use crate::cargo::{Profile, badge, build_badge, cargo, check, output, root};
use crate::cross::{self, BoardTarget, Built};
use host::Host;
use initramfs::Initramfs;
use machine::{Board, Machine, Plan};
use packages::Kernel;
use play::Play;
use scenario::{SCENARIOS, Scenario};
use screen::Screen;

/// The portrait in front of the camera, one of the embedded portraits.
const PORTRAIT: &str = "astronaut.jpg";

/// Kernel modules for the camera and for an I2C bus in user space, with options.
const MODULES: &[(&str, &str)] = &[
    // One HDMI input and one HDMI output, which can be connected to each other.
    ("vivid", "n_devs=1 node_types=0x101 num_inputs=1 input_types=3 num_outputs=1 output_types=1"),
    ("cuse", ""),
];

/// Kernel modules for a screen with a framebuffer.
const SCREEN: &[(&str, &str)] = &[("virtio_gpu", "")];

/// The first process of a machine, which starts a shell.
pub(crate) const INIT: &[u8] = include_bytes!("init.sh");

/// The helper program in the machine.
const GUEST: Built = Built { package: "emocue-guest", features: "emocue-guest/vivid" };

/// Options of `cargo xtask virtual-badge`.
#[derive(Args)]
pub(crate) struct VirtualBadgeArgs {
    /// The machine
    #[arg(long, value_enum, default_value = "virt")]
    machine: Kind,
    /// The scenario for the badge
    #[arg(long, value_name = "NAME", default_value = SCENARIOS[0].name, value_parser = named)]
    scenario: &'static Scenario,
    /// Before an update, train the new bundle for an epoch on FER2013 and FER+ in this folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave the machine running at the end
    #[arg(long)]
    keep: bool,
    /// Use this computer's badge, which makes the golden pictures, without a new build
    #[arg(long)]
    no_build: bool,
    /// Install what is missing with apt-get, with sudo if needed
    #[arg(long)]
    install: bool,
    /// The build for the virtual machine
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl VirtualBadgeArgs {
    /// All scenarios and the other machine, with the `dist` build; an update is trained if there are data.
    pub(crate) fn every(install: bool) -> Vec<Self> {
        let data = std::env::var_os("EMOCUE_DATA").map(PathBuf::from);
        let usual = |machine, scenario| {
            let (data, profile) = (data.clone(), Profile::Dist);
            Self { machine, scenario, data, keep: false, no_build: false, install, profile }
        };
        let virt = SCENARIOS.iter().map(|scenario| usual(Kind::Virt, scenario));
        virt.chain([usual(Kind::Raspi3b, &SCENARIOS[0])]).collect()
    }
}

/// Which virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// One with a camera, a panel, a button and an LED
    Virt,
    /// A Raspberry Pi 3B, only for its pins; there is one scenario
    Raspi3b,
}

fn named(name: &str) -> std::result::Result<&'static Scenario, String> {
    SCENARIOS.iter().find(|scenario| scenario.name == name).ok_or_else(|| {
        let known = SCENARIOS.iter().map(|s| format!("{} ({})", s.name, s.about));
        format!("there are: {}", known.collect::<Vec<_>>().join("; "))
    })
}

/// Builds, boots and runs a scenario; every step must succeed.
pub(crate) fn run(args: &VirtualBadgeArgs) -> Result<()> {
    if args.install {
        cross::toolchain::install(BoardTarget::Aarch64)?;
        machine::install()?;
    }
    if args.machine == Kind::Raspi3b {
        return raspi::run(args.profile);
    }
    if !args.no_build {
        build_badge(Profile::Release)?;
        if args.scenario.has_screen() {
            let example = ["--package", "emocue-device", "--example", "screen"];
            check(cargo().args(["build", "--release"]).args(example))?;
        }
    }
    let badge = badge(Profile::Release);
    let built = build(args.profile)?;
    let kernel = packages::kernel()?;
    let mut files = system(&built.join("emocue-badge"))?;
    files.copy("bin/emocue-guest", &built.join("emocue-guest"))?;
    files.file("etc/emocue/emocue.toml", include_bytes!("emocue.toml"));
    files.file("etc/emocue/classroom.toml", include_bytes!("classroom.toml"));
    files.file("portrait", &picture::frame(PORTRAIT)?);
    let screen = args.scenario.has_screen();
    let modules = if screen { [MODULES, SCREEN].concat() } else { MODULES.to_vec() };
    add_modules(&mut files, &kernel, &modules)?;
    let logs = logs("")?;
    let plan = Plan {
        board: Board::Virt { ports: &["panel", "badge"], screen: screen.then_some(screen::SIZE) },
        kernel: &kernel.image,
        initramfs: &files.finish(),
        logs: &logs,
    };
    let host = host(args, &badge)?;
    let screen = Screen::new(args.scenario, &badge, PORTRAIT, &logs)?;
    let start = Instant::now();
    let machine = Machine::start(&plan)?;
    println!("Linux {} runs after {:.1} s", kernel.release, start.elapsed().as_secs_f64());
    let mut play = Play::new(machine, &logs, &badge, PORTRAIT, host, screen, start)?;
    let played = play.scenario(args.scenario);
    if args.keep {
        let (process, folder) = play.keep()?;
        println!("QEMU runs on as process {process}; its sockets lie in {}", folder.display());
        println!("  a shell in it: socat - UNIX-CONNECT:{}/shell", folder.display());
    }
    played
}

/// The host at the other end of the cable, if the scenario flashes.
fn host(args: &VirtualBadgeArgs, badge: &Path) -> Result<Option<Host>> {
    if !args.scenario.flashes() {
        return Ok(None);
    }
    if !args.no_build {
        check(cargo().args(["build", "--release", "--package", "emocue-host"]))?;
    }
    let program = badge.with_file_name(format!("emocue{}", std::env::consts::EXE_SUFFIX));
    Host::new(program, args.data.as_deref()).map(Some)
}

/// Cross-compiles the badge and its helper and returns their folder.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    let [badge] = cross::BADGE;
    cross::build(BoardTarget::Aarch64, profile, &[badge, GUEST])
}

/// Path of the kernel image.
pub(crate) fn kernel() -> Result<PathBuf> {
    Ok(packages::kernel()?.image)
}

/// A new folder for a machine's logs and pictures, below `target/virtual-badge`.
pub(crate) fn logs(name: &str) -> Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let logs = root().join(target).join("virtual-badge").join(name);
    if logs.exists() {
        fs::remove_dir_all(&logs)?;
    }
    fs::create_dir_all(&logs)?;
    Ok(logs)
}

/// An initramfs with a shell's tools and this first process.
pub(crate) fn tools(init: &[u8]) -> Result<Initramfs> {
    let mut files = Initramfs::default();
    for folder in ["dev", "proc", "sys", "root"] {
        files.folder(folder);
    }
    files.copy("bin/busybox", &packages::busybox()?)?;
    files.file("init", init);
    files.file("modules/list", b"");
    Ok(files)
}

/// An initramfs with a shell, the badge and its shared libraries.
pub(crate) fn system(badge: &Path) -> Result<Initramfs> {
    let mut files = tools(INIT)?;
    files.copy("bin/emocue-badge", badge)?;
    let target = BoardTarget::Aarch64;
    let needed = output(target.tool("readelf").args(["--dynamic", "--wide"]).arg(badge))?;
    for name in cross::elf::libraries(&needed) {
        files.copy(&format!("lib/{name}"), &target.library(name)?)?;
    }
    Ok(files)
}

/// Adds modules with their options and dependencies, which the first process loads.
pub(crate) fn add_modules(
    files: &mut Initramfs,
    kernel: &Kernel,
    modules: &[(&str, &str)],
) -> Result<()> {
    let wanted: Vec<_> = modules.iter().map(|(name, _)| *name).collect();
    let mut list = String::new();
    for (name, object) in modules::load(&kernel.modules, &wanted)? {
        let options = modules.iter().find(|(known, _)| *known == name).map_or("", |known| known.1);
        list += &format!("{name} {options}\n");
        files.file(&format!("modules/{name}.ko"), &object);
    }
    files.file("modules/list", list.as_bytes());
    Ok(())
}
