//! The commands that make `debugfs` write files into an image.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::debugfs::Tools;
use super::error::ImageError;
use super::path::{followed, real};
use crate::component::Component;
use crate::root::{FileContent, PlannedFile};
use crate::table::{folder, folder_mode, folders, name, old};

/// Writes the contents of `files` to the tools' working folder, and returns the `debugfs` commands that install them.
pub(super) fn write(tools: &Tools, files: &[&PlannedFile<'_>]) -> Result<Vec<String>, ImageError> {
    let mut script = Vec::new();
    let mut made = BTreeSet::new();
    for (number, file) in files.iter().enumerate() {
        for folder in folders(file.place.path) {
            let real = followed(tools, folder)?;
            if tools.stat(&real)?.is_none() && made.insert(real.clone()) {
                script.push(format!("mkdir {real}"));
                script.extend(owner(tools, &real, 0o40_000 | folder_mode(folder))?);
            }
        }
        replace(tools, file, number, &mut script)?;
    }
    if files.iter().any(|file| file.place.component == Component::App) {
        script.push(renew(tools)?);
    }
    Ok(script)
}

/// The commands that put a file into its place. `debugfs` does not count links: `ln` and `unlink` together rename, and
/// only `rm` frees.
fn replace(
    tools: &Tools,
    file: &PlannedFile<'_>,
    number: usize,
    script: &mut Vec<String>,
) -> Result<(), ImageError> {
    let here = real(tools, file.place.path)?;
    if tools.stat(&here)?.is_some() {
        if file.place.keep_old {
            let kept = old(&here);
            if tools.stat(&kept)?.is_some() {
                script.push(format!("rm {kept}"));
            }
            script.extend([format!("ln {here} {kept}"), format!("unlink {here}")]);
        } else {
            script.push(format!("rm {here}"));
        }
    }
    match file.content {
        FileContent::Link(to) => script.push(format!("symlink {here} {to}")),
        FileContent::File(bytes) => {
            let content = tools.lay(number, bytes)?;
            // `write` takes a name without a folder, and writes into the current folder.
            script.push(format!("cd {}", or_root(folder(&here))));
            script.push(format!("write {content} {}", name(&here)));
            script.extend(owner(tools, &here, 0o100_000 | file.place.mode)?);
        }
    }
    Ok(())
}

/// The commands that set the mode of `path`, and its owner to that of its folder.
fn owner(tools: &Tools, path: &str, mode: u32) -> Result<[String; 3], ImageError> {
    // A new folder gets the owner of its nearest existing parent.
    let mut above = folder(path);
    let (user, group) = loop {
        match tools.stat(or_root(above))? {
            Some(inode) => break (inode.user, inode.group),
            None if above.is_empty() => break (0, 0),
            None => above = folder(above),
        }
    };
    let set = |field: &str, value: String| format!("set_inode_field {path} {field} {value}");
    Ok([
        set("mode", format!("0{mode:o}")),
        set("uid", user.to_string()),
        set("gid", group.to_string()),
    ])
}

/// systemd creates missing users when /usr is newer than its time stamp (systemd-sysusers.service,
/// ConditionNeedsUpdate=), so the modification time of /usr is updated.
fn renew(tools: &Tools) -> Result<String, ImageError> {
    let usr = followed(tools, "/usr")?;
    let before = tools.stat(&usr)?.map_or(0, |inode| inode.modified);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs()).max(before + 1);
    Ok(format!("set_inode_field {usr} mtime @{now}"))
}

fn or_root(folder: &str) -> &str {
    if folder.is_empty() { "/" } else { folder }
}
