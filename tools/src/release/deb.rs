//! A Debian package of the badge: the files of `emocue-package`, the manual, licences, and the scripts of
//! `device/package/debian/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emocue_package::{Content, FILES, FIRST_CONFIG, PROGRAM, Places};

use super::build;
use super::platform::Facts;
use super::source::Sources;
use super::tree::{Tree, files_below};
use crate::Result;
use crate::cargo::{check, output, root};
use crate::cross::elf;

const CONTROL: &str = include_str!("../../../device/package/debian/control");
const COPYRIGHT: &str = include_str!("../../../device/package/debian/copyright");
const OVERRIDES: &str = include_str!("../../../device/package/debian/lintian-overrides");
const SCRIPTS: [(&str, &str); 4] = [
    ("preinst", include_str!("../../../device/package/debian/preinst")),
    ("postinst", include_str!("../../../device/package/debian/postinst")),
    ("prerm", include_str!("../../../device/package/debian/prerm")),
    ("postrm", include_str!("../../../device/package/debian/postrm")),
];

/// The package's name.
pub(crate) const NAME: &str = "emocue-badge";

/// Folder of the package's licence and documents.
const DOCUMENTS: &str = "/usr/share/doc/emocue-badge";

/// The package of each library that the program may need; `None` for those of the C library.
const LIBRARIES: [(&str, Option<&str>); 7] = [
    ("libc.so.", None),
    ("libm.so.", None),
    // Separate libraries before glibc 2.34.
    ("libdl.so.", None),
    ("libpthread.so.", None),
    ("ld-linux", None),
    ("libgcc_s.so.1", Some("libgcc-s1")),
    ("libstdc++.so.6", Some("libstdc++6")),
];

/// The variable parts of a package.
pub(crate) struct Parts<'a> {
    /// The platform.
    pub(crate) facts: &'a Facts,
    /// The folder with the programs.
    pub(crate) programs: &'a Path,
    /// The manual's folder, which corresponds to `/usr/share`.
    pub(crate) manual: &'a Path,
    /// The licences of all included crates.
    pub(crate) licences: &'a str,
    /// The sources.
    pub(crate) sources: &'a Sources,
}

/// The Debian version.
pub(crate) fn version(version: &str) -> String {
    format!("{version}-1")
}

/// Makes the package with this Debian version in `folder`, with a temporary folder there, and returns its path.
pub(crate) fn make(parts: &Parts<'_>, version: &str, folder: &Path) -> Result<PathBuf> {
    let staging = tempfile::Builder::new().prefix(".package-").tempdir_in(folder)?;
    let tree = Tree::new(staging.path().join(NAME))?;
    fill(parts, &tree, version)?;
    let depends = depends(parts.facts, &tree.root().join(PROGRAM.package.trim_start_matches('/')))?;
    describe(parts, &tree, version, &depends)?;
    let package = folder.join(format!("{NAME}_{version}_{}.deb", parts.facts.debian));
    let mut build = Command::new("dpkg-deb");
    build.env("SOURCE_DATE_EPOCH", parts.sources.time.to_string());
    // One thread: the number of xz threads affects the bytes.
    build.args(["--root-owner-group", "--threads-max=1", "-Zxz", "--build"]);
    output(build.arg(tree.root()).arg(&package))?;
    Ok(package)
}

