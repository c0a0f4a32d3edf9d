//! Separates a script's output from what a login shell prints before and after it.

/// The line before a script's own output.
pub(super) const BEGIN: &str = "emocue answer";
/// The marker after it, at the end of a line.
pub(super) const END: &str = "emocue end";

/// A script whose output is enclosed in two markers, since a login shell may print before and after it. The remote
/// shell assembles the markers, so that a shell that echoes its input does not print them.
pub(super) fn framed(script: &str) -> String {
    let mark = |marker: &str| marker.replacen(' ', "\"\" ", 1);
    format!(
        "printf '\\n%s\\n' \"{}\"\n(\n{script}\n)\nemocue_code=$?\nprintf '%s\\n' \"{}\"\nexit $emocue_code",
        mark(BEGIN),
        mark(END)
    )
}

/// The output of a framed script; `None` without the first marker. Truncated output has no second marker.
pub(super) fn answer(printed: &str) -> Option<&str> {
    let begin = format!("\n{BEGIN}\n");
    let (_, answer) = printed.split_once(&begin)?;
    Some(answer.rsplit_once(&format!("{END}\n")).map_or(answer, |(answer, _)| answer))
}

/// The values of `key` in lines of `key=value`.
pub(super) fn values<'a>(output: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    output.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn shell(script: &str) -> String {
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn only_the_script_s_own_output_is_its_answer() {
        for (script, own) in [
            ("echo 'a=1'", "a=1\n"),
            ("printf x", "x"),
            ("true", ""),
            ("set -e\necho before\nfalse\necho behind", "before\n"),
        ] {
            let framed = framed(script);
            let noise = "\u{1b}]4;0;rgb:28/28/28\u{1b}\\";
            for before in ["", "sha256=0\n", noise, &*framed] {
                let printed = format!("{before}{}sha256=1\n", shell(&framed));
                assert_eq!(answer(&printed), Some(own), "{printed:?}");
            }
        }
        assert_eq!(answer("This account is currently not available.\n"), None);
        assert_eq!(answer(&format!("\n{BEGIN}\ncut o")), Some("cut o"));
    }

    #[cfg(unix)]
    #[test]
    fn a_framed_script_ends_as_the_script_does() {
        for code in [0, 1, 7] {
            let status = Command::new("sh").arg("-c").arg(framed(&format!("exit {code}"))).status();
            assert_eq!(status.unwrap().code(), Some(code));
        }
    }
}
