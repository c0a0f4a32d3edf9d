//! A virtual Raspberry Pi 3B: checks its GPIO registers while the badge runs with `rppal`.
//!
//! It has no I2C panel, and its pins can only be read, not set.

use std::time::Duration;

use super::control::wait;
use super::machine::{Board, Machine, Plan};
use super::{logs, packages, system};
use crate::Result;
use crate::cargo::Profile;
use crate::cross::{self, BoardTarget, Built};

/// Physical address of the levels of GPIO 0 to 31 (GPLEV0).
const LEVELS: u64 = 0x3f20_0034;

/// The LED's pin in `raspi.toml`.
const LED: u32 = 17;

const PATIENCE: Duration = Duration::from_secs(60);

/// Boots, and reads the LED's pin while the badge starts and ends.
pub(crate) fn run(profile: Profile) -> Result<()> {
    let badge =
        Built { package: "emocue-device", features: "emocue-device/board,emocue-device/rppal" };
    let built = cross::build(BoardTarget::Aarch64, profile, &[badge])?;
    let kernel = packages::kernel()?;
    let mut files = system(&built.join("emocue-badge"))?;
    files.file("etc/emocue/emocue.toml", include_bytes!("raspi.toml"));
    let logs = logs("raspi3b")?;
    let device_tree = kernel.device_trees.join("broadcom/bcm2837-rpi-3-b.dtb");
    let plan = Plan {
        board: Board::Raspi3b { device_tree: &device_tree },
        kernel: &kernel.image,
        initramfs: &files.finish(),
        logs: &logs,
    };
    let mut machine = Machine::start(&plan)?;
    let model = machine.shell.check("cat /proc/device-tree/model", PATIENCE)?;
    println!("{} runs Linux {}", model.trim_end_matches('\0'), kernel.release);
    led(&mut machine, false)?;
    println!("the LED's pin is low ... ok");
    machine.shell.check(
        "emocue-badge run --config /etc/emocue/emocue.toml >/run/badge 2>&1 & badge=$!",
        PATIENCE,
    )?;
    if let Err(error) = led(&mut machine, true) {
        let said = machine.shell.run("cat /run/badge", PATIENCE)?.0;
        return Err(format!("{error}\n-- the badge says:\n{said}").into());
    }
    println!("the badge drives it high through rppal ... ok");
    machine.shell.check("kill $badge; wait $badge", PATIENCE)?;
    led(&mut machine, false)?;
    println!("and low when it ends ... ok");
    println!("virtual Raspberry Pi: all passed");
    Ok(())
}

fn led(machine: &mut Machine, on: bool) -> Result<()> {
    wait(PATIENCE, &format!("the LED's pin goes {}", if on { "high" } else { "low" }), || {
        Ok((machine.wires.read(LEVELS)? >> LED & 1 == u64::from(on)).then_some(()))
    })
}
