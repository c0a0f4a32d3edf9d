//! Checks that every relative link in a document points to a file, and every anchor to a heading, by GitHub's rules.
//! Pages of the site (`docs/SUMMARY.md`) must link only to pages of the site. Nothing is fetched.
//!
//! It only uses the standard library, so that it can run without building the workspace:
//!
//!     CARGO_MANIFEST_DIR=$PWD/tests rustc --edition 2024 --test tests/tests/links.rs -o target/links && target/links
#![allow(clippy::unwrap_used)] // a test

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Folders without documents of this project.
const SKIPPED: [&str; 3] = [".git", "target", "runs"];

/// An element that the site hides (`docs/site.css`): its links are for readers of the repository.
const ONLY_IN_REPOSITORY: &str = "class=\"only-in-repository\"";

/// A link as written.
#[derive(Debug, PartialEq)]
struct Link {
    line: usize,
    target: String,
    /// Hidden on the site.
    hidden: bool,
}

/// A document, read once.
#[derive(Default)]
struct Page {
    links: Vec<Link>,
    anchors: BTreeSet<String>,
    /// Files that mdBook includes in the page.
    includes: Vec<Link>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut seen = HashMap::new();
        let prose = without_fences(text);
        for line in prose.lines() {
            if let Some(heading) = heading(line) {
                let slug = slug(heading);
                let count = seen.entry(slug.clone()).or_insert(0);
                page.anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                *count += 1;
            }
            for attribute in ["id=\"", "name=\""] {
                let after = line.split(attribute).skip(1);
                page.anchors.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.into())));
            }
        }
        let prose = without_code(&prose);
        for (start, open) in [("](", ')'), ("href=\"", '"'), ("src=\"", '"'), ("{{#include ", '}')]
        {
            for (at, _) in prose.match_indices(start) {
                let rest = &prose[at + start.len()..];
                let Some(target) = rest.find(open).map(|end| &rest[..end]) else { continue };
                let line_start = prose[..at].rfind('\n').map_or(0, |end| end + 1);
                let line_end = prose[at..].find('\n').map_or(prose.len(), |end| at + end);
                let link = Link {
                    line: prose[..at].matches('\n').count() + 1,
                    // The text after a space is a title.
                    target: target.split_whitespace().next().unwrap_or("").to_owned(),
                    hidden: prose[line_start..line_end].contains(ONLY_IN_REPOSITORY),
                };
                if open == '}' {
                    page.includes.push(link);
                } else {
                    page.links.push(link);
                }
            }
        }
        for (number, line) in prose.lines().enumerate() {
            // [name]: target
            let Some(definition) = line.strip_prefix('[') else { continue };
            let Some((_, target)) = definition.split_once("]: ") else { continue };
            let target = target.split_whitespace().next().unwrap_or("").to_owned();
            page.links.push(Link { line: number + 1, target, hidden: false });
        }
        page.links.sort_by_key(|link| link.line);
        page
    }
}

/// Replaces fenced blocks and comments by empty lines.
fn without_fences(text: &str) -> String {
    let (mut fence, mut comment) = (None, false);
    let mut prose = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim_start();
        let mark: String = trimmed.chars().take_while(|&c| c == '`' || c == '~').collect();
        let mut kept = line;
        if let Some(open) = &fence {
            if mark.starts_with(open) && trimmed.trim_end() == mark {
                fence = None;
            }
            kept = "";
        } else if comment {
            comment = !line.contains("-->");
            kept = "";
        } else if mark.len() >= 3 {
            fence = Some(mark);
            kept = "";
        } else if trimmed.starts_with("<!--") {
            comment = !line.contains("-->");
            kept = "";
        }
        prose.push_str(kept);
        prose.push('\n');
    }
    prose
}

/// Replaces code spans by spaces; an opening mark without a closing one in its paragraph is kept.
fn without_code(prose: &str) -> String {
    let mut out = String::with_capacity(prose.len());
    let mut rest = prose;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = rest.chars().take_while(|&c| c == '`').count();
        let inside = &rest[length..];
        let paragraph = &inside[..inside.find("\n\n").unwrap_or(inside.len())];
        let end = paragraph.match_indices(&rest[..length]).map(|(end, _)| end).find(|&end| {
            !paragraph[..end].ends_with('`') && !paragraph[end + length..].starts_with('`')
        });
        let Some(end) = end else {
            out.push_str(&rest[..length]);
            rest = inside;
            continue;
        };
        out.extend(inside[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &inside[end + length..];
    }
    out + rest
}

/// The text of a heading, if the line is one.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' '))
        .then(|| text.trim().trim_end_matches('#').trim_end())
}

