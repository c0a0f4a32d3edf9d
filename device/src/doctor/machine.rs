//! The board itself: its model, processor, temperature, power supply, memory and disk space.

use super::CheckOutcome;
use super::host::Host;
use crate::thermometer::Thermometer;
use emocue_config::{BOARDS, BoardProfile, Config};

/// Whether the profile is that of this board.
pub(super) fn board(host: &Host, config: &Config) -> CheckOutcome {
    let Some(model) = host.read("/proc/device-tree/model") else {
        return CheckOutcome::skip("this system does not tell; boards with a device tree do");
    };
    let model = model.trim_end_matches(['\0', '\n']);
    let actual = BOARDS.iter().find(|board| board.models.iter().any(|name| model.contains(name)));
    match (config.board.as_deref().and_then(BoardProfile::named), actual) {
        // A profile that suits any board.
        (Some(set), _) if set.models.is_empty() => CheckOutcome::ok(model),
        (Some(set), Some(actual)) if set.name != actual.name => CheckOutcome::problem(
            format!("this is a {model}, configured as {}", set.name),
            format!("write board = \"{}\"", actual.name),
        ),
        (None, Some(actual)) => {
            let fix = format!("board = \"{}\" sets its camera, bus and pins", actual.name);
            CheckOutcome::problem(
                format!("this is a {model}, and the configuration names no board"),
                fix,
            )
        }
        (_, _) => CheckOutcome::ok(model),
    }
}

/// ARM's part numbers of the cores on the boards, and some near them.
const PARTS: [(&str, &str); 7] = [
    ("0xd03", "Cortex-A53"),
    ("0xd04", "Cortex-A35"),
    ("0xd05", "Cortex-A55"),
    ("0xd07", "Cortex-A57"),
    ("0xd08", "Cortex-A72"),
    ("0xd0b", "Cortex-A76"),
    ("0xd42", "Cortex-A78AE"),
];

/// The cores' instruction sets, and so which form of the networks suits them.
pub(super) fn cpu(host: &Host) -> CheckOutcome {
    let Some(text) = host.read("/proc/cpuinfo") else {
        return CheckOutcome::skip("this system does not tell");
    };
    let values = |key: &'static str| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.filter(move |(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    };
    let cores = values("processor").count();
    let features = values("Features").chain(values("flags")).next().unwrap_or_default();
    let has = |feature: &str| features.split_whitespace().any(|word| word == feature);
    let part = values("CPU part").next_back();
    let known = part.and_then(|part| PARTS.iter().find(|(number, _)| *number == part));
    let name = known.map(|(_, name)| *name).or(values("model name").next());
    let name = name.or(part).unwrap_or("an unknown kind");
    let what = format!("{cores} x {name}");
    let suited = "networks in 8-bit integers run fastest";
    if has("sse2") {
        let wide = [("avx512_vnni", "AVX-512 VNNI"), ("avx_vnni", "AVX-VNNI"), ("avx2", "AVX2")];
        let best = wide.iter().find(|(feature, _)| has(feature));
        return CheckOutcome::ok(match best {
            Some((_, name)) => format!("{what}, {name}; {suited}"),
            None => format!("{what}, SSE2; networks with float arithmetic run fastest"),
        });
    }
    if !has("asimd") && !has("neon") {
        let fix =
            "frames will take seconds; use a board with NEON: a Raspberry Pi Zero 2 W or later";
        return CheckOutcome::problem(format!("{what}, no NEON"), fix);
    }
    let half = if has("asimdhp") { "NEON with half floats" } else { "NEON" };
    CheckOutcome::ok(match (has("asimddp"), has("asimd")) {
        (true, _) => format!("{what}, {half} and dot products; {suited}"),
        (false, true) => format!("{what}, {half}; {suited}"),
        // A 32-bit system, for which the integer engine has no instructions.
        (false, false) => {
            format!("{what}, {half}; a 64-bit system would run networks in 8-bit integers fastest")
        }
    })
}

