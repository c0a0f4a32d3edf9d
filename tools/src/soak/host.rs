//! The host of a badge under load, at the other end of a cable that can be unplugged.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use emocue_link::client::{ClientError, ClientSettings};
use emocue_link::faulty::Faults;
use emocue_link::message::{BadgeStatus, FileKind, Progress};
use emocue_link::serial::{self, Serial};
use emocue_link::transport::Streams;
use emocue_link::{Client, LinkError};
use emocue_models::bundle::{Bundle, DEFAULT, SecretKey};

use crate::Result;
use crate::cable::Cable;

/// The port that the badge opens: a symbolic link to the current cable's terminal.
pub(super) const PORT: &str = "port";

/// Seed of the key that signs the bundles and that the badge trusts.
const KEY: [u8; 32] = [24; 32];

/// The first release number, higher than that of any embedded bundle.
const FIRST: u32 = 101;

/// Time limit for a connection, also while the badge still serves the previous host.
const CONNECT: Duration = Duration::from_secs(60);

/// Probability that a byte is changed, and that it is lost.
const NOISE: f64 = 1.0 / 20_000.0;

/// The host with its cable and its bundles.
pub(super) struct Host {
    folder: PathBuf,
    cable: RefCell<Option<Cable>>,
    client: Option<Client<Serial>>,
    /// The release that is sent next.
    release: u32,
    /// Its bundle, once it is made.
    bundle: Option<Vec<u8>>,
    plugged: u64,
    seed: u64,
}

impl Host {
    /// A host with a cable to the badge in `folder`.
    pub(super) fn new(folder: &Path, seed: u64) -> Result<Self> {
        let mut host = Self {
            folder: folder.to_owned(),
            cable: RefCell::new(None),
            client: None,
            release: FIRST,
            bundle: None,
            plugged: 0,
            seed,
        };
        host.plug()?;
        Ok(host)
    }

    /// The key that a badge has to trust.
    pub(super) fn key() -> String {
        SecretKey::from_seed(&KEY).public().to_string()
    }

    /// Plugs in a new cable instead of the current one. The cable has faults ([`NOISE`]).
    pub(super) fn plug(&mut self) -> Result<()> {
        self.client = None;
        pull(&self.folder, &self.cable);
        let faults = Faults { lose: NOISE, flip: NOISE, ..Faults::default() };
        self.plugged += 1;
        let cable = Cable::new(faults, self.seed ^ (self.plugged << 32))?;
        symlink(&cable.badge_port, self.folder.join(PORT))?;
        self.cable = RefCell::new(Some(cable));
        Ok(())
    }

    /// Number of cables plugged in so far.
    pub(super) fn plugged(&self) -> u64 {
        self.plugged
    }

    /// Its session with the badge; opens one if there is none.
    fn client(&mut self) -> Result<&mut Client<Serial>> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let cable = self.cable.borrow();
                let port = cable.as_ref().map(|cable| cable.host_port.clone());
                let settings =
                    ClientSettings { connect: CONNECT, busy: CONNECT, ..ClientSettings::default() };
                let port = serial::open(port.ok_or("no cable is plugged in")?, 115_200)?;
                Client::connect(port, settings)?
            }
        };
        Ok(self.client.insert(client))
    }

    /// The badge's status with its newest log lines.
    pub(super) fn status(&mut self) -> Result<BadgeStatus> {
        let client = self.client()?;
        let status = client.status()?;
        client.log(status.log_next.saturating_sub(4))?;
        Ok(status)
    }

    fn bundle(&mut self) -> Result<Vec<u8>> {
        if self.bundle.is_none() {
            let bundle = Bundle::read(DEFAULT)?;
            let mut manifest = bundle.manifest().clone();
            manifest.content_version = self.release;
            let payloads: Vec<_> = bundle.payloads().collect();
            let packed = Bundle::pack(manifest, &payloads)?;
            self.bundle = Some(Bundle::sign(&packed, &SecretKey::from_seed(&KEY))?);
        }
        Ok(self.bundle.clone().unwrap_or_default())
    }

    /// Flashes the next release; returns its number, and whether the transfer was resumed.
    pub(super) fn flash(&mut self) -> Result<(u32, bool)> {
        let (file, mut first) = (self.bundle()?, None);
        let client = self.client()?;
        client.send(FileKind::Bundle, &file, &mut |offset| {
            first.get_or_insert(offset);
            ControlFlow::Continue(())
        })?;
        client.wait_done(&mut |_| ControlFlow::Continue(()))?;
        let release = self.release;
        (self.release, self.bundle) = (release + 1, None);
        Ok((release, first.is_some_and(|first| first > 0)))
    }

    /// Starts to flash the next release and unplugs the cable after `bytes`.
    pub(super) fn flash_until(&mut self, bytes: u32) -> Result<()> {
        let file = self.bundle()?;
        let mut client = match self.client() {
            Ok(_) => self.client.take().ok_or("there is no session")?,
            Err(error) => return Err(error),
        };
        let sent = client.send(FileKind::Bundle, &file, &mut |offset| {
            if offset >= bytes {
                pull(&self.folder, &self.cable);
            }
            ControlFlow::Continue(())
        });
        match sent {
            // Errors after the terminal has disappeared.
            Err(
                ClientError::Link(LinkError::Closed | LinkError::Io(_)) | ClientError::Silent(_),
            ) => Ok(()),
            other => Err(format!("the cable was pulled, and the host got {other:?}").into()),
        }
    }

    /// Sends settings; calls `asked` once while the badge shows the question, to press the button.
    pub(super) fn configure(
        &mut self,
        text: &str,
        mut asked: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let (mut is_asked, mut failed) = (false, None);
        let client = self.client()?;
        client.send(FileKind::Config, text.as_bytes(), &mut |_| ControlFlow::Continue(()))?;
        let done = client.wait_done(&mut |progress| {
            if matches!(progress, Progress::Asks(_)) && !is_asked {
                is_asked = true;
                failed = asked().err();
            }
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        done?;
        match client.config()? {
            now if now == text => Ok(()),
            other => Err(format!("the badge has other settings than it was sent: {other}").into()),
        }
    }

    /// A local session on the badge: connects over the socket, asks, and disconnects without ending the session.
    pub(super) fn visit(&self) -> Result<()> {
        let stream = UnixStream::connect(self.folder.join("state/link.sock"))?;
        let streams = Streams::new(stream.try_clone()?, stream.try_clone()?);
        let mut client = Client::connect(streams, ClientSettings::default())?;
        client.status()?;
        stream.shutdown(std::net::Shutdown::Both)?;
        match client.status() {
            Err(ClientError::Link(_)) => Ok(()),
            other => Err(format!("the visitor has left, and got {other:?}").into()),
        }
    }
}

/// Unplugs the cable. Removes the link first, since another program's terminal may get the same number.
fn pull(folder: &Path, cable: &RefCell<Option<Cable>>) {
    match fs::remove_file(folder.join(PORT)) {
        // It was unplugged before, or never plugged in.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        _ => drop(cable.borrow_mut().take()),
    }
}
