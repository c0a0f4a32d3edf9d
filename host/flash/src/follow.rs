//! Resolves symbolic links of a system other than the running one.

/// Most links in a path, as in Linux.
const MOST: usize = 40;

/// `path` with every symbolic link resolved as in that system, whose root is `/`; `link` returns the target of a link.
/// A path that does not exist is not a link. `None` when the links form a cycle.
pub(super) fn follow<E>(
    path: &str,
    mut link: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let mut left: Vec<String> = parts(path);
    let mut done: Vec<String> = Vec::new();
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            done.pop();
            continue;
        }
        done.push(part);
        let here = format!("/{}", done.join("/"));
        if let Some(target) = link(&here)? {
            links += 1;
            if links > MOST {
                return Ok(None);
            }
            match target.starts_with('/') {
                true => done.clear(),
                false => drop(done.pop()),
            }
            left.extend(parts(&target));
        }
    }
    Ok(Some(format!("/{}", done.join("/"))))
}

/// The components of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.rev().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(path: &str) -> Option<String> {
        let links = [
            ("/bin", "usr/bin"),
            ("/usr/bin/sh", "dash"),
            ("/data", "/srv/./data"),
            ("/up", "../../../etc"),
            ("/a", "b"),
            ("/b", "/a"),
        ];
        let link = |path: &str| {
            let found = links.iter().find(|(from, _)| *from == path);
            Ok::<_, std::convert::Infallible>(found.map(|(_, to)| (*to).to_owned()))
        };
        follow(path, link).unwrap()
    }

    #[test]
    fn links_stay_inside_their_root() {
        assert_eq!(followed("/bin/sh").unwrap(), "/usr/bin/dash");
        assert_eq!(followed("/data/x").unwrap(), "/srv/data/x");
        assert_eq!(followed("/up/passwd").unwrap(), "/etc/passwd");
        assert_eq!(followed("/usr//local/./bin").unwrap(), "/usr/local/bin");
        assert_eq!(followed("/").unwrap(), "/");
        assert_eq!(followed("/a/x"), None);
    }
}