pub(super) fn heat(host: &Host, config: &Config) -> CheckOutcome {
    let Some(degrees) = Thermometer::new(&host.root).celsius() else {
        return CheckOutcome::skip("no sensor");
    };
    let found = format!("{degrees:.0} degrees Celsius");
    let fix = "let it cool, give it a heat sink or air, or lower fps under [pace]";
    match () {
        () if degrees >= config.pace.hot_c => {
            CheckOutcome::problem(format!("{found}: a quarter of all frames is looked at"), fix)
        }
        () if degrees >= config.pace.warm_c => {
            CheckOutcome::problem(format!("{found}: half of all frames is looked at"), fix)
        }
        () => CheckOutcome::ok(found),
    }
}

/// Bits of the Raspberry Pi firmware's `get_throttled`; the same bits shifted by 16 say that it happened since the
/// start.
const THROTTLED: [(u32, &str); 4] = [
    (1, "under-voltage"),
    (1 << 1, "a capped clock"),
    (1 << 2, "throttling"),
    (1 << 3, "the soft temperature limit"),
];

/// Whether a Raspberry Pi gets enough power.
pub(super) fn power(host: &Host) -> CheckOutcome {
    let bits = host.names("/sys/devices/platform", "soc", "").into_iter().find_map(|soc| {
        let folder = format!("/sys/devices/platform/{soc}");
        let firmware = host.names(&folder, "soc", ":firmware").pop()?;
        let text = host.read(format!("{folder}/{firmware}/get_throttled"))?;
        u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
    });
    let Some(bits) = bits else {
        return CheckOutcome::skip("only a Raspberry Pi's firmware tells");
    };
    let named = |bits: u32| {
        let set = THROTTLED.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
        set.collect::<Vec<_>>().join(", ")
    };
    let fix = "use the board's own power supply with a short cable, and let it cool";
    match (named(bits), named(bits >> 16)) {
        (now, _) if !now.is_empty() => CheckOutcome::problem(format!("{now}, now"), fix),
        (_, before) if !before.is_empty() => {
            CheckOutcome::problem(format!("{before}, since it started"), fix)
        }
        _ => CheckOutcome::ok("enough since it started"),
    }
}

/// Whether there is enough memory for the badge, which needs up to 60 MB.
pub(super) fn memory(host: &Host) -> CheckOutcome {
    let available = host.read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    match available.map(|kilobytes| kilobytes / 1024) {
        None => CheckOutcome::skip("this system does not tell"),
        Some(megabytes) if megabytes < 64 => CheckOutcome::problem(
            format!("{megabytes} MB available, 64 are needed"),
            "stop other programs, or use a system without a desktop",
        ),
        Some(megabytes) => CheckOutcome::ok(format!("{megabytes} MB available")),
    }
}

/// The service's state folder.
const STATE: &str = "/var/lib/emocue";

/// Whether another bundle can be installed.
#[cfg(unix)]
pub(super) fn space(host: &Host) -> CheckOutcome {
    let state = host.path(STATE);
    let Some(folder) = state.ancestors().find(|folder| folder.exists()) else {
        return CheckOutcome::skip(format!("there is no {STATE}"));
    };
    match rustix::fs::statvfs(folder) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => CheckOutcome::skip(format!("{}: {error}", folder.display())),
    }
}

#[cfg(not(unix))]
pub(super) fn space(_: &Host) -> CheckOutcome {
    CheckOutcome::skip("this system does not tell")
}

/// Space for two bundles and for writing them.
pub(super) fn room(free_bytes: u64) -> CheckOutcome {
    match free_bytes >> 20 {
        megabytes if megabytes < 16 => CheckOutcome::problem(
            format!("{megabytes} MB free for {STATE}, 16 are needed"),
            "remove files: `sudo journalctl --vacuum-size=16M` often frees some",
        ),
        megabytes => CheckOutcome::ok(format!("{megabytes} MB free for {STATE}")),
    }
}