/// GitHub's anchor of a heading: its visible text in lower case, with hyphens instead of spaces and without
/// punctuation.
fn slug(heading: &str) -> String {
    let mut shown = String::new();
    let mut rest = heading;
    // A link shows only its text.
    while let Some((before, after)) = rest.split_once("](") {
        shown.push_str(before);
        rest = after.split_once(')').map_or("", |(_, behind)| behind);
    }
    shown.push_str(rest);
    let kept = |c: char| match c {
        ' ' => Some('-'),
        _ => (c.is_alphanumeric() || c == '-' || c == '_').then_some(c),
    };
    shown.to_lowercase().chars().filter_map(kept).collect()
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "md")
}

/// The target of a relative link: path from the root, and anchor. `None` for an external URL.
fn resolve(from: &Path, target: &str) -> Result<Option<(PathBuf, String)>, String> {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    if !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return Ok(None);
    }
    if target.is_empty() || target.starts_with('/') {
        return Err("is not relative to its document".to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() {
        return Ok(Some((from.to_owned(), anchor.to_owned())));
    }
    let mut whole = from.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(&path.replace("%20", " ")).components() {
        match part {
            Component::ParentDir if !whole.pop() => return Err("leaves the repository".to_owned()),
            Component::Normal(name) => whole.push(name),
            _ => {}
        }
    }
    Ok(Some((whole, anchor.to_owned())))
}

/// All files of the repository, by their paths from its root, and the documents among them.
#[derive(Default)]
struct Documents {
    /// Folders, too.
    files: BTreeSet<PathBuf>,
    pages: BTreeMap<PathBuf, Page>,
}

impl Documents {
    fn read(root: &Path) -> Self {
        let mut documents = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = folder.join(entry.file_name());
                let kind = entry.file_type().unwrap();
                if SKIPPED.iter().any(|&name| entry.file_name() == name) {
                    continue;
                } else if kind.is_dir() {
                    folders.push(path.clone());
                } else if kind.is_file() && is_document(&path) {
                    let text = fs::read_to_string(entry.path()).unwrap();
                    documents.pages.insert(path.clone(), Page::read(&text));
                }
                documents.files.insert(path);
            }
            documents.files.insert(folder);
        }
        documents
    }

    /// Messages about broken links.
    fn broken(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (path, page) in &self.pages {
            for link in page.links.iter().chain(&page.includes) {
                if let Err(why) = self.check(path, &link.target) {
                    faults.push(format!("{}:{}: {} {why}", path.display(), link.line, link.target));
                }
            }
        }
        faults
    }

    fn check(&self, from: &Path, target: &str) -> Result<(), String> {
        let Some((path, anchor)) = resolve(from, target)? else { return Ok(()) };
        if !self.files.contains(&path) {
            return Err(format!("leads to {}, which does not exist", path.display()));
        }
        if anchor.is_empty() {
            return Ok(());
        }
        let Some(page) = self.pages.get(&path) else {
            return Err("has an anchor into a file that is not a document".to_owned());
        };
        if page.anchors.contains(&anchor) {
            return Ok(());
        }
        let all: Vec<_> = page.anchors.iter().map(String::as_str).collect();
        Err(format!("leads to no heading of {}, which has: {}", path.display(), all.join(", ")))
    }

    /// Messages about links that would be broken on the site that mdBook builds from `docs/`.
    fn broken_on_site(&self) -> Vec<String> {
        let summary = Path::new("docs/SUMMARY.md");
        let contents = &self.pages[summary].links;
        let listed: BTreeSet<_> = contents
            .iter()
            .filter_map(|link| resolve(summary, &link.target).ok().flatten())
            .map(|(path, _)| path)
            .collect();
        let mut faults = Vec::new();
        for path in self.pages.keys() {
            if path.starts_with("docs") && path != summary && !listed.contains(path) {
                faults.push(format!("{}: is not listed in docs/SUMMARY.md", path.display()));
            }
        }
        for path in &listed {
            let Some(page) = self.pages.get(path) else { continue };
            let mut links: Vec<_> = page.links.iter().map(|link| (path, link)).collect();
            for include in &page.includes {
                // Included text is shown in the page, so its links are relative to the page.
                let Ok(Some((file, _))) = resolve(path, &include.target) else { continue };
                if let Some((file, part)) = self.pages.get_key_value(&file) {
                    links.extend(part.links.iter().map(|link| (file, link)));
                }
            }
            for (file, link) in links {
                let Ok(Some((to, _))) = resolve(path, &link.target) else { continue };
                let there =
                    if is_document(&to) { listed.contains(&to) } else { to.starts_with("docs") };
                if !there && !link.hidden {
                    faults.push(format!(
                        "{}:{}: {} leads out of the site; name the file as `{}`, without a link",
                        file.display(),
                        link.line,
                        link.target,
                        to.display()
                    ));
                }
            }
        }
        faults
    }
}

