//! What the tests train on: tiny pictures and a tiny net.

use std::fmt::Write as _;
use std::path::Path;

use emocue_host::cli::SourceArgs;
use emocue_train::net::NetSpec;
use emocue_train::recipe::Recipe;

const ROWS: usize = 40;

/// Both datasets in their published layouts, drawn here: a bar whose place tells the class.
pub(crate) fn data(dir: &Path) -> SourceArgs {
    let (fer2013, ferplus) = (dir.join("fer2013.csv"), dir.join("fer2013new.csv"));
    let mut pixels = String::from("emotion,pixels,Usage\n");
    let mut votes = String::from(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n",
    );
    for row in 0..ROWS {
        let usage = if row < ROWS - 8 { "Training" } else { "PublicTest" };
        let class = row % 7;
        let value =
            |i: usize| if i / 48 / 6 == class { 200 + row % 50 } else { (i * 31 + row) % 60 };
        let picture: Vec<String> = (0..48 * 48).map(|i| value(i).to_string()).collect();
        writeln!(pixels, "{class},{},{usage}", picture.join(" ")).unwrap();
        let counts: Vec<&str> = (0..10).map(|i| if i == class { "10" } else { "0" }).collect();
        writeln!(votes, "{usage},,{}", counts.join(",")).unwrap();
    }
    std::fs::write(&fer2013, pixels).unwrap();
    std::fs::write(&ferplus, votes).unwrap();
    SourceArgs::fer2013_with_votes(fer2013, ferplus)
}

pub(crate) fn recipe() -> Recipe {
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    recipe.optimizer.batch = 8;
    recipe.schedule.epochs = 3;
    recipe.schedule.warmup_epochs = 1.0;
    recipe
}
