//! Three connections to the virtual machine: QEMU's monitor, its pins, and a shell in the guest.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;

/// Time limit for an answer from QEMU.
const ANSWER: Duration = Duration::from_secs(20);

/// Polling interval.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// Polls until there is a value, or `timeout` is over.
pub(crate) fn wait<T>(
    timeout: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > timeout {
            return Err(format!("{what}: not within {} s", timeout.as_secs()).into());
        }
        std::thread::sleep(LOOK);
    }
}

/// A line-based connection to a socket of QEMU.
struct Line {
    reader: BufReader<UnixStream>,
    /// Bytes of an incomplete line.
    begun: Vec<u8>,
}

impl Line {
    /// Connects when QEMU listens.
    fn connect(socket: &Path) -> Result<Self> {
        let stream = wait(ANSWER, "QEMU listens", || match UnixStream::connect(socket) {
            Ok(stream) => Ok(Some(stream)),
            Err(e) if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&e.kind()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        })?;
        Ok(Self { reader: BufReader::new(stream), begun: Vec::new() })
    }

    fn send(&mut self, line: &str) -> Result<()> {
        let mut stream = self.reader.get_ref();
        Ok(stream.write_all(format!("{line}\n").as_bytes())?)
    }

    /// The next line, without its end.
    fn receive(&mut self, timeout: Duration) -> Result<String> {
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("no answer within {} s", timeout.as_secs()).into());
            }
            self.reader.get_ref().set_read_timeout(Some(left))?;
            match self.reader.read_until(b'\n', &mut self.begun) {
                Ok(_) if self.begun.ends_with(b"\n") => {
                    let line = String::from_utf8_lossy(&self.begun).trim_end().to_owned();
                    self.begun.clear();
                    return Ok(line);
                }
                Ok(_) => return Err("QEMU has gone".into()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// QEMU's monitor (QMP).
pub(crate) struct Monitor(Line);

impl Monitor {
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let mut monitor = Self(Line::connect(socket)?);
        monitor.0.receive(ANSWER)?;
        monitor.execute("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// Runs a command and returns its answer.
    pub(crate) fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        self.0.send(&json!({ "execute": command, "arguments": arguments }).to_string())?;
        loop {
            let answer = serde_json::from_str(&self.0.receive(ANSWER)?)?;
            if let Some(answer) = outcome(answer) {
                return answer.map_err(|error| format!("{command}: {error}").into());
            }
        }
    }

    /// Path of QEMU's pseudoterminal for a character device.
    pub(crate) fn pty(&mut self, label: &str) -> Result<String> {
        let devices = self.execute("query-chardev", &json!({}))?;
        let mut devices = devices.as_array().into_iter().flatten();
        let device = devices.find(|device| device["label"] == label);
        let path = device.and_then(|it| it["filename"].as_str()?.strip_prefix("pty:"));
        Ok(path.ok_or_else(|| format!("the machine has no terminal {label}"))?.to_owned())
    }

    /// The name of the only device of a kind.
    pub(crate) fn find(&mut self, kind: &str) -> Result<String> {
        const FOLDER: &str = "/machine/unattached";
        let devices = self.execute("qom-list", &json!({ "path": FOLDER }))?;
        let kind_of_child = format!("child<{kind}>");
        let mut devices = devices.as_array().into_iter().flatten();
        let device = devices.find(|device| device["type"] == kind_of_child.as_str());
        let name = device.and_then(|device| device["name"].as_str());
        Ok(format!("{FOLDER}/{}", name.ok_or_else(|| format!("the machine has no {kind}"))?))
    }
}

/// The result of a command in a QMP message; `None` for an event.
fn outcome(mut message: Value) -> Option<std::result::Result<Value, String>> {
    if let Some(error) = message.get("error") {
        return Some(Err(error["desc"].as_str().unwrap_or("refused").to_owned()));
    }
    message.get_mut("return").map(|value| Ok(value.take()))
}

/// The machine's pins, through QEMU's qtest protocol: a level remains until it is changed.
pub(crate) struct Wires(Line);

impl Wires {
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        Ok(Self(Line::connect(socket)?))
    }

    /// Sets the level of an input of `device`.
    pub(crate) fn set(&mut self, device: &str, line: u32, high: bool) -> Result<()> {
        self.ask(&format!("set_irq_in {device} unnamed-gpio-in {line} {}", u8::from(high)))?;
        Ok(())
    }

    /// Reads a 32-bit register of a device.
    pub(crate) fn read(&mut self, address: u64) -> Result<u64> {
        let answer = self.ask(&format!("readl {address:#x}"))?;
        let digits = answer.trim_start_matches("0x");
        Ok(u64::from_str_radix(digits, 16).map_err(|_| format!("a register reads {answer:?}"))?)
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        self.0.send(question)?;
        let answer = self.0.receive(ANSWER)?;
        let answer = answer.strip_prefix("OK").ok_or_else(|| format!("{question}: {answer}"))?;
        Ok(answer.trim().to_owned())
    }
}

/// A shell inside the machine.
pub(crate) struct Shell {
    line: Line,
    /// Number of commands so far.
    count: u32,
}

impl Shell {
    /// Connects, possibly while the machine is still starting.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        Ok(Self { line: Line::connect(socket)?, count: 0 })
    }

    /// Waits until the machine has started.
    pub(crate) fn ready(&mut self, timeout: Duration) -> Result<()> {
        // A serial console may have other output before.
        while !self.line.receive(timeout)?.ends_with("shell is ready") {}
        Ok(())
    }

    /// Runs a command and returns its output and its exit code.
    pub(crate) fn run(&mut self, command: &str, timeout: Duration) -> Result<(String, i32)> {
        self.count += 1;
        let mark = format!("#{} ", self.count);
        self.line.send(&format!("{{ {command}\n}} </dev/null\necho \"\n{mark}$?\""))?;
        let mut printed = String::new();
        loop {
            let line = self.line.receive(timeout);
            let line = line.map_err(|error| format!("{command}: {error}\n{printed}"))?;
            if let Some(code) = line.strip_prefix(&mark) {
                let code = code.parse().map_err(|_| format!("{command}: ended with {code:?}"))?;
                return Ok((printed.trim_end().to_owned(), code));
            }
            printed += &line;
            printed.push('\n');
        }
    }

    /// Runs a command that must succeed.
    pub(crate) fn check(&mut self, command: &str, timeout: Duration) -> Result<String> {
        match self.run(command, timeout)? {
            (printed, 0) => Ok(printed),
            (printed, code) => Err(format!("`{command}` ended with {code}\n{printed}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// Replies to each received line with the next of `answers`, and returns the lines.
    fn other_side(
        folder: &Path,
        greeting: &'static str,
        answers: &'static [&'static str],
    ) -> (std::path::PathBuf, thread::JoinHandle<Vec<String>>) {
        let socket = folder.join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let side = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let (mut lines, mut writer) =
                (BufReader::new(stream.try_clone().unwrap()).lines(), stream);
            writer.write_all(greeting.as_bytes()).unwrap();
            let answer = |answer: &&str| {
                let line = lines.next().unwrap().unwrap();
                writer.write_all(answer.as_bytes()).unwrap();
                line
            };
            answers.iter().map(answer).collect()
        });
        (socket, side)
    }

    #[test]
    fn events_and_split_lines_do_not_confuse_the_monitor() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, side) = other_side(
            folder.path(),
            "{\"QMP\": {}}\n",
            &[
                "{\"return\": {}}\n",
                "{\"event\": \"RESUME\"}\n{\"return\": [{\"name\": \"device[7]\", \"type\": \"child<pl061>\"}]}\n",
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}}\n",
            ],
        );
        let mut monitor = Monitor::connect(&socket).unwrap();
        assert_eq!(monitor.find("pl061").unwrap(), "/machine/unattached/device[7]");
        let error = monitor.execute("nonsense", &json!({})).unwrap_err().to_string();
        assert_eq!(error, "nonsense: no such thing");
        let asked = side.join().unwrap();
        assert_eq!(asked[0], r#"{"arguments":{},"execute":"qmp_capabilities"}"#);
    }

    #[test]
    fn wires_are_set_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, side) = other_side(
            folder.path(),
            "",
            &["OK\n", "OK 0x0000000000000020\n", "FAIL Unknown device\n"],
        );
        let mut wires = Wires::connect(&socket).unwrap();
        wires.set("/machine/x", 3, true).unwrap();
        assert_eq!(wires.read(0x0903_03fc).unwrap(), 0x20);
        assert!(
            wires.set("/machine/y", 3, true).unwrap_err().to_string().contains("Unknown device")
        );
        let asked = side.join().unwrap();
        assert_eq!(asked[0], "set_irq_in /machine/x unnamed-gpio-in 3 1");
        assert_eq!(asked[1], "readl 0x90303fc");
    }

    #[test]
    fn a_shell_tells_what_was_printed_and_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("shell");
        let listener = UnixListener::bind(&socket).unwrap();
        let side = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let fd = |stream: &UnixStream| std::os::fd::OwnedFd::from(stream.try_clone().unwrap());
            let mut sh = std::process::Command::new("sh");
            sh.args(["-c", "echo shell is ready; exec sh"]).stdin(fd(&stream)).stdout(fd(&stream));
            sh.status().unwrap()
        });
        let mut shell = Shell::connect(&socket).unwrap();
        let soon = Duration::from_secs(10);
        shell.ready(soon).unwrap();
        assert_eq!(
            shell.run("printf 'a\\nb'; cat; (exit 3)", soon).unwrap(),
            ("a\nb".to_owned(), 3)
        );
        assert_eq!(shell.check("x=5", soon).unwrap(), "");
        assert_eq!(shell.check("echo $x", soon).unwrap(), "5");
        assert!(
            shell
                .check("echo no; false", soon)
                .unwrap_err()
                .to_string()
                .contains("ended with 1\nno")
        );
        drop(shell);
        side.join().unwrap();
    }
}
