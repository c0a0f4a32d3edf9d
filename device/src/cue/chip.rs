//! The GPIO chip of the pins.

use std::path::PathBuf;

use super::CueError;

/// The device node of the chip that the configuration names: a path is used as it is, a label is looked up among all
/// chips.
///
/// # Errors
/// [`CueError`] when no chip has this label, or chips cannot be listed.
pub fn chip_node(chip: &str) -> Result<PathBuf, CueError> {
    match chip.starts_with('/') {
        true => Ok(PathBuf::from(chip)),
        false => called(chip, chips()?),
    }
}

/// A chip's node and label.
type Chip = (PathBuf, String);

fn called(label: &str, chips: Vec<Chip>) -> Result<PathBuf, CueError> {
    let labels: Vec<_> = chips.iter().map(|(_, label)| label.clone()).collect();
    let found = chips.into_iter().find(|(_, other)| other == label);
    found.map(|(node, _)| node).ok_or_else(|| CueError {
        what: format!("GPIO chip {label}"),
        reason: match labels.is_empty() {
            true => "this machine has no GPIO chip".to_owned(),
            false => format!("the chips here are {}", labels.join(", ")),
        },
        next: "set chip under [gpio] to one of them, or driver = \"none\"".to_owned(),
    })
}

#[cfg(all(feature = "gpio", target_os = "linux"))]
fn chips() -> Result<Vec<Chip>, CueError> {
    let nodes = gpiocdev::chip::chips().map_err(|error| CueError {
        what: "GPIO chips in /dev".to_owned(),
        reason: error.to_string(),
        next: "use a kernel with GPIO character devices (Linux 4.8 and later)".to_owned(),
    })?;
    // A chip that may not be opened has no label; the doctor reports permissions.
    let labelled = nodes.into_iter().filter_map(|node| {
        let label = gpiocdev::chip::Chip::from_path(&node).and_then(|chip| chip.info()).ok()?.label;
        Some((node, label))
    });
    Ok(labelled.collect())
}

#[cfg(not(all(feature = "gpio", target_os = "linux")))]
fn chips() -> Result<Vec<Chip>, CueError> {
    Err(CueError {
        what: "GPIO chips".to_owned(),
        reason: "this program was built without gpio".to_owned(),
        next: "build it with --features board, or set driver = \"none\" under [gpio]".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    fn chips() -> Vec<Chip> {
        let chip = |node: &str, label: &str| (PathBuf::from(node), label.to_owned());
        vec![
            chip("/dev/gpiochip10", "gpio-brcmstb@107d508500"),
            chip("/dev/gpiochip15", "pinctrl-rp1"),
        ]
    }

    #[test]
    fn a_label_is_found_whatever_its_number_is() {
        assert_eq!(called("pinctrl-rp1", chips()).unwrap(), PathBuf::from("/dev/gpiochip15"));
        let message = failure::line(&called("pinctrl-bcm2711", chips()).unwrap_err());
        assert!(message.contains("gpio-brcmstb@107d508500, pinctrl-rp1"), "{message}");
        let message = failure::line(&called("tegra-gpio", Vec::new()).unwrap_err());
        assert!(message.contains("no GPIO chip") && message.contains("\"none\""), "{message}");
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        assert_eq!(chip_node("/dev/gpiochip3").unwrap(), PathBuf::from("/dev/gpiochip3"));
    }
}
