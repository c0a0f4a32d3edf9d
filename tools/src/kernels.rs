//! `cargo xtask kernels`: every instruction set of the integer kernels gives the same bits, on ARM processors too.
//!
//! QEMU's user mode runs the tests' program for ARM as if it were one of this computer's, in seconds.

use clap::Args;

use crate::Result;
use crate::cargo::{cargo, check, output};
use crate::cross::BoardTarget;
use crate::cross::toolchain;

const TARGET: BoardTarget = BoardTarget::Aarch64;
const QEMU: &str = "qemu-aarch64";
const INSTALL: &str = "apt-get install --yes --no-install-recommends qemu-user";

/// Cores of the boards: without SDOT (Zero 2 W, 3 and 4), and with it (5, Orin).
const PROCESSORS: [&str; 2] = ["cortex-a53", "cortex-a76"];

/// Options of `cargo xtask kernels`.
#[derive(Args)]
pub(crate) struct KernelsArgs {
    /// Compile for 64-bit ARM and run in QEMU's user mode, as a processor with SDOT and as one without
    #[arg(long)]
    pub(crate) arm: bool,
    /// Install what is missing for that with apt-get, through sudo where that is needed
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
    // The compiler's own C library, loader and all: where the system has another one for ARM, the loader would find that
    // too, and one of two releases with the other's loader hangs.
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
