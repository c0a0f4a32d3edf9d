//! Every state of the disk that a power loss can leave, at every moment of a program's run.

use std::collections::HashSet;

use super::disk::{Crash, Disk, Op};
use super::inode::{Inode, Kept, Order};
use super::tree::Tree;
use crate::Result;

/// What can remain of a file's changes.
const KEPT: [Kept; 5] = [Kept::Everything, Kept::Nothing, Kept::Beginning, Kept::End, Kept::Zeros];

/// Largest number of combinations at one moment; more would mean that the program never syncs.
const MOST_AT_ONCE: usize = 20_000;

/// A power loss after some of a program's operations, and what remains.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// How many operations were done.
    pub(super) done: usize,
    /// Whether these are all operations, so that the program has returned.
    pub(super) returned: bool,
    crash: Crash,
}

/// A program's operations on a folder, and the contents before.
pub(super) struct Run {
    pub(super) before: Disk,
    pub(super) ops: Vec<Op>,
}

impl Run {
    /// The file system after `done` operations.
    fn disk(&self, done: usize) -> Result<Disk> {
        let mut disk = self.before.clone();
        for op in &self.ops[..done] {
            disk.apply(op)?;
        }
        Ok(disk)
    }

    /// The contents at the end without a power loss.
    pub(super) fn end(&self) -> Result<Tree> {
        Ok(self.disk(self.ops.len())?.now())
    }

    /// The contents of the disk in `state`.
    pub(super) fn tree(&self, state: &State) -> Result<Tree> {
        Ok(self.disk(state.done)?.after(&state.crash))
    }

    /// Every distinct state. States after the last operation are listed even when they are duplicates, since stricter
    /// conditions hold for a program that has returned.
    pub(super) fn states(&self) -> Result<Vec<State>> {
        let (mut states, mut disk) = (Vec::new(), self.before.clone());
        let mut seen = HashSet::new();
        for done in 0..=self.ops.len() {
            if done > 0 {
                disk.apply(&self.ops[done - 1])?;
            }
            let returned = done == self.ops.len();
            if returned {
                seen.clear();
            }
            for crash in crashes(&disk)? {
                if seen.insert(disk.after(&crash).digest()) {
                    states.push(State { done, returned, crash });
                }
            }
        }
        Ok(states)
    }
}

/// Every combination of what can remain now.
fn crashes(disk: &Disk) -> Result<Vec<Crash>> {
    let mut crashes = vec![Crash::default()];
    for (ino, inode) in disk.inodes.iter().enumerate() {
        match inode {
            Inode::File(file) if !file.pending.is_empty() => {
                crashes = product(&crashes, &KEPT, |crash, kept| crash.files.push((ino, kept)))?;
            }
            Inode::Folder(folder) if !folder.pending.is_empty() => {
                let orders = orders(folder.pending.len());
                crashes =
                    product(&crashes, &orders, |crash, order| crash.folders.push((ino, order)))?;
            }
            _ => {}
        }
    }
    Ok(crashes)
}

/// Every prefix of a folder's changes, and all changes except one.
fn orders(changes: usize) -> Vec<Order> {
    // All but the last is a prefix already.
    let single = (0..changes.saturating_sub(1)).map(Order::AllBut);
    (0..=changes).rev().map(Order::First).chain(single).collect()
}

