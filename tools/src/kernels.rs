//! `cargo xtask kernels`: checks that the integer kernels give bit-identical results with every instruction set, also
//! on ARM processors.
//!
//! QEMU's user mode runs the test program for ARM on this computer within seconds.

use clap::Args;

use crate::Result;
use crate::cargo::{cargo, check, output};
use crate::cross::BoardTarget;
use crate::cross::toolchain;

const TARGET: BoardTarget = BoardTarget::Aarch64;
const QEMU: &str = "qemu-aarch64";
const INSTALL: &str = "apt-get install --yes --no-install-recommends qemu-user";

/// CPU cores of the boards: without SDOT (Raspberry Pi Zero 2 W, 3 and 4), and with it (Raspberry Pi 5, Jetson Orin).
const PROCESSORS: [&str; 2] = ["cortex-a53", "cortex-a76"];

/// Options of `cargo xtask kernels`.
#[derive(Args)]
pub(crate) struct KernelsArgs {
    /// Compile for 64-bit ARM and run in QEMU's user mode, as a processor with SDOT and as one without
    #[arg(long)]
    pub(crate) arm: bool,
    /// Install what is missing for that with apt-get, with sudo if needed
    #[arg(long, requires = "arm")]
    pub(crate) install: bool,
}

/// Runs the tests.
pub(crate) fn run(args: &KernelsArgs) -> Result<()> {
    let tests = ["--release", "--package", "emocue-kernels", "--lib", "--tests"];
    if !args.arm {
        return check(cargo().arg("test").args(tests));
    }
    if args.install {
        toolchain::install(TARGET)?;
        let update = |sudo: &str| format!("{sudo}apt-get update && {sudo}{INSTALL}");
        has_qemu().or_else(|_| toolchain::as_root(update))?;
    }
    has_qemu()?;
    // The cross compiler's C library with its loader. If the system has another C library for ARM, the loader could
    // find that one; a library with the loader of another release hangs.
    let libc = TARGET.library("libc.so.6")?.canonicalize()?;
    let root = libc.ancestors().nth(2).ok_or_else(|| format!("{}: no folder", libc.display()))?;
    let triple = TARGET.triple();
    let runner = format!("CARGO_TARGET_{}_RUNNER", triple.replace('-', "_").to_uppercase());
    for processor in PROCESSORS {
        println!("{processor}");
        let mut cargo = toolchain::cargo(TARGET, toolchain::TEST)?;
        cargo.args(tests);
        let root = root.display();
        let options = format!("-cpu {processor} -L {root} -E LD_LIBRARY_PATH={root}/lib");
        cargo.env(&runner, format!("{QEMU} {options}"));
        check(&mut cargo)?;
    }
    Ok(())
}

fn has_qemu() -> Result<()> {
    let version = output(std::process::Command::new(QEMU).arg("--version"));
    version.map(|_| ()).map_err(|e| format!("{e}\n  on Debian, `{INSTALL}` brings it").into())
}
