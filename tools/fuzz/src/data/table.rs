//! FER2013's table, with FER+'s votes beside it, plain and gzipped.

use std::io::Write as _;

use emocue_data::{fer2013, ferplus};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{check, file, scratch};
use crate::FuzzTarget;

/// A table, and votes for it.
pub const TABLE: FuzzTarget = FuzzTarget {
    name: "table",
    what: "FER2013's CSV and FER+'s votes, plain and gzipped: rows, or the row that is wrong",
    run: table,
    seeds: || {
        let votes = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\nTraining,,4,0,0,1,3,2,0,0,0,0\n";
        let texts = [
            "\0emotion,pixels,Usage\n3,~,Training\n6,~,PublicTest\n".to_owned(),
            "\0pixels,emotion\n~,7\n".to_owned(),
            "\x01emotion,pixels,Usage\n0,~,Training\n".to_owned(),
            format!("\0emotion,pixels,Usage\n3,~,Training\n\u{1c}{votes}"),
        ];
        texts.map(String::into_bytes).to_vec()
    },
};

/// Stands for the pixels of a picture, which would fill an input.
const PIXELS: u8 = b'~';
/// Stands between the table and the votes.
const BETWEEN: u8 = 0x1c;
/// Pictures of one input.
const MOST: usize = 4;

fn expanded(text: &[u8]) -> Vec<u8> {
    let (mut out, mut pictures) = (Vec::new(), 0);
    for byte in text {
        if *byte == PIXELS && pictures < MOST {
            pictures += 1;
            let pixels: Vec<String> = (0..48 * 48).map(|at| (at % 256).to_string()).collect();
            out.extend(pixels.join(" ").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

fn table(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let mut parts = text.split(|byte| *byte == BETWEEN);
    let folder = scratch();
    let mut csv = expanded(parts.next().unwrap_or_default());
    if kind % 2 == 1 {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&csv).expect("memory takes it");
        csv = packed.finish().expect("memory takes it");
        // A packed file that is cut or damaged.
        let at = usize::from(kind / 2) * csv.len() / 128;
        if let Some(byte) = csv.get_mut(at).filter(|_| *kind > 1) {
            *byte ^= kind;
        }
    }
    let path = folder.join("fer2013.csv");
    file(&path, &csv);
    let read = fer2013::read(&path);
    if let (Ok(fer), Some(votes)) = (&read, parts.next()) {
        let votes_path = folder.join("fer2013new.csv");
        file(&votes_path, votes);
        check(ferplus::read(&votes_path, fer.clone()));
    }
    check(read);
}
