use std::cell::Cell;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::cue::{Press, TimedPress};
use crate::keep::{ConsentFlow, FlowAnswer};

fn consent(kept: Kept, length: Duration) -> (Consent, Instant) {
    let start = Instant::now();
    let flow = ConsentFlow::new(kept, length, start);
    let agreed = start + Duration::from_secs(5);
    let press = TimedPress { press: Press::Held, began: start + Duration::from_secs(2) };
    let FlowAnswer::Yes(consent) = flow.press(press, agreed) else { panic!("it is agreed") };
    (consent, agreed)
}

/// A folder, a store in it, and the time from which its consent holds for a minute.
fn store() -> (tempfile::TempDir, PictureStore, Instant) {
    let folder = tempfile::tempdir().unwrap();
    let (consent, agreed) = consent(Kept::Pictures, Duration::from_secs(60));
    let store = PictureStore::new(&folder.path().join("pictures"), consent).unwrap();
    (folder, store, agreed)
}

/// A frame whose columns count up.
fn frame() -> Luma {
    let mut frame = Luma::new(320, 240);
    for (i, pixel) in frame.pixels_mut().iter_mut().enumerate() {
        *pixel = (i % 320 / 2) as u8;
    }
    frame
}

const FACE: Rect = Rect::new(100.0, 80.0, 40.0, 60.0);

/// Every file below `folder`, by its path in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn pictures_lie_in_a_folder_of_their_answer_and_only_their_owner_reads_them() {
    let (folder, mut store, start) = store();
    let seconds = |seconds| move || start + Duration::from_secs(seconds);
    store.keep(&frame(), FACE, Expression::Happiness, seconds(0)).unwrap();
    store.keep(&frame(), FACE, Expression::Happiness, seconds(1)).unwrap();
    store.keep(&frame(), FACE, Expression::Anger, seconds(2)).unwrap();
    let expected =
        ["pictures/anger/0000.png", "pictures/happiness/0000.png", "pictures/happiness/0001.png"];
    assert_eq!((files(folder.path()), store.written()), (expected.map(str::to_owned).to_vec(), 3));
    let mode =
        |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["pictures", "pictures/anger", expected[0]].map(mode), [0o700, 0o700, 0o600]);
    let picture = image::open(folder.path().join(expected[0])).unwrap().into_luma8();
    // The box with a margin of a quarter on every side, at the frame's scale.
    assert_eq!((picture.width(), picture.height()), (60, 90));
    assert_eq!(picture.get_pixel(0, 0).0, [45]);
}

#[test]
fn one_picture_a_second_at_most() {
    let (folder, mut store, start) = store();
    for ms in (0..3000).step_by(100) {
        let now = || start + Duration::from_millis(ms);
        store.keep(&frame(), FACE, Expression::Fear, now).unwrap();
    }
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn nothing_is_kept_once_the_consent_is_over() {
    let (folder, mut store, start) = store();
    store.keep(&frame(), FACE, Expression::Fear, || start + Duration::from_secs(60)).unwrap();
    assert_eq!(files(folder.path()), [""; 0]);
    // It ends while the picture is being written.
    let asked = Cell::new(0);
    let now = || {
        asked.set(asked.get() + 1);
        start + Duration::from_millis(59_990 + 20 * (asked.get() - 1))
    };
    store.keep(&frame(), FACE, Expression::Fear, now).unwrap();
    assert_eq!((asked.get(), files(folder.path()), store.written()), (2, vec![], 0));
}

#[test]
fn consent_to_a_journal_makes_no_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (consent, _) = consent(Kept::Journal, Duration::from_secs(60));
    let refused = PictureStore::new(&folder.path().join("pictures"), consent);
    assert!(matches!(refused, Err(PictureError::OtherConsent)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_not_replaced_and_what_a_pulled_plug_left_is() {
    let (folder, mut store, start) = store();
    let fear = folder.path().join("pictures/fear");
    fs::create_dir_all(&fear).unwrap();
    fs::write(fear.join("0001.png"), "mine").unwrap();
    fs::write(fear.join(UNFINISHED), "half").unwrap();
    for second in 0..2 {
        let now = || start + Duration::from_secs(second);
        store.keep(&frame(), FACE, Expression::Fear, now).unwrap();
    }
    assert_eq!(fs::read(fear.join("0001.png")).unwrap(), b"mine");
    assert_eq!(files(&fear).len(), 3);
    assert!(!fear.join(UNFINISHED).exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_nothing_stays() {
    let (folder, mut store, start) = store();
    // A file where a folder is expected, which also stops root.
    fs::write(folder.path().join("pictures/fear"), "").unwrap();
    let error = store.keep(&frame(), FACE, Expression::Fear, || start).unwrap_err();
    assert!(error.to_string().contains("pictures/fear"), "{error}");
    assert!(error.help().is_some());
    assert_eq!(files(folder.path()), ["pictures/fear"]);
}

#[test]
fn any_box_gives_a_picture_of_at_most_its_size_or_none() {
    for rect in [
        Rect::new(-50.0, -50.0, 20.0, 20.0),
        Rect::new(0.0, 0.0, -5.0, 9.0),
        Rect::new(f32::NAN, 0.0, 9.0, 9.0),
        Rect::new(1e9, 1e9, 9.0, 9.0),
    ] {
        assert!(cut(&frame(), rect).is_none(), "{rect:?}");
    }
    let whole = cut(&frame(), Rect::new(-9.0, -9.0, 1e6, 1e6)).unwrap();
    assert_eq!((whole.width(), whole.height()), (160, 120));
    let corner = cut(&frame(), Rect::new(310.0, 230.0, 40.0, 40.0)).unwrap();
    assert_eq!((corner.width(), corner.height()), (20, 20));
}
