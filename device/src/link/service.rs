//! Serves hosts: at a serial port, and at a socket in the state folder for users who are logged in on the badge.

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use emocue_link::Server;
use emocue_link::serial;
use emocue_link::server::ServerSettings;
use emocue_link::transport::Streams;

use super::side::BadgeService;
use emocue_config::LinkSettings;

/// Interval at which a missing port is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Interval at which abandoned parts of files are removed.
const CHECK: Duration = Duration::from_secs(60);

/// Threads that serve hosts until they are stopped.
pub struct Service {
    stop: Arc<AtomicBool>,
    socket: PathBuf,
    /// Old parts of files are removed until this is dropped.
    _expiring: Sender<()>,
}

/// The path of the socket in the state folder `state`.
pub fn socket(state: &Path) -> PathBuf {
    state.join("link.sock")
}

impl Service {
    /// Begins to serve; `tell` gets lines for the log.
    pub fn start(
        board: &Arc<BadgeService>,
        link: &LinkSettings,
        state: &Path,
        tell: impl Fn(String) + Clone + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        if let Some(port) = link.port() {
            let (board, stop) = (Arc::clone(board), Arc::clone(&stop));
            let (port, baud, tell) = (PathBuf::from(port), link.baud, tell.clone());
            thread::spawn(move || cable(&board, &port, baud, &stop, &tell));
        }
        let expiring = expire(board);
        let socket = socket(state);
        match listen(&socket) {
            Ok(listener) => {
                let (board, stop) = (Arc::clone(board), Arc::clone(&stop));
                thread::spawn(move || visitors(&board, &listener, &stop));
            }
            Err(error) => tell(format!("cannot listen at {}: {error}", socket.display())),
        }
        Self { stop, socket, _expiring: expiring }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts connections.
        let _ = UnixStream::connect(&self.socket);
        let _ = fs::remove_file(&self.socket);
    }
}

/// Removes abandoned parts of files, until the sender is dropped.
fn expire(board: &Arc<BadgeService>) -> Sender<()> {
    let (needed, gone) = channel::<()>();
    let board = Arc::clone(board);
    thread::spawn(move || {
        while gone.recv_timeout(CHECK) == Err(RecvTimeoutError::Timeout) {
            board.expire(Instant::now());
        }
    });
    needed
}

fn settings() -> ServerSettings {
    ServerSettings::new(env!("CARGO_PKG_VERSION"))
}

fn cable(
    board: &Arc<BadgeService>,
    port: &Path,
    baud: u32,
    stop: &AtomicBool,
    tell: &impl Fn(String),
) {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match serial::open(port, baud) {
            Ok(line) => {
                told = false;
                // It ends when the cable is pulled; then the port is opened again.
                let _ = Server::new(line, board.side(), settings()).serve(stop);
            }
            Err(error) if !told => {
                told = true;
                tell(format!("no host can be served: {}", error.to_line()));
            }
            Err(_) => {}
        }
        if !stop.load(Ordering::Relaxed) {
            thread::sleep(AGAIN);
        }
    }
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    // A socket that a killed badge left; another running badge would hold the lock.
    let _ = fs::remove_file(socket);
    UnixListener::bind(socket)
}

fn visitors(board: &Arc<BadgeService>, listener: &UnixListener, stop: &Arc<AtomicBool>) {
    for stream in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(reader) = stream.try_clone() else { continue };
        let (side, stop) = (board.side(), Arc::clone(stop));
        thread::spawn(move || {
            // It ends when the visitor disconnects.
            let _ = Server::new(Streams::new(reader, stream), side, settings()).serve(&stop);
        });
    }
}