fn product<T: Copy>(
    crashes: &[Crash],
    choices: &[T],
    add: impl Fn(&mut Crash, T),
) -> Result<Vec<Crash>> {
    if crashes.len() * choices.len() > MOST_AT_ONCE {
        return Err("too much is not synced at once to go through all that may be left".into());
    }
    let mut all = Vec::with_capacity(crashes.len() * choices.len());
    for crash in crashes {
        for choice in choices {
            let mut crash = crash.clone();
            add(&mut crash, *choice);
            all.push(crash);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Node;
    use super::*;

    const OLD: &[u8] = b"the old bytes";
    const NEW: &[u8] = b"the new bytes, more of them";

    fn open(handle: usize, path: &str) -> Op {
        let create = !path.is_empty();
        Op::Open { handle, path: path.into(), create, truncate: create, append: false }
    }

    fn write(handle: usize) -> [Op; 2] {
        let (first, second) = NEW.split_at(9);
        [first, second].map(|part| Op::Write { handle, at: None, bytes: part.into() })
    }

    fn sync(handle: usize) -> Op {
        Op::Sync { handle }
    }

    fn rename() -> Op {
        Op::Rename { from: "new".into(), to: "file".into() }
    }

    /// Possible contents of `file` after each number of operations.
    fn contents(ops: Vec<Op>) -> Vec<(bool, Option<Vec<u8>>)> {
        let mut tree = Tree::default();
        tree.0.insert("file".into(), Node::File(OLD.into()));
        let run = Run { before: Disk::holding(&tree).unwrap(), ops };
        let content = |state: &State| match run
            .tree(state)
            .unwrap()
            .0
            .remove("file".as_ref() as &std::path::Path)
        {
            Some(Node::File(bytes)) => Some(bytes),
            _ => None,
        };
        run.states().unwrap().iter().map(|state| (state.returned, content(state))).collect()
    }

    /// Whether every state has the old or the new bytes, and the new ones after the program has returned.
    fn survives(ops: Vec<Op>) -> bool {
        contents(ops).iter().all(|(returned, content)| match content.as_deref() {
            Some(NEW) => true,
            Some(OLD) => !returned,
            _ => false,
        })
    }

    fn well_written() -> Vec<Op> {
        let mut ops = vec![open(0, "new")];
        ops.extend(write(0));
        ops.extend([sync(0), rename(), open(1, ""), sync(1)]);
        ops
    }

    fn without(dropped: usize) -> Vec<Op> {
        let mut ops = well_written();
        ops.remove(dropped);
        ops
    }

    #[test]
    fn a_well_written_replacement_survives() {
        assert!(survives(well_written()));
    }

    #[test]
    fn a_rename_without_fsync_may_leave_an_empty_file() {
        assert!(contents(without(3)).contains(&(false, Some(Vec::new()))));
        assert!(contents(without(3)).contains(&(false, Some(vec![0; NEW.len()]))));
        assert!(!contents(well_written()).iter().any(|(_, content)| content == &Some(Vec::new())));
        assert!(!survives(without(3)));
    }

    #[test]
    fn a_rename_without_the_folders_fsync_may_be_lost() {
        let contents = contents(without(6));
        assert!(contents.contains(&(true, Some(OLD.into()))));
        assert!(contents.contains(&(true, Some(NEW.into()))));
        assert!(!survives(without(6)));
    }

    #[test]
    fn writing_in_place_is_caught() {
        let mut ops = vec![open(0, "file")];
        ops.extend(write(0));
        ops.push(sync(0));
        let contents = contents(ops.clone());
        // Truncated, empty, and unchanged.
        for torn in [&NEW[..NEW.len() / 2], &[], OLD] {
            assert!(contents.contains(&(false, Some(torn.into()))), "{torn:?}");
        }
        let end = contents.iter().flat_map(|(_, content)| content);
        let half = NEW.len() / 2;
        assert!(end.into_iter().any(|end| end.len() == NEW.len()
            && end[..half] == vec![0; half]
            && end[half..] == NEW[half..]));
        assert!(!survives(ops));
    }

    #[test]
    fn removing_first_and_renaming_then_is_caught() {
        let mut ops = well_written();
        ops.insert(4, Op::Remove { path: "file".into() });
        assert!(contents(ops.clone()).contains(&(false, None)));
        assert!(!survives(ops));
    }

    #[test]
    fn of_two_changes_the_later_may_arrive_alone() {
        // A mark file that is created after its data file, in the same folder, can exist without it.
        let ops = vec![open(0, "data"), open(1, "mark")];
        let run = Run { before: Disk::holding(&Tree::default()).unwrap(), ops };
        let names = |state: &State| run.tree(state).unwrap().0.into_keys().collect::<Vec<_>>();
        let states: Vec<_> = run.states().unwrap().iter().map(names).collect();
        assert!(states.contains(&vec!["mark".into()]));
    }

    #[test]
    fn a_new_folder_without_its_parents_fsync_may_be_lost_with_all_in_it() {
        let mut ops = vec![Op::MakeFolder { path: "slots".into() }, open(0, "slots/a")];
        ops.extend(write(0));
        let folder = |handle, path: &str| Op::Open {
            handle,
            path: path.into(),
            create: false,
            truncate: false,
            append: false,
        };
        ops.extend([sync(0), folder(1, "slots"), sync(1)]);
        let lost = |ops: Vec<Op>| {
            let run = Run { before: Disk::holding(&Tree::default()).unwrap(), ops };
            let states = run.states().unwrap();
            states.iter().any(|s| s.returned && run.tree(s).unwrap().0.is_empty())
        };
        assert!(lost(ops.clone()));
        ops.extend([folder(2, ""), sync(2)]);
        assert!(!lost(ops));
    }

    #[test]
    fn appending_and_truncating_are_followed() {
        let mut ops = vec![
            Op::Open {
                handle: 0,
                path: "file".into(),
                create: false,
                truncate: false,
                append: true,
            },
            Op::Write { handle: 0, at: None, bytes: b"!".into() },
            sync(0),
            Op::SetLength { handle: 0, length: 3 },
            sync(0),
        ];
        assert!(contents(ops.clone()).contains(&(true, Some(b"the".into()))));
        ops.truncate(3);
        assert!(contents(ops.clone()).contains(&(true, Some(b"the old bytes!".into()))));
        ops.push(Op::Rename { from: "file".into(), to: "elsewhere/file".into() });
        let run = Run { before: Disk::holding(&Tree::default()).unwrap(), ops };
        assert!(run.states().is_err());
    }
}