/// Puts every file into its place.
fn fill(parts: &Parts<'_>, tree: &Tree, version: &str) -> Result<()> {
    for file in FILES {
        let Some(path) = file.package else { continue };
        match file.content {
            Content::Program => {
                let place = tree.place(path)?;
                build::strip(parts.facts, &parts.programs.join(parts.facts.badge().name), &place)?;
                tree.set_mode(&place, file.mode)?;
            }
            Content::Config => tree.put(path, FIRST_CONFIG.as_bytes(), file.mode)?,
            Content::Text(text) => {
                tree.put(path, Places::as_packaged(text).as_bytes(), file.mode)?
            }
            Content::Source(source) => tree.put(path, &read(source)?, file.mode)?,
        }
    }
    for page in files_below(parts.manual)? {
        let below = page.strip_prefix(parts.manual)?.display();
        let (path, bytes) = (format!("/usr/share/{below}"), fs::read(&page)?);
        match path.contains("/man/") {
            true => tree.put_compressed(&path, &bytes)?,
            false => tree.put(&path, &bytes, 0o644)?,
        }
    }
    let mit = read("LICENSE-MIT")?;
    let copyright = COPYRIGHT.replace("@MIT@", &indented(&String::from_utf8(mit)?));
    tree.put(&format!("{DOCUMENTS}/copyright"), copyright.as_bytes(), 0o644)?;
    tree.put_compressed(&format!("{DOCUMENTS}/third-party-licences"), parts.licences.as_bytes())?;
    tree.put_compressed(&format!("{DOCUMENTS}/changelog"), &read("CHANGELOG.md")?)?;
    let changes = format!(
        "{NAME} ({version}) stable; urgency=medium\n\n  * See changelog.gz.\n\n \
         -- The Emocue developers <developers@emocue.invalid>  {}\n",
        parts.sources.date("+%a, %d %b %Y %H:%M:%S +0000")?
    );
    tree.put_compressed(&format!("{DOCUMENTS}/changelog.Debian"), changes.as_bytes())?;
    tree.put(&format!("/usr/share/lintian/overrides/{NAME}"), OVERRIDES.as_bytes(), 0o644)
}

fn read(source: &str) -> Result<Vec<u8>> {
    Ok(fs::read(root().join(source)).map_err(|e| format!("{source}: {e}"))?)
}

/// Indents a text for a Debian copyright file.
fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { " .".to_owned() } else { format!(" {line}") };
    text.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Writes the package's control files.
fn describe(parts: &Parts<'_>, tree: &Tree, version: &str, depends: &str) -> Result<()> {
    let files = tree.files()?;
    let kilobytes: u64 = files
        .iter()
        .map(|file| fs::metadata(tree.root().join(file)).map(|file| file.len().div_ceil(1024)))
        .sum::<std::io::Result<_>>()?;
    let control = CONTROL
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", parts.facts.debian)
        .replace("@SIZE@", &kilobytes.to_string())
        .replace("@LIBRARIES@", depends);
    let sums = output(Command::new("md5sum").current_dir(tree.root()).args(&files))?;
    tree.put("DEBIAN/control", control.as_bytes(), 0o644)?;
    tree.put("DEBIAN/md5sums", sums.as_bytes(), 0o644)?;
    SCRIPTS.iter().try_for_each(|(name, script)| {
        let script = script.replace("@SIZE@", &kilobytes.to_string());
        tree.put(&format!("DEBIAN/{name}"), script.as_bytes(), 0o755)
    })
}

/// The packages of the libraries that a program is linked to.
fn depends(facts: &Facts, program: &Path) -> Result<String> {
    let read = |what: &str| output(facts.tool("readelf").args([what, "--wide"]).arg(program));
    let glibc = elf::glibc(&read("--version-info")?).ok_or("a program without the C library")?;
    let mut packages = vec![format!("libc6 (>= {glibc})")];
    for library in elf::libraries(&read("--dynamic")?) {
        let known = LIBRARIES.iter().find(|(name, _)| library.starts_with(name));
        let (_, package) = known.ok_or_else(|| format!("{library}: of which package?"))?;
        packages.extend(package.map(str::to_owned));
    }
    Ok(packages.join(", "))
}

/// Checks a package with lintian; its errors fail the release.
pub(crate) fn lint(package: &Path) -> Result<()> {
    check(
        Command::new("lintian")
            .args(["--fail-on", "error,warning", "--tag-display-limit", "0"])
            .arg(package),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_indented_as_debian_reads_it() {
        assert_eq!(indented("MIT\n\nWords\n"), " MIT\n .\n Words");
    }

    #[test]
    fn scripts_are_accepted_by_the_shell() {
        for (name, script) in SCRIPTS {
            let checked = Command::new("sh").args(["-n", "-c", script]).status().unwrap();
            assert!(checked.success(), "{name}");
        }
    }
}
