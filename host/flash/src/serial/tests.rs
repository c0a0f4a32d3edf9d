//! A fake badge on the other end of an in-memory cable.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use emocue_link::consent::{Ask, Question};
use emocue_link::message::{
    BadgeStatus, BundleSource, CameraState, JournalEntry, LogLine, Progress,
};
use emocue_link::server::ServerSettings;
use emocue_link::transport::{PipeEnd, pipe};
use emocue_link::{Badge, Server};
use emocue_models::bundle::Sha256;

use super::*;
use crate::bundle::PreparedBundle;
use crate::component::{AppFile, ConfigFile};

/// What the fake badge has received, and how it behaves.
#[derive(Default)]
struct Memory {
    config: String,
    bundle: Vec<u8>,
    incoming: Option<(FileKind, Vec<u8>)>,
    progress: Vec<Progress>,
    refuses: bool,
    /// Closes the connection once, after this many bytes.
    hangs_up_at: Option<usize>,
    sessions: usize,
    rollbacks: usize,
    /// The question to the wearer about what was received.
    question: Option<Question>,
}

#[derive(Clone)]
struct StandIn {
    memory: Arc<Mutex<Memory>>,
    stop: Arc<AtomicBool>,
}

impl StandIn {
    fn new() -> Self {
        Self { memory: Arc::default(), stop: Arc::default() }
    }

    fn plug_in(&self) -> PipeEnd {
        let (near, far) = pipe();
        let badge = self.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let badge = Self { stop: Arc::clone(&stop), ..badge };
        badge.memory.lock().unwrap().sessions += 1;
        thread::spawn(move || {
            let _ = Server::new(far, badge, ServerSettings::new("9.9.9")).serve(&stop);
        });
        near
    }
}

impl Badge for StandIn {
    fn status(&mut self) -> BadgeStatus {
        BadgeStatus {
            state: CameraState::Streaming,
            uptime_ms: 1000,
            fps_milli: 15_000,
            latency_ms: None,
            temperature_milli: None,
            slowdown: 1,
            battery_low: None,
            running: BundleSource::A,
            bundle: "default".into(),
            content_version: 5,
            trial: Some(3),
            faults: 0,
            log_next: 0,
        }
    }

    fn log(&mut self, _from: u32) -> Vec<LogLine> {
        Vec::new()
    }

    fn config(&mut self) -> String {
        self.memory.lock().unwrap().config.clone()
    }

    fn begin(&mut self, kind: FileKind, _bytes: u32, _sha256: [u8; 32]) -> Result<u32, String> {
        let mut memory = self.memory.lock().unwrap();
        let kept = memory.incoming.take().filter(|(begun, _)| *begun == kind);
        let kept = kept.map(|(_, bytes)| bytes).unwrap_or_default();
        let offset = kept.len() as u32;
        memory.incoming = Some((kind, kept));
        Ok(offset)
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        let (_, bytes) = memory.incoming.as_mut().unwrap();
        if offset as usize == bytes.len() {
            bytes.extend(data);
        }
        if memory.hangs_up_at.is_some_and(|at| bytes.len() >= at) {
            memory.hangs_up_at = None;
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(bytes.len() as u32)
    }

    fn finish(&mut self) -> Result<Progress, String> {
        let mut memory = self.memory.lock().unwrap();
        let (kind, bytes) = memory.incoming.take().unwrap();
        memory.progress = if memory.refuses {
            vec![Progress::Failed("this key is not known here".into())]
        } else if kind == FileKind::Bundle {
            memory.bundle = bytes;
            let asks = memory.question.map(Progress::Asks);
            [Progress::Done("bundle installed".into())].into_iter().chain(asks).collect()
        } else {
            memory.config = String::from_utf8(bytes).unwrap();
            vec![Progress::Done("configuration taken".into())]
        };
        Ok(Progress::Working)
    }

    fn progress(&mut self) -> Progress {
        self.memory.lock().unwrap().progress.pop().unwrap_or(Progress::Idle)
    }

    fn rollback(&mut self) -> Result<Progress, String> {
        let mut memory = self.memory.lock().unwrap();
        memory.rollbacks += 1;
        memory.progress = match memory.refuses {
            true => vec![Progress::Failed("there is no bundle before this one".into())],
            false => {
                let asks = memory.question.map(Progress::Asks);
                [Progress::Done("slot b starts next".into())].into_iter().chain(asks).collect()
            }
        };
        Ok(Progress::Working)
    }

    fn self_test(&mut self) -> Result<Progress, String> {
        self.memory.lock().unwrap().progress = vec![Progress::Done("both portraits agree".into())];
        Ok(Progress::Working)
    }

    fn journals(&mut self, _from: u32) -> Result<Vec<JournalEntry>, String> {
        Ok(Vec::new())
    }

    fn journal(&mut self, _number: u32, _offset: u32) -> Result<(u32, Vec<u8>), String> {
        Err("there is none".into())
    }

    fn session_ended(&mut self) {}
}

#[derive(Default)]
struct Recorder {
    lines: Vec<String>,
    moved: u64,
    stop_at: Option<u64>,
}

impl FlashProgress for Recorder {
    fn advance(&mut self, bytes: u64) {
        self.moved += bytes;
    }

