//! Parser for the output of `strace -f -y -xx`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::Result;

/// A system call that has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Id of the process or thread.
    pub(super) process: i64,
    pub(super) name: String,
    /// As strace prints them.
    pub(super) args: Vec<String>,
    /// Its return value; `None` when it failed or never returned.
    pub(super) returned: Option<i64>,
    /// The path of a returned file descriptor, from strace.
    pub(super) opened: Option<PathBuf>,
}

/// A file descriptor with its path, from strace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// `None` for `AT_FDCWD`.
    pub(super) number: Option<i32>,
    pub(super) path: Option<PathBuf>,
}

/// All calls of a trace in the order of their returns.
///
/// # Errors
/// With the line that cannot be parsed.
pub(super) fn calls(trace: &str) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    // A call that is interrupted by another thread's call takes two lines.
    let mut begun: HashMap<&str, String> = HashMap::new();
    for line in trace.lines() {
        let unknown = || format!("a line of strace is not understood: {}", shortened(line));
        let (process, rest) = line.split_once(' ').ok_or_else(unknown)?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(beginning) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(process, beginning.trim_end().to_owned());
            continue;
        }
        let whole = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (_, ending) = resumed.split_once(" resumed>").ok_or_else(unknown)?;
                begun.remove(process).ok_or_else(unknown)? + ending
            }
            None => rest.to_owned(),
        };
        calls.push(call(process, &whole).ok_or_else(unknown)?);
    }
    Ok(calls)
}

fn call(process: &str, line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (args, end) = arguments(rest)?;
    let result = rest[end..].trim_start().strip_prefix('=')?.trim_start();
    let word = result.split_whitespace().next()?;
    let number = word.split('<').next()?;
    let number = match number.strip_prefix("0x") {
        Some(address) => u64::from_str_radix(address, 16).ok().map(u64::cast_signed),
        None => number.parse().ok(),
    };
    Some(Call {
        process: process.parse().ok()?,
        name: name.to_owned(),
        args,
        returned: number.filter(|returned| *returned >= 0 || word.starts_with("0x")),
        opened: annotation(word),
    })
}

/// The arguments up to the closing parenthesis, and its offset.
fn arguments(text: &str) -> Option<(Vec<String>, usize)> {
    let (mut args, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_u32, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            // With -xx a string contains no quotation mark.
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b')' if depth > 0 => depth -= 1,
            b',' | b')' if depth == 0 => {
                let arg = text[start..at].trim();
                if byte == b',' || !arg.is_empty() {
                    args.push(arg.to_owned());
                }
                start = at + 1;
                if byte == b')' {
                    return Some((args, start));
                }
            }
            _ => {}
        }
    }
    None
}

/// The path in `3<path>` or `3<path>(deleted)`.
fn annotation(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    Some(PathBuf::from(String::from_utf8(unescaped(path)?).ok()?))
}

/// A file descriptor or `AT_FDCWD`, with its path.
pub(super) fn descriptor(arg: &str) -> Option<Descriptor> {
    let number = arg.split('<').next()?;
    let number = if number == "AT_FDCWD" { None } else { Some(number.parse().ok()?) };
    Some(Descriptor { number, path: annotation(arg) })
}

/// The path in quotation marks, joined to `base` when it is relative.
pub(super) fn path(arg: &str, base: Option<&Path>) -> Option<PathBuf> {
    let path = PathBuf::from(String::from_utf8(bytes(arg)?).ok()?);
    if path.is_absolute() { Some(path) } else { Some(base?.join(path)) }
}

/// The bytes of a complete string; `None` for one that strace has truncated.
pub(super) fn bytes(arg: &str) -> Option<Vec<u8>> {
    unescaped(arg.strip_prefix('"')?.strip_suffix('"')?)
}

/// The concatenated bytes of `[{iov_base="...", iov_len=3}, ...]`.
pub(super) fn vectors(arg: &str) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for vector in arg.strip_prefix('[')?.strip_suffix(']')?.split("{iov_base=").skip(1) {
        let (base, _) = vector.split_once(", iov_len=")?;
        all.extend(bytes(base)?);
    }
    Some(all)
}

/// Decodes `\x65\x6d`; other characters are taken literally.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'\\' {
            bytes.push(*first);
            rest = behind;
            continue;
        }
        let digits = rest.get(1..4).filter(|digits| digits[0] == b'x')?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(digits[1])? * 16 + digit(digits[2])?).ok()?);
        rest = &rest[4..];
    }
    Some(bytes)
}

/// `text` truncated to 200 characters.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    #[test]
    fn a_call_has_its_descriptors_and_bytes() {
        let trace = format!(
            "12  openat(AT_FDCWD<{}>, \"{}\", O_WRONLY|O_CREAT, 0644) = 3<{}>\n\
             12  write(3<{}>, \"\\x00\\xff\\x2c\", 3) = 3\n\
             12  +++ exited with 0 +++\n",
            hex("/w"),
            hex("a(,"),
            hex("/w/a(,"),
            hex("/w/a(,"),
        );
        let calls = calls(&trace).unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].returned, Some(3));
        assert_eq!(calls[0].opened.as_deref(), Some(Path::new("/w/a(,")));
        let base = descriptor(&calls[0].args[0]).unwrap();
        assert_eq!(base.number, None);
        let opened = path(&calls[0].args[1], base.path.as_deref());
        assert_eq!(opened, Some("/w/a(,".into()));
        assert_eq!(bytes(&calls[1].args[1]), Some(vec![0, 0xff, b',']));
    }

    #[test]
    fn a_call_in_two_lines_is_one() {
        let trace = "7  fsync(4<\\x2f> <unfinished ...>\n8  close(5)     = 0\n7  <... fsync resumed>) = 0\n";
        let names: Vec<_> = calls(trace).unwrap().into_iter().map(|c| (c.name, c.args)).collect();
        assert_eq!(
            names,
            [("close".into(), vec!["5".into()]), ("fsync".into(), vec!["4<\\x2f>".into()])]
        );
    }

    #[test]
    fn failures_addresses_and_unknown_results_are_told_apart() {
        let trace = "1  unlink(\"\\x61\") = -1 ENOENT (No such file or directory)\n\
                     1  mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3<\\x2f>, 0) = 0x7f0000000000\n\
                     1  exit_group(0)  = ?\n";
        let returned: Vec<_> = calls(trace).unwrap().iter().map(|call| call.returned).collect();
        assert_eq!(returned, [None, Some(0x7f00_0000_0000), None]);
    }

    #[test]
    fn several_buffers_are_one_write() {
        let arg = "[{iov_base=\"\\x61\\x62\", iov_len=2}, {iov_base=\"\", iov_len=0}, \
                   {iov_base=\"\\x63\", iov_len=1}]";
        assert_eq!(vectors(arg), Some(b"abc".to_vec()));
    }

    #[test]
    fn a_string_cut_short_and_a_broken_line_are_errors() {
        assert_eq!(bytes("\"\\x61\"..."), None);
        assert_eq!(vectors("[{iov_base=\"\\x61\"..., iov_len=9}]"), None);
        assert!(calls("1  write(3, \"\\x61\", 1\n").is_err());
        assert!(calls("1  <... write resumed>) = 1\n").is_err());
    }
}
