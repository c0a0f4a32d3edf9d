//! The board's temperature, from Linux' thermal zones.

use std::fs::{self, File};
use std::path::Path;

/// Every thermal zone of the board, except those of power controllers: the Jetson Nano's always reports 100 °C.
#[derive(Debug, Default)]
pub struct Thermometer {
    zones: Vec<File>,
}

impl Thermometer {
    /// The zones below `root`, which is `/` on a board; none where the system has no thermometer.
    pub fn new(root: &Path) -> Self {
        let folder = fs::read_dir(root.join("sys/class/thermal"));
        let zones =
            folder.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy());
                let kind = fs::read_to_string(path.join("type")).unwrap_or_default();
                name.is_some_and(|name| name.starts_with("thermal_zone"))
                    && !kind.starts_with("PMIC")
            });
        Self { zones: zones.filter_map(|path| File::open(path.join("temp")).ok()).collect() }
    }

    /// The hottest zone, °C.
    pub fn celsius(&self) -> Option<f32> {
        self.zones.iter().filter_map(read).max_by(f32::total_cmp)
    }
}

/// A zone's file has thousandths of a degree, and can be read repeatedly.
#[cfg(unix)]
fn read(zone: &File) -> Option<f32> {
    use std::os::unix::fs::FileExt;

    let mut text = [0; 16];
    let length = zone.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(text.get(..length)?).ok()?;
    let celsius = text.trim().parse::<i32>().ok()? as f32 / 1000.0;
    (-40.0..150.0).contains(&celsius).then_some(celsius)
}

#[cfg(not(unix))]
fn read(_: &File) -> Option<f32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_counts_and_a_broken_one_does_not() {
        let root = tempfile::tempdir().unwrap();
        let zones = root.path().join("sys/class/thermal");
        for (zone, kind, text) in [
            ("thermal_zone0", "cpu-thermal", "51540\n"),
            ("thermal_zone1", "gpu-thermal", "63000\n"),
            ("thermal_zone2", "gpu-thermal", "?"),
            ("thermal_zone3", "PMIC-Die", "100000\n"),
            ("thermal_zone4", "soc0", "-256000\n"),
        ] {
            fs::create_dir_all(zones.join(zone)).unwrap();
            fs::write(zones.join(zone).join("type"), kind).unwrap();
            fs::write(zones.join(zone).join("temp"), text).unwrap();
        }
        let thermometer = Thermometer::new(root.path());
        assert_eq!(thermometer.celsius(), Some(63.0));
        fs::write(zones.join("thermal_zone1/temp"), "40000\n").unwrap();
        assert_eq!(thermometer.celsius(), Some(51.54));
    }

    #[test]
    fn a_board_without_a_thermometer_has_no_temperature() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Thermometer::new(root.path()).celsius(), None);
    }
}
