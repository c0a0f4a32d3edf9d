//! Small fleets, and a power failure at every disk operation.

use emocue_device::slots::PowerCut;

use super::*;

/// Large enough that each kind of fault occurs.
const FEW: usize = 200;

fn rolled_out(scenarios: &[Scenario], badges: usize, seed: u64) -> Vec<Outcome> {
    let releases = Releases::make().unwrap();
    let folder = usual_folder();
    let of = |scenario| roll_out(scenario, &releases, &folder, badges, seed).unwrap();
    scenarios.iter().map(of).collect()
}

#[test]
fn a_fleet_runs_the_new_bundle_or_the_one_before_and_a_bad_one_is_paused() {
    let outcomes = rolled_out(&SCENARIOS, FEW, 1);
    for outcome in &outcomes {
        assert_eq!(outcome.broken, [""; 0], "{}", outcome.name);
        assert_eq!(outcome.new + outcome.old, FEW, "{}", outcome.name);
    }
    let of = |name: &str| outcomes.iter().find(|outcome| outcome.name == name).unwrap();
    let good = of("good");
    assert!(good.new >= FEW - 2 && good.percent == 100, "{good:?}");
    let Tally { cuts_in_installation, cuts_elsewhere, damaged, hostile, .. } = good.tally;
    assert!([cuts_in_installation, cuts_elsewhere, damaged, hostile].iter().all(|it| *it > 0));
    let everywhere = of("bad everywhere");
    assert_eq!((everywhere.new, everywhere.old), (0, FEW));
    assert!(everywhere.paused_at.is_some() && everywhere.tried < FEW / 5, "{everywhere:?}");
    let (ruled, ruleless) = (of("bad on 30 %"), of("bad on 30 %, no rule"));
    assert!(ruled.tried < ruleless.tried / 2, "{ruled:?}\n{ruleless:?}");
    assert!(ruleless.paused_at.is_none() && ruleless.returned > FEW / 5, "{ruleless:?}");
}

#[test]
fn a_seed_gives_the_same_table() {
    let table = |seed| tables(&rolled_out(&SCENARIOS[2..4], 60, seed));
    assert_eq!(table(3), table(3));
    assert_ne!(table(3), table(4));
}

#[test]
fn power_lost_at_any_operation_of_an_installation_leaves_the_old_or_the_new_bundle() {
    let releases = Releases::make().unwrap();
    let folder = tempfile::tempdir_in(usual_folder()).unwrap();
    let operations = Badge::count_operations(folder.path().join("count"), &releases).unwrap();
    assert!(operations > 10, "{operations}");
    let mut seen = [0; 2];
    // A badge without an installed bundle, with one, and with two.
    for (kind, number) in [10, 1, 2].into_iter().enumerate() {
        for after in 0..=operations {
            for torn in [0, 128, 255] {
                let place = folder.path().join(format!("{kind}-{after}-{torn}"));
                let good = &SCENARIOS[0];
                let mut badge = Badge::new(number, place, &releases, good, operations, 1).unwrap();
                let runs_new = badge.cut_and_started(PowerCut { after, torn }).unwrap();
                seen[usize::from(runs_new)] += 1;
                // The bundle can be installed after every interruption.
                assert!(badge.installed_and_started().unwrap(), "{kind} {after} {torn}");
            }
        }
    }
    assert!(seen[0] > operations && seen[1] > 0, "{seen:?}");
}
