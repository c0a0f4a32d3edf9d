//! Other programs that some verbs start.

use std::path::Path;

use super::outside::find;
use super::{Check, CheckOutcome};

/// A program, its purpose, and Debian's package.
const TOOLS: [(&str, &str, &str); 4] = [
    ("ssh", "flashes and watches a badge in the network", "openssh-client"),
    ("ffmpeg", "lets the badge's program look at videos", "ffmpeg"),
    ("espeak-ng", "makes a badge's voice", "espeak-ng"),
    ("debugfs", "flashes a card's image", "e2fsprogs"),
];

/// Whether they are installed; none of them is needed for training.
pub(super) fn check() -> impl Iterator<Item = Check> {
    TOOLS.into_iter().map(|(name, purpose, package)| {
        let outcome = match find(name) {
            Some(path) => CheckOutcome::ok(format!("{}: {purpose}", path.display())),
            None => {
                let aside = Path::new("/usr/sbin").join(name);
                let how = match aside.is_file() {
                    true => format!("PATH=\"$PATH:/usr/sbin\": {} is there", aside.display()),
                    false => format!("sudo apt install {package}"),
                };
                CheckOutcome::missing(format!("not on the PATH; it {purpose}"), how)
            }
        };
        Check { name, outcome }
    })
}