    fn say(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    fn stop(&self) -> bool {
        self.stop_at.is_some_and(|at| self.moved >= at)
    }
}

fn quick() -> ClientSettings {
    ClientSettings { poll: Duration::from_millis(1), ..settings() }
}

fn components(config: bool, bundle: bool) -> Components {
    let config =
        config.then(|| ConfigFile { path: "new.toml".into(), text: "board = \"pi-4\"\n".into() });
    let bundle = bundle.then(|| PreparedBundle {
        bytes: (0..20_000_u32).map(|byte| byte as u8).collect(),
        title: "mine 7".into(),
        signer: None,
        intended_use: None,
    });
    Components { app: None, bundle, config }
}

fn flash(
    badge: &StandIn,
    components: &Components,
    recorder: &mut Recorder,
) -> (String, Result<(), SerialError>) {
    let mut cable = Cable::connect("tty", || Ok(badge.plug_in()), quick()).unwrap();
    let plan = cable.plan(components).unwrap();
    let result = cable.flash(&plan, components, recorder);
    cable.close();
    (plan.to_string(), result)
}

#[test]
fn bundle_and_configuration_arrive_and_the_badge_tests_itself() {
    let (badge, components) = (StandIn::new(), components(true, true));
    let mut recorder = Recorder::default();
    let (plan, result) = flash(&badge, &components, &mut recorder);
    result.unwrap();
    assert!(plan.contains("running default 5 from slot A, on trial, 3 starts left"), "{plan}");
    assert!(
        plan.contains("laid over the badge's own if the wearer agrees") && plan.contains("mine 7"),
        "{plan}"
    );
    let bundle = &components.bundle.as_ref().unwrap().bytes;
    {
        let memory = badge.memory.lock().unwrap();
        assert_eq!(memory.config, components.config.as_ref().unwrap().text);
        assert_eq!(memory.bundle, *bundle);
    }
    assert_eq!(recorder.moved, bundle.len() as u64 + 15);
    let said = recorder.lines.join("\n");
    for line in ["configuration taken", "bundle installed", "both portraits agree"] {
        assert!(said.contains(line), "{said}");
    }
    // The second time, the configuration is there already.
    let (plan, result) = flash(&badge, &self::components(true, false), &mut Recorder::default());
    assert!(plan.contains("is there") && result.is_ok(), "{plan}");
}

/// The question that an honest badge asks about `bundle`.
fn about(bundle: &PreparedBundle) -> Question {
    let sha256 = Sha256::of(&bundle.bytes).0;
    Question { ask: Ask::NewMaker, key: [0; 32], sha256, number: [7; 16] }
}

#[test]
fn the_code_of_what_was_sent_is_shown_with_what_to_do() {
    let (badge, components) = (StandIn::new(), components(false, true));
    let question = about(components.bundle.as_ref().unwrap());
    badge.memory.lock().unwrap().question = Some(question);
    let mut recorder = Recorder::default();
    flash(&badge, &components, &mut recorder).1.unwrap();
    let said = recorder.lines.join("\n");
    for part in ["Trust new maker?", &question.code().to_string(), "hold its button for 3 s"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_badge_that_asks_for_something_else_than_was_sent_is_not_followed() {
    let components = components(false, true);
    let honest = about(components.bundle.as_ref().unwrap());
    for question in [
        Question { sha256: [1; 32], ..honest },
        Question { key: [1; 32], ..honest },
        Question { ask: Ask::NewSettings, ..honest },
    ] {
        let badge = StandIn::new();
        badge.memory.lock().unwrap().question = Some(question);
        let mut recorder = Recorder::default();
        let error = flash(&badge, &components, &mut recorder).1.unwrap_err();
        assert!(matches!(error, SerialError::AsksOther { .. }), "{error}");
        assert!(error.help().unwrap().contains("Refuse it"));
        let said = recorder.lines.join("\n");
        assert!(!said.contains(&question.code().to_string()), "{said}");
    }
}

#[test]
fn a_pulled_cable_continues_where_it_was() {
    let badge = StandIn::new();
    badge.memory.lock().unwrap().hangs_up_at = Some(9_000);
    let mut recorder = Recorder::default();
    flash(&badge, &components(false, true), &mut recorder).1.unwrap();
    let memory = badge.memory.lock().unwrap();
    assert_eq!((memory.bundle.len(), memory.sessions), (20_000, 2));
    assert_eq!(recorder.moved, 20_000);
}

#[test]
fn the_badges_own_words_are_shown() {
    let badge = StandIn::new();
    badge.memory.lock().unwrap().refuses = true;
    let error = flash(&badge, &components(false, true), &mut Recorder::default()).1.unwrap_err();
    assert!(error.to_string().contains("this key is not known here"), "{error}");
    let help = error.help().unwrap();
    assert!(help.contains("still in place") && help.contains("recovery.md"), "{help}");
    assert_eq!(error.exit_code(), exit::BADGE);
}

#[test]
fn a_badge_returns_to_the_bundle_before_once() {
    let badge = StandIn::new();
    let mut cable = Cable::connect("tty", || Ok(badge.plug_in()), quick()).unwrap();
    let mut recorder = Recorder::default();
    let question =
        Question { ask: Ask::OlderBundle, key: [0; 32], sha256: [0; 32], number: [9; 16] };
    badge.memory.lock().unwrap().question = Some(question);
    cable.roll_back(&mut recorder).unwrap();
    let said = recorder.lines.join("\n");
    assert!(said.contains(&question.code().to_string()), "{said}");
    assert!(
        said.contains("runs default 5 from slot A") && said.contains("slot b starts"),
        "{said}"
    );

    badge.memory.lock().unwrap().refuses = true;
    let error = cable.roll_back(&mut recorder).unwrap_err().to_string();
    assert!(error.contains("no bundle before this one"), "{error}");
    assert_eq!(badge.memory.lock().unwrap().rollbacks, 2);
}

#[test]
fn stops_when_asked_to() {
    let badge = StandIn::new();
    let mut recorder = Recorder { stop_at: Some(5_000), ..Recorder::default() };
    let result = flash(&badge, &components(false, true), &mut recorder).1;
    assert!(matches!(result, Err(SerialError::Interrupted)));
    assert!(badge.memory.lock().unwrap().bundle.is_empty());
}

#[test]
fn a_program_does_not_go_through_a_cable() {
    let badge = StandIn::new();
    let mut cable = Cable::connect("tty", || Ok(badge.plug_in()), quick()).unwrap();
    let header = [b"\x7fELF\x02\x01".as_slice(), &[0; 12], &[183, 0]].concat();
    let machine = crate::elf::Machine::of(&header).unwrap();
    let app = AppFile { path: "app".into(), bytes: Vec::new(), machine };
    let components = Components { app: Some(app), ..Components::default() };
    let error = cable.plan(&components).unwrap_err();
    assert!(matches!(error, SerialError::App));
    assert!(error.to_string().contains("may not write its own program"));
}
