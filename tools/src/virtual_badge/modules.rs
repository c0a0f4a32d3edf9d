//! Kernel modules with their dependencies, in load order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// A module's name and its uncompressed object file.
pub(crate) type Module = (String, Vec<u8>);

/// Reads `wanted` and their dependencies below `folder`; each module follows its dependencies. Modules that are built
/// into the kernel are omitted.
///
/// Dependencies are read from the modules themselves, so that no `depmod` is needed.
pub(crate) fn load(folder: &Path, wanted: &[&str]) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    let builtin = fs::read_to_string(folder.join("modules.builtin"))?;
    let builtin: Vec<_> = builtin.lines().filter_map(|line| name(Path::new(line))).collect();
    let read = |name: &str| match files.get(name) {
        Some(path) => object(path).map(Some),
        None if builtin.iter().any(|known| known == name) => Ok(None),
        None => Err(format!("the kernel has no module {name}").into()),
    };
    let mut loaded = Vec::new();
    for name in wanted {
        visit(name, &read, &mut loaded)?;
    }
    Ok(loaded)
}

/// Dependencies first; the kernel's modules have no cycles.
fn visit(
    name: &str,
    read: &impl Fn(&str) -> Result<Option<Vec<u8>>>,
    loaded: &mut Vec<Module>,
) -> Result<()> {
    if loaded.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    let Some(object) = read(name)? else { return Ok(()) };
    for needed in depends(&object) {
        visit(&needed, read, loaded)?;
    }
    loaded.push((name.to_owned(), object));
    Ok(())
}

fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, files)?;
        } else if let Some(name) = name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// A module's name from its file name; `-` and `_` are equivalent.
fn name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let (name, end) = file.split_once(".ko")?;
    ["", ".xz"].contains(&end).then(|| name.replace('-', "_"))
}

fn object(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(fs::read(path)?);
    }
    let output = Command::new("xz").args(["--decompress", "--stdout"]).arg(path).output();
    let output = output.map_err(|e| format!("cannot start xz: {e}; apt-get install xz-utils"))?;
    if !output.status.success() {
        return Err(
            format!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr)).into()
        );
    }
    Ok(output.stdout)
}

/// The dependencies in a module's `.modinfo` section.
fn depends(object: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = object.windows(KEY.len()).position(|bytes| bytes == KEY) else {
        return Vec::new();
    };
    let list = object[at + KEY.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    let names = list.split(|byte| *byte == b',').filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, depends: &str| {
            let object = format!("\u{7f}ELF license=GPL\0depends={depends}\0name=x\0");
            fs::write(folder.path().join(file), object).unwrap();
        };
        fs::create_dir(folder.path().join("media")).unwrap();
        write("media/vivid.ko", "videobuf2-core,videodev,built-in");
        write("media/videobuf2-core.ko", "videodev");
        write("videodev.ko", "");
        write("cuse.ko", "");
        fs::write(folder.path().join("modules.builtin"), "kernel/lib/built-in.ko\n").unwrap();
        let names: Vec<_> = load(folder.path(), &["vivid", "cuse", "videodev"])
            .unwrap()
            .into_iter()
            .map(|m| m.0)
            .collect();
        assert_eq!(names, ["videodev", "videobuf2_core", "vivid", "cuse"]);
        let missing = load(folder.path(), &["gpio_sim"]).unwrap_err().to_string();
        assert_eq!(missing, "the kernel has no module gpio_sim");
    }
}