fn repository() -> Documents {
    Documents::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
}

#[test]
fn links_lead_to_files_and_headings() {
    let documents = repository();
    assert!(documents.pages.contains_key(Path::new("README.md")), "not the repository's root");
    let faults = documents.broken();
    assert!(faults.is_empty(), "{} broken links:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_site_has_every_page_and_its_links_stay_inside() {
    let faults = repository().broken_on_site();
    assert!(faults.is_empty(), "{} faults of the site:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn anchors_are_those_of_github() {
    for (heading, expected) in [
        ("1. Wire it", "1-wire-it"),
        ("`emocue eval --json`", "emocue-eval---json"),
        ("A camera's view", "a-cameras-view"),
        ("[Bundles](a.md) and keys", "bundles-and-keys"),
        ("Größe in px_2", "größe-in-px_2"),
    ] {
        assert_eq!(slug(heading), expected);
    }
    let page =
        Page::read("# A\n## A\n```sh\n# no heading\n```\n#hash\n<a id=\"b\"></a>\n### A ##\n");
    assert_eq!(Vec::from_iter(&page.anchors), ["a", "a-1", "a-2", "b"]);
}

#[test]
fn links_are_found_outside_code() {
    let text = "[one](a.md) `[no](b.md)` ``[no`](c.md)``\n[`two`\n](d.md#x \"title\") ![](e.png)\n\
        ```\n[no](f.md)\n```\n<!-- [no](g.md) -->\n<a href=\"h.md\">\n[i]: j.md\n{{#include k.md}}\n";
    let page = Page::read(text);
    let found: Vec<_> = page.links.iter().map(|link| (link.line, &*link.target)).collect();
    assert_eq!(found, [(1, "a.md"), (3, "d.md#x"), (3, "e.png"), (8, "h.md"), (9, "j.md")]);
    assert_eq!(page.includes, [Link { line: 10, target: "k.md".to_owned(), hidden: false }]);
}

#[test]
fn broken_links_are_named_with_their_place() {
    let hidden = format!("<p {ONLY_IN_REPOSITORY}><a href=\"../CARD.md\">card</a></p>");
    let mut documents = Documents::default();
    for (path, text) in [
        ("CARD.md", "# Card\n[a](docs/a.md)\n"),
        ("docs/SUMMARY.md", "[a](a.md)\n[b](b.md)\n"),
        (
            "docs/a.md",
            "# A\n[1](b.md#b) [2](#c)\n[3](no.md)\n[4](../../x)\n[5](/x)\n[6](https://a.b/c)\n",
        ),
        ("docs/b.md", &format!("# B\n{{{{#include ../CARD.md}}}}\n[a](../CARD.md)\n{hidden}\n")),
        ("docs/c.md", "# C\n"),
    ] {
        documents.files.insert(path.into());
        documents.pages.insert(path.into(), Page::read(text));
    }
    let places = |faults: Vec<String>| -> Vec<String> {
        faults
            .iter()
            .map(|fault| fault.split_inclusive([' ']).take(2).collect::<String>().trim().to_owned())
            .collect()
    };
    assert_eq!(
        places(documents.broken()),
        ["docs/a.md:2: #c", "docs/a.md:3: no.md", "docs/a.md:4: ../../x", "docs/a.md:5: /x"]
    );
    assert_eq!(
        places(documents.broken_on_site()),
        ["docs/c.md: is", "docs/a.md:3: no.md", "docs/b.md:3: ../CARD.md", "CARD.md:2: docs/a.md"]
    );
}
