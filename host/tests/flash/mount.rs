//! Flashing a mounted card.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, SystemTime};

use emocue_flash::key;
use emocue_flash::mount::Mount;
use emocue_flash::root::RootError;
use emocue_flash::{FlashPlan, RootFs as _};
use emocue_models::bundle::{Bundle, DEFAULT, Manifest};

use crate::kit::{AARCH64, ARM, Kit, StopAfter, app, bad, expected, good, tree};

const ALL: [&str; 9] =
    ["--to", "root", "--app", "app", "--bundle", "mine.emocue", "--config", "emocue.toml", "--yes"];

#[test]
fn everything_is_at_its_place_with_its_mode() {
    let kit = Kit::new();
    let past = SystemTime::now() - Duration::from_secs(1000);
    File::open(kit.path("root/usr")).unwrap().set_modified(past).unwrap();
    let said = good(&kit.flash(&ALL));
    assert!(
        said.contains("64-bit ARM (aarch64)") && said.contains("it tests itself then"),
        "{said}"
    );
    let (app, config, bundle) = (kit.read("app"), kit.read("emocue.toml"), kit.read("mine.emocue"));
    for (path, mode, content) in expected(&app, &config, &bundle) {
        let path = kit.path("root").join(&path[1..]);
        match content {
            Ok(bytes) => {
                assert_eq!(fs::read(&path).unwrap(), bytes, "{path:?}");
                let metadata = path.symlink_metadata().unwrap();
                assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{path:?}");
            }
            Err(to) => assert_eq!(fs::read_link(&path).unwrap().to_str().unwrap(), to),
        }
    }
    let mode = |path: &str| fs::metadata(kit.path(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("root/var/lib/emocue"), 0o700);
    assert_eq!(mode("root/var/lib/emocue/incoming"), 0o700);
    assert_eq!(mode("root/etc/emocue"), 0o755);
    // Otherwise systemd would not create the badge's user.
    assert!(fs::metadata(kit.path("root/usr")).unwrap().modified().unwrap() > past);
    let files = tree(&kit.path("root"));
    let leftover = |name: &str| name.contains("emocue-new") || name.ends_with(".old");
    assert!(!files.keys().any(|path| leftover(path.to_str().unwrap())), "{files:?}");

    let again = good(&kit.flash(&ALL));
    assert!(again.contains("All of it is there already"), "{again}");
    assert_eq!(tree(&kit.path("root")), files);
}

#[test]
fn the_program_before_stays_beside_the_new_one() {
    let kit = Kit::new();
    good(&kit.flash(&ALL));
    let old = kit.read("app");
    kit.write("app", &app(AARCH64, true, 310_000));
    let before = tree(&kit.path("root"));
    // There is no terminal to ask on.
    let without_yes = &ALL[..ALL.len() - 1];
    let refused = bad(&kit.flash(without_yes), 2);
    assert!(refused.contains("Overwrite /usr/local/bin/emocue-badge?"), "{refused}");
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(tree(&kit.path("root")), before);
    let said = good(&kit.flash(&ALL));
    assert!(said.contains("differs; the old one stays as .old"), "{said}");
    assert_eq!(kit.read("root/usr/local/bin/emocue-badge"), kit.read("app"));
    assert_eq!(kit.read("root/usr/local/bin/emocue-badge.old"), old);
    // A third program replaces the second, which becomes the old one.
    let second = kit.read("app");
    kit.write("app", &app(AARCH64, true, 320_000));
    good(&kit.flash(&ALL));
    assert_eq!(kit.read("root/usr/local/bin/emocue-badge.old"), second);
}

#[test]
fn a_dry_run_touches_nothing() {
    let kit = Kit::new();
    kit.unsigned("bare.emocue");
    let before = tree(kit.folder.path());
    let arguments =
        ["--to", "root", "--app", "app", "--bundle", "bare.emocue", "--config", "emocue.toml"];
    let said = good(&kit.flash(&[&arguments[..], &["--dry-run"]].concat()));
    for expected in ["/usr/local/bin/emocue-badge", "new", "before it is flashed", "Nothing was"] {
        assert!(said.contains(expected), "{expected} is missing in {said}");
    }
    assert_eq!(tree(kit.folder.path()), before);
}

#[test]
fn whenever_it_is_interrupted_the_old_is_whole() {
    let kit = Kit::new();
    good(&kit.flash(&ALL));
    let before = tree(&kit.path("root"));
    kit.write("app", &app(AARCH64, true, 700_000));
    kit.write("emocue.toml", b"board = \"pi-4\"\n");
    let components = kit.components(true);
    // At the beginning, within the first file, and when all files are staged but none is renamed.
    for left in [0, 1, 300_000, 700_000, 700_015] {
        let mut mount = Mount::open(&kit.path("root")).unwrap();
        let plan = FlashPlan::new(&mut mount, &components).unwrap();
        let result = mount.install(&plan.changes(), &mut StopAfter { left });
        assert!(matches!(result, Err(RootError::Interrupted)), "{left}: {result:?}");
        assert_eq!(tree(&kit.path("root")), before, "{left}");
    }
}

#[test]
fn folders_that_were_made_for_nothing_are_removed() {
    let kit = Kit::new();
    let before = tree(&kit.path("root"));
    let components = kit.components(false);
    let mut mount = Mount::open(&kit.path("root")).unwrap();
    let plan = FlashPlan::new(&mut mount, &components).unwrap();
    mount.install(&plan.changes(), &mut StopAfter { left: 300_000 }).unwrap_err();
    assert_eq!(tree(&kit.path("root")), before);
}

#[test]
fn a_program_for_another_machine_is_refused_with_both_names() {
    let kit = Kit::new();
    kit.write("app", &app(ARM, false, 1000));
    let before = tree(&kit.path("root"));
    let refused = bad(&kit.flash(&ALL), 3);
    assert!(refused.contains("is made for 32-bit ARM (armv7l)"), "{refused}");
    assert!(refused.contains("runs programs for 64-bit ARM (aarch64)"), "{refused}");
    assert!(refused.contains("cargo xtask cross"), "{refused}");
    assert_eq!(tree(&kit.path("root")), before);
}

#[test]
fn what_is_not_a_badges_root_is_refused_with_a_hint() {
    let kit = Kit::new();
    let refused = |to: &str| bad(&kit.flash(&["--to", to, "--app", "app"]), 3);
    assert!(refused("/").contains("this computer's own root"));
    assert!(refused("home").contains("not the root of a Linux system"));
    kit.write("home/cmdline.txt", b"");
    assert!(refused("home").contains("boot partition"));
    fs::create_dir_all(kit.path("data/etc")).unwrap();
    fs::create_dir_all(kit.path("data/usr")).unwrap();
    assert!(refused("data").contains("neither an init nor a shell"));
    let unknown = bad(&kit.flash(&["--to", "nowhere", "--app", "app"]), 2);
    assert!(unknown.contains("no such file") && unknown.contains("ssh://user@host"), "{unknown}");
    fs::remove_file(kit.path("root/bin")).unwrap();
    assert!(refused("root").contains("cannot determine what programs"));
}

#[test]
fn links_of_the_card_lead_inside_of_the_card() {
    let kit = Kit::new();
    fs::create_dir_all(kit.path("root/data/emocue")).unwrap();
    symlink("/data/emocue", kit.path("root/var/lib/emocue")).unwrap();
    symlink("/usr/bin/dash", kit.path("root/usr/bin/absolute")).unwrap();
    fs::remove_file(kit.path("root/usr/bin/sh")).unwrap();
    symlink("absolute", kit.path("root/usr/bin/sh")).unwrap();
    good(&kit.flash(&ALL));
    assert_eq!(kit.read("root/data/emocue/incoming/bundle.emocue"), kit.read("mine.emocue"));
}

#[test]
fn what_is_in_the_way_is_not_replaced() {
    let kit = Kit::new();
    fs::create_dir_all(kit.path("root/usr/local/bin/emocue-badge")).unwrap();
    let refused = bad(&kit.flash(&ALL), 4);
    assert!(refused.contains("/usr/local/bin/emocue-badge is there already"), "{refused}");
}

#[test]
fn a_bundle_is_signed_once_with_what_it_is_meant_for() {
    let kit = Kit::new();
    kit.unsigned("bare.emocue");
    let flash = ["--to", "root", "--bundle", "bare.emocue", "--yes"];
    let no_key = bad(&kit.flash(&flash), 3);
    assert!(no_key.contains("emocue key new -o") && no_key.contains("badge.key"), "{no_key}");
    kit.key("my.key");
    let with_key = [&flash[..], &["--key", "my.key"]].concat();
    let nobody = bad(&kit.flash(&with_key), 2);
    assert!(nobody.contains("--intended-use") && nobody.contains("my own cue"), "{nobody}");
    let meant = [&with_key[..], &["--intended-use", "my own cue"]].concat();
    let said = good(&kit.flash(&meant));
    assert!(said.contains("Art. 5(1)(f)") && said.contains("meant for: my own cue"), "{said}");
    let flashed = kit.read("root/var/lib/emocue/incoming/bundle.emocue");
    assert_eq!(flashed, kit.read("bare.signed.emocue"));
    // The question was asked once: now the bundle with the key, and the signed one alone, are flashed unchanged.
    good(&kit.flash(&with_key));
    good(&kit.flash(&["--to", "root", "--bundle", "bare.signed.emocue", "--yes"]));
    assert_eq!(kit.read("root/var/lib/emocue/incoming/bundle.emocue"), flashed);
}

/// A change that makes a manifest unacceptable.
type Change = fn(&mut Manifest);

#[test]
fn a_bundle_that_a_badge_refuses_is_neither_signed_nor_flashed() {
    let kit = Kit::new();
    kit.key("my.key");
    let bundle = Bundle::read(DEFAULT).unwrap();
    let payloads: Vec<_> = bundle.payloads().collect();
    let changes: [(&str, Change); 2] = [
        ("fails the self-test", |manifest| manifest.classifier.threshold = 1.0),
        ("no model card", |manifest| manifest.card = " \n".into()),
    ];
    for (reason, change) in changes {
        let mut manifest = bundle.manifest().clone();
        change(&mut manifest);
        let packed = Bundle::pack(manifest, &payloads).unwrap();
        kit.write("bad.emocue", &packed);
        let key = key::read_secret(&kit.path("my.key")).unwrap();
        kit.write("bad-signed.emocue", &Bundle::sign(&packed, &key).unwrap());
        let before = tree(kit.folder.path());
        for bundle in ["bad.emocue", "bad-signed.emocue"] {
            for dry in [&["--yes"][..], &["--dry-run"]] {
                let flash = ["--to", "root", "--bundle", bundle, "--key", "my.key"];
                let used = ["--intended-use", "my own cue"];
                let refused = bad(&kit.flash(&[&flash[..], &used, dry].concat()), 5);
                assert!(refused.contains(reason), "{refused}");
            }
        }
        for arguments in [
            &["sign", "bad.emocue", "--key", "my.key", "-o", "out.emocue"][..],
            &["verify", "bad-signed.emocue"],
        ] {
            let mut emocue = Command::new(env!("CARGO_BIN_EXE_emocue"));
            emocue.arg("bundle").args(arguments).current_dir(kit.folder.path());
            let refused = bad(&emocue.output().unwrap(), 5);
            assert!(refused.contains(reason), "{refused}");
        }
        assert_eq!(tree(kit.folder.path()), before);
    }
}

#[test]
fn damaged_and_missing_files_are_reported() {
    let kit = Kit::new();
    let said =
        |arguments: &[&str], code| bad(&kit.flash(&[&["--to", "root"], arguments].concat()), code);
    kit.write("bad.toml", b"[camera\nsource = 1\n");
    assert!(said(&["--config", "bad.toml"], 2).contains("bad.toml:1:"));
    kit.write("bad.toml", b"[camera]\nsorce = 'portraits'\n");
    let unknown = said(&["--config", "bad.toml"], 2);
    assert!(unknown.contains("bad.toml:2:1: unknown key \"sorce\" in [camera]"), "{unknown}");
    assert!(unknown.contains("help: Write source."), "{unknown}");
    let mut bundle = kit.read("mine.emocue");
    bundle[5000] ^= 1;
    kit.write("bad.emocue", &bundle);
    assert!(said(&["--bundle", "bad.emocue"], 5).contains("is damaged"));
    assert!(said(&["--app", "emocue.toml"], 3).contains("not a Linux program"));
    assert!(said(&["--what", "app"], 2).contains("--what app needs --app FILE"));
    assert!(said(&[], 2).contains("nothing to flash"));
    let by_cable = bad(&kit.flash(&["--to", "serial:/dev/null", "--app", "app"]), 2);
    assert!(by_cable.contains("may not write its own program"), "{by_cable}");
    assert!(said(&["--rollback"], 2).contains("slot rollback"));
    bad(&kit.flash(&["--to", "serial:/dev/null", "--rollback", "--bundle", "mine.emocue"]), 2);
}
