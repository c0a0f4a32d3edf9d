//! The GPIO chip, its driver, and the LED's brightness.

use serde::{Deserialize, Serialize};

/// How pins are accessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// The kernel's GPIO character device: any board. Needs the badge's feature `gpio`.
    Gpiocdev,
    /// A Raspberry Pi's registers, which can dim an LED. Needs the badge's feature `rppal`.
    Rppal,
    /// No pins: outputs do nothing, inputs never change.
    #[default]
    None,
}

/// The chip that pins are on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GpioSettings {
    /// What drives pins.
    pub driver: Driver,
    /// A path such as `/dev/gpiochip0`, or the chip's label as `gpiodetect` prints it, which stays the same when
    /// kernels renumber chips.
    pub chip: String,
}

impl Default for GpioSettings {
    fn default() -> Self {
        Self { driver: Driver::Gpiocdev, chip: "/dev/gpiochip0".to_owned() }
    }
}

/// The LED that is lit while the camera streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedSettings {
    /// Whether it is lit at all; with `false`, nobody sees that the camera streams.
    pub enabled: bool,
    /// Share of full brightness, `1..=100` %; only [`Driver::Rppal`] can dim.
    pub brightness: u8,
}

impl Default for LedSettings {
    fn default() -> Self {
        Self { enabled: true, brightness: 100 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_have_the_names_of_the_configuration() {
        #[derive(Deserialize)]
        struct Table {
            driver: Driver,
        }
        for (name, driver) in
            [("gpiocdev", Driver::Gpiocdev), ("rppal", Driver::Rppal), ("none", Driver::None)]
        {
            let table: Table = toml::from_str(&format!("driver = {name:?}")).unwrap();
            assert_eq!(table.driver, driver);
        }
    }
}
