//! Recognises the root of a Linux system: one rule for cards, images and badges over SSH.

/// Folders that every root has.
pub const FOLDERS: [&str; 2] = ["/etc", "/usr"];

/// Init programs and shells, of which every root has at least one.
pub const PROGRAMS: [&str; 6] = [
    "/bin/sh",
    "/usr/bin/sh",
    "/sbin/init",
    "/usr/sbin/init",
    "/lib/systemd/systemd",
    "/usr/lib/systemd/systemd",
];

/// Why a file system is not the root of a Linux system; `None` for one that is.
///
/// # Errors
/// Those of `is_folder` and `exists`.
pub fn missing<E>(
    mut is_folder: impl FnMut(&str) -> Result<bool, E>,
    mut exists: impl FnMut(&str) -> Result<bool, E>,
) -> Result<Option<String>, E> {
    for folder in FOLDERS {
        if !is_folder(folder)? {
            return Ok(Some(format!("{} is missing", folder.trim_start_matches('/'))));
        }
    }
    for program in PROGRAMS {
        if exists(program)? {
            return Ok(None);
        }
    }
    Ok(Some("it has neither an init nor a shell".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folders: &[&str], programs: &[&str]) -> Option<String> {
        let is_folder = |path: &str| Ok::<_, std::convert::Infallible>(folders.contains(&path));
        missing(is_folder, |path| Ok(programs.contains(&path))).unwrap()
    }

    #[test]
    fn a_root_has_etc_usr_and_an_init_or_a_shell() {
        for program in PROGRAMS {
            assert_eq!(of(&FOLDERS, &[program]), None);
        }
        for (folders, programs, reason) in [
            (&["/usr"][..], &["/bin/sh"][..], "etc is missing"),
            (&["/etc"], &["/bin/sh"], "usr is missing"),
            (&FOLDERS, &["/bin/cat"], "it has neither an init nor a shell"),
        ] {
            assert_eq!(of(folders, programs).as_deref(), Some(reason));
        }
    }
}
