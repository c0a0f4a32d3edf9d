//! A kernel and a shell for the virtual machine, from the distribution's package servers, stored in the user's cache.
//!
//! apt uses separate folders here, so that neither root nor a foreign architecture on this system is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::cargo::{cache, check, output};

/// A kernel package, unpacked.
pub(crate) struct Kernel {
    /// Path of the kernel image.
    pub(crate) image: PathBuf,
    /// The folder of its modules.
    pub(crate) modules: PathBuf,
    /// The folder of device trees.
    pub(crate) device_trees: PathBuf,
    /// The release, as in the output of `uname -r`.
    pub(crate) release: String,
}

/// The newest downloaded kernel, or else the newest of the configured package sources.
pub(crate) fn kernel() -> Result<Kernel> {
    let cache = cache()?;
    let here: Vec<_> =
        fs::read_dir(&cache)?.flatten().filter_map(|f| f.file_name().into_string().ok()).collect();
    let name = match newest(here.iter().map(String::as_str)) {
        Some(name) => name.to_owned(),
        None => {
            let apt = Apt::update(&cache)?;
            let names = output(apt.command("apt-cache").args(["pkgnames", "linux-image-"]))?;
            newest(names.lines())
                .ok_or("the configured package sources have no Linux kernel for arm64")?
                .to_owned()
        }
    };
    let root = unpacked(&cache, &name)?;
    let release = name.trim_start_matches("linux-image-").to_owned();
    // Debian moved modules below /usr after version 12.
    let modules = ["lib/modules", "usr/lib/modules"].map(|folder| root.join(folder).join(&release));
    Ok(Kernel {
        image: root.join(format!("boot/vmlinuz-{release}")),
        modules: modules
            .into_iter()
            .find(|folder| folder.is_dir())
            .ok_or("a kernel without modules")?,
        device_trees: root.join("usr/lib").join(&name),
        release,
    })
}

/// Path of a static busybox for the virtual machine.
pub(crate) fn busybox() -> Result<PathBuf> {
    let root = unpacked(&cache()?, "busybox-static")?;
    let paths = ["bin/busybox", "usr/bin/busybox"].map(|path| root.join(path));
    Ok(paths.into_iter().find(|path| path.exists()).ok_or("busybox-static without busybox")?)
}

/// Downloads packages and their dependencies into `folder`, as if nothing were installed. Names may be apt patterns.
pub(crate) fn download(names: &[&str], folder: &Path) -> Result<()> {
    let apt = Apt::update(&cache()?)?;
    let archives = folder.join("archives");
    fs::create_dir_all(archives.join("partial"))?;
    let mut get = apt.command("apt-get");
    get.args(["-qq", "--yes", "--no-install-recommends", "--download-only"]);
    get.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
    output(get.arg("install").args(names))?;
    for file in fs::read_dir(&archives)?.flatten() {
        if file.path().extension().is_some_and(|extension| extension == "deb") {
            fs::rename(file.path(), folder.join(file.file_name()))?;
        }
    }
    Ok(fs::remove_dir_all(&archives)?)
}

/// The newest generic Debian kernel among package names.
fn newest<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.filter_map(|name| Some((version(name)?, name))).max().map(|(_, name)| name)
}

/// `linux-image-6.12.117+deb12-arm64` as numbers; `None` for metapackages and for variants, whose names have a further
/// suffix.
fn version(name: &str) -> Option<Vec<u64>> {
    let version = name.strip_prefix("linux-image-")?.strip_suffix("-arm64")?;
    if version.split(['-', '+', '.']).count() < 3
        || !version.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let variant = version.rsplit('-').next()?;
    if ["cloud", "rt"].contains(&variant) {
        return None;
    }
    let numbers = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map(|number| number.parse().ok()).collect()
}

/// The folder of a package's unpacked files, downloaded if it is missing.
fn unpacked(cache: &Path, package: &str) -> Result<PathBuf> {
    let root = cache.join(package);
    if root.is_dir() {
        return Ok(root);
    }
    let apt = Apt::update(cache)?;
    let folder = tempfile::tempdir_in(cache)?;
    println!("downloading {package} into {}", cache.display());
    check(apt.command("apt-get").args(["-qq", "download", package]).current_dir(&folder))?;
    let file = fs::read_dir(&folder)?.flatten().next().ok_or("apt-get downloaded nothing")?;
    let contents = folder.path().join("contents");
    check(Command::new("dpkg-deb").arg("-x").args([file.path(), contents.clone()]))?;
    // Moved when complete.
    fs::rename(contents, &root)?;
    Ok(root)
}

/// apt for arm64 with its state in the cache.
struct Apt {
    configuration: PathBuf,
}

impl Apt {
    /// Downloads the package lists of the configured sources.
    fn update(cache: &Path) -> Result<Self> {
        let folder = cache.join("apt");
        for part in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let apt = Self { configuration: folder.join("apt.conf") };
        fs::write(&apt.configuration, configuration(&folder))?;
        check(apt.command("apt-get").args(["-qq", "update"])).map_err(|error| {
            format!("{error}; the virtual badge takes its kernel from Debian's package sources")
        })?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.configuration);
        command
    }
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State \"{folder}\";\n\
         Dir::State::lists \"{folder}/lists\";\n\
         Dir::State::status \"/dev/null\";\n\
         Dir::Cache \"{folder}\";\n\
         APT::Architecture \"arm64\";\n\
         APT::Architectures {{ \"arm64\"; }};\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_is_the_one_with_the_highest_numbers() {
        let names = [
            "linux-image-6.1.0-50-arm64",
            "linux-image-6.12.99+deb12-arm64",
            "linux-image-6.12.117+deb12-arm64",
            "linux-image-6.12.118+deb12-cloud-arm64",
            "linux-image-6.12.118+deb12-rt-arm64",
            "linux-image-6.12.118+deb12-arm64-unsigned",
            "linux-image-6.13-arm64",
            "linux-image-arm64",
            "apt",
        ];
        assert_eq!(newest(names.into_iter()), Some("linux-image-6.12.117+deb12-arm64"));
        assert_eq!(newest(["linux-image-arm64"].into_iter()), None);
    }
}
