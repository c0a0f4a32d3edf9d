//! The scenarios of the virtual badge: actions, and results that must be visible from outside.

use super::host::Release;

/// A scenario: its name and its steps.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) steps: &'static [Step],
}

impl Scenario {
    /// Whether the scenario needs a host.
    pub(crate) fn flashes(&self) -> bool {
        self.does(|does| matches!(does, Do::Flash(_)))
    }

    /// Whether there is a screen behind a framebuffer.
    pub(crate) fn has_screen(&self) -> bool {
        self.does(|does| matches!(does, Do::ScreenShows(_) | Do::ScreenDark))
    }

    fn does(&self, wanted: fn(&Do) -> bool) -> bool {
        self.steps.iter().flat_map(|step| step.does).any(wanted)
    }
}

impl Picture {
    /// Its name in file names and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answer(mode) => mode,
            Self::State(state) => state,
        }
    }
}

/// A step: its text in the transcript, and its actions.
pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) does: &'static [Do],
}

/// One action, or one condition that must hold within the time limit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Do {
    /// A command line in the machine ends with 0.
    Shell(&'static str),
    /// The badge starts.
    Start,
    /// The badge gets this signal.
    Signal(&'static str),
    /// The badge ends with this code.
    Ends(i32),
    /// The button is pressed or released, and stays so for the duration of a short press.
    Button(bool),
    /// The panel shows exactly this.
    Shows(Picture),
    /// The panel is dark and switched off.
    PanelOff,
    /// The screen behind the framebuffer shows exactly this.
    ScreenShows(Picture),
    /// That screen is black.
    ScreenDark,
    /// The level of the LED's pin.
    Led(bool),
    /// Whether the badge's process holds the camera's node.
    HoldsCamera(bool),
    /// The host starts to flash a bundle over the cable.
    Flash(Release),
    /// The host starts to roll back the badge over the cable.
    RollBack,
    /// The host's command has succeeded.
    Done,
    /// The badge refuses the host's command with this text.
    Refused(&'static str),
    /// The panel shows this question with the same code as the host; a press now answers it.
    Asks(&'static str),
    /// The status over the cable reports this release as running from this slot and confirmed.
    Keeps(&'static str, Release),
    /// The status over the cable reports that the embedded bundle runs.
    RunsOwn,
    /// The badge's log contains this text since its last start.
    Told(&'static str),
    /// A further message to the panel without acknowledgement.
    Unheard,
}

/// A golden picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    /// The portrait's answer in a mode: `both`, `emoji` or `word`.
    Answer(&'static str),
    /// A state without a face: `paused`, `camera-missing`.
    State(&'static str),
}

use Do::*;

const PANEL: Do = Shell(
    "emocue-guest panel i2c-1 0x3c /run/ports/panel /run/silent >/run/bus 2>&1 &
    until [ -e /dev/i2c-1 ]; do sleep 0.1; done",
);

/// The virtual camera shows its own output without the driver's text overlay.
const CAMERA: Do = Shell(
    "until emocue-guest set /dev/video0 'OSD Text Mode' 2; do sleep 0.1; done
    emocue-guest set /dev/video0 'HDMI 000-0 Is Connected To' 2",
);

/// Ends by itself when its device is unplugged.
const PORTRAIT: Do =
    Shell("emocue-guest play /dev/video1 /portrait 1280 720 >/run/player 2>&1 & player=$!");

/// The person leaves: a grey wall; the light goes out: black.
const WALL: Do = Shell(
    "kill $player; wait $player; head -c 1843200 /dev/zero | tr '\\0' '\\200' >/run/wall
    emocue-guest play /dev/video1 /run/wall 1280 720 >/run/player 2>&1 & player=$!",
);
const DARK: Do = Shell(
    "kill $player; wait $player; head -c 1843200 /dev/zero >/run/dark
    emocue-guest play /dev/video1 /run/dark 1280 720 >/run/player 2>&1 & player=$!",
);
/// The person comes back.
const BACK: Do = Shell(
    "kill $player; wait $player
    emocue-guest play /dev/video1 /portrait 1280 720 >/run/player 2>&1 & player=$!",
);

/// The shortest session with an announcement of its last minute.
const TWO_MINUTES: Do = Shell("printf '\\n[session]\\nminutes = 2\\n' >>$config");

const PRESS: Do = Button(true);
const LET_GO: Do = Button(false);

const ANSWER: Do = Shows(Picture::Answer("both"));
const EMOJI: Do = Shows(Picture::Answer("emoji"));
const WORD: Do = Shows(Picture::Answer("word"));
const MISSING: Do = Shows(Picture::State("camera-missing"));
const PAUSED: Do = Shows(Picture::State("paused"));
const SHOW_ME: Do = Shows(Picture::State("menu-practice-showme"));
const GUESS: Do = Shows(Picture::State("menu-practice-guess"));
const COVERED: Do = Shows(Picture::State("practice-covered"));
const NO_FACE: Do = Shows(Picture::State("no-face"));
const TOO_DARK: Do = Shows(Picture::State("too-dark"));
const LAST_MINUTE: Do = Shows(Picture::State("last-minute"));
const SESSION_ENDED: Do = Shows(Picture::State("session-ended"));

/// The driver reconnects its camera when no process has it open, so an open descriptor prevents that.
const UNPLUG: Do = Shell("exec 9</dev/video1; emocue-guest set /dev/video0 Disconnect 1");
const RELEASE: Do = Shell("wait $player; exec 9<&-");

const UNLOAD: Do = Shell("until rmmod vivid; do sleep 0.1; done; ! [ -e /dev/video0 ]");
const LOAD: Do =
    Shell("insmod /modules/vivid.ko $(grep '^vivid ' /modules/list | cut -d ' ' -f 2-)");

/// Overwrites sixteen bytes in the middle of a slot's bundle while the badge does not run.
const DAMAGE_B: Do = Shell(
    "dd if=/dev/urandom of=/var/lib/emocue/slots/b.emocue bs=1 seek=600000 count=16 conv=notrunc",
);
const DAMAGE_A: Do = Shell(
    "dd if=/dev/urandom of=/var/lib/emocue/slots/a.emocue bs=1 seek=600000 count=16 conv=notrunc",
);

/// Detaches the console from the screen, as `device/systemd/screen.conf` does.
const CONSOLE_OFF: &str = "for it in /sys/class/vtconsole/vtcon*; do if grep -q \"frame buffer\" $it/name; then echo 0 >$it/bind; fi; done";

/// The screen of the profile `classroom`.
const SCREEN: Do = Shell(
    "config=/etc/emocue/classroom.toml; until [ -e /dev/fb0 ]; do sleep 0.1; done
    cat /sys/class/graphics/fb0/name /sys/class/graphics/fb0/modes",
);

/// While this file exists, the panel acknowledges nothing.
const SILENCE: Do = Shell("touch /run/silent");

const fn step(what: &'static str, does: &'static [Do]) -> Step {
    Step { what, does }
}

/// All scenarios; the first is the default.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "day",
        about: "start, button, nobody, darkness, lost camera, lost panel, crash, a session, end",
        steps: DAY,
    },
    Scenario {
        name: "update",
        about: "a new badge is flashed over its cable, twice, and both bundles are damaged",
        steps: UPDATE,
    },
    Scenario {
        name: "classroom",
        about: "a screen on HDMI instead of a panel: answer, nobody, kill -9, end",
        steps: CLASSROOM,
    },
    Scenario { name: "start", about: "start and end only", steps: START },
];

const DAY: &[Step] = &[
    step("a panel on the I2C bus, a portrait before the camera", &[PANEL, CAMERA, PORTRAIT]),
    step("doctor finds nothing wrong", &[Shell("emocue-badge doctor --config $config")]),
    step(
        "the badge shows how the portrait looks, LED on",
        &[Start, ANSWER, Led(true), HoldsCamera(true)],
    ),
    step("short press: the emoji alone", &[PRESS, LET_GO, EMOJI]),
    step("short press: the word alone", &[PRESS, LET_GO, WORD]),
    step("short press: both again", &[PRESS, LET_GO, ANSWER]),
    step(
        "long press: paused, camera closed, LED off",
        &[PRESS, PAUSED, LET_GO, HoldsCamera(false), Led(false)],
    ),
    step("short presses: the menu's games", &[PRESS, LET_GO, SHOW_ME, PRESS, LET_GO, GUESS]),
    step(
        "long press: a guess, the answer covered, LED on",
        &[PRESS, COVERED, LET_GO, HoldsCamera(true), Led(true)],
    ),
    step("short press: the answer", &[PRESS, LET_GO, ANSWER]),
    step(
        "long press: the game has ended, camera closed, LED off",
        &[PRESS, PAUSED, LET_GO, HoldsCamera(false), Led(false)],
    ),
    step("long press: it resumes", &[PRESS, ANSWER, LET_GO, HoldsCamera(true), Led(true)]),
    step("nobody before the camera: no face", &[WALL, NO_FACE, Led(true)]),
    step("the light goes out: too dark", &[DARK, TOO_DARK]),
    step("the face is back: the answer again", &[BACK, ANSWER]),
    step("camera unplugged: the panel says so, LED off", &[UNPLUG, MISSING, Led(false)]),
    step("camera back: it resumes by itself", &[RELEASE, CAMERA, PORTRAIT, ANSWER, Led(true)]),
    step("camera's driver gone, its node too", &[UNPLUG, MISSING, RELEASE, UNLOAD, MISSING]),
    step("driver back: it resumes by itself", &[LOAD, CAMERA, PORTRAIT, ANSWER, Led(true)]),
    step("panel unplugged: the rest runs on", &[SILENCE, PRESS, LET_GO, Unheard, Led(true)]),
    step("panel back, its memory lost: drawn anew", &[Shell("rm /run/silent"), EMOJI]),
    step(
        "kill -9, and what the service does after it: panel off, LED off",
        &[
            Signal("KILL"),
            Ends(137),
            Shell("emocue-badge off --config $config"),
            PanelOff,
            Led(false),
        ],
    ),
    step("a new start, for a session of two minutes", &[TWO_MINUTES, Start, ANSWER, Led(true)]),
    step("its last minute is announced for a while", &[LAST_MINUTE, ANSWER, Led(true)]),
    step(
        "its time is up: camera closed, LED off",
        &[SESSION_ENDED, HoldsCamera(false), Led(false)],
    ),
    step("short press: another session", &[PRESS, LET_GO, ANSWER, HoldsCamera(true), Led(true)]),
    step(
        "SIGTERM: panel off, LED off, exit code 0",
        &[Signal("TERM"), Ends(0), PanelOff, Led(false)],
    ),
];

const UPDATE: &[Step] = &[
    step("a panel on the I2C bus, a portrait before the camera", &[PANEL, CAMERA, PORTRAIT]),
    step(
        "a new badge runs what is inside its program",
        &[Start, ANSWER, Told("runs the embedded bundle")],
    ),
    step(
        "flashed over the cable, it asks its wearer with the code that the host shows",
        &[Flash(Release::First), Asks("newmaker"), Led(true)],
    ),
    step(
        "a short press refuses",
        &[PRESS, LET_GO, Refused("the wearer refused by a short press"), ANSWER],
    ),
    step(
        "asked again and held for 3 s: the key is trusted, the bundle is on trial",
        &[
            Flash(Release::First),
            Asks("newmaker"),
            PRESS,
            Done,
            LET_GO,
            ANSWER,
            Told("runs slot a: default 900, on trial, 2 starts left"),
        ],
    ),
    step("after some seconds without a fault it is kept", &[Keeps("A", Release::First)]),
    step(
        "the next one of the same key needs no press",
        &[Flash(Release::Second), Done, ANSWER, Keeps("B", Release::Second)],
    ),
    step(
        "kill -9, its bundle damaged, a new start: the one before returns",
        &[
            Signal("KILL"),
            Ends(137),
            DAMAGE_B,
            Start,
            ANSWER,
            Told("slot b cannot be used"),
            Keeps("A", Release::First),
        ],
    ),
    step(
        "both damaged: it runs what is inside its program, and says so",
        &[
            Signal("KILL"),
            Ends(137),
            DAMAGE_A,
            Start,
            ANSWER,
            Told("slot a cannot be used"),
            Told("runs the embedded bundle"),
        ],
    ),
    step(
        "flashed once more, it is whole again",
        &[Flash(Release::Second), Done, ANSWER, Keeps("A", Release::Second)],
    ),
    step(
        "told over the cable to return, it asks; held, it runs what is inside its program",
        &[RollBack, Asks("olderbundle"), PRESS, Done, LET_GO, ANSWER, RunsOwn],
    ),
    step(
        "SIGTERM: panel off, LED off, exit code 0",
        &[Signal("TERM"), Ends(0), PanelOff, Led(false)],
    ),
];

const ON_SCREEN: Do = ScreenShows(Picture::Answer("both"));

const CLASSROOM: &[Step] = &[
    step(
        "a screen without a console, a portrait before the camera",
        &[SCREEN, Shell(CONSOLE_OFF), CAMERA, PORTRAIT],
    ),
    step("doctor finds nothing wrong", &[Shell("emocue-badge doctor --config $config")]),
    step(
        "the screen shows how the portrait looks, as it is drawn in memory",
        &[Start, ON_SCREEN, HoldsCamera(true)],
    ),
    step("nobody before the camera: no face", &[WALL, ScreenShows(Picture::State("no-face"))]),
    step(
        "kill -9, and what the service does after it: a black screen",
        &[
            Signal("KILL"),
            Ends(137),
            ScreenShows(Picture::State("no-face")),
            Shell("emocue-badge off --config $config"),
            ScreenDark,
        ],
    ),
    step("the face is back, a new start: the answer again", &[BACK, Start, ON_SCREEN]),
    step(
        "camera unplugged: the screen says so",
        &[UNPLUG, ScreenShows(Picture::State("camera-missing")), RELEASE],
    ),
    step("SIGTERM: a black screen, exit code 0", &[Signal("TERM"), Ends(0), ScreenDark]),
];

const START: &[Step] = &[
    step("a panel on the I2C bus, a portrait before the camera", &[PANEL, CAMERA, PORTRAIT]),
    step(
        "the badge shows how the portrait looks, LED on",
        &[Start, ANSWER, Led(true), HoldsCamera(true)],
    ),
    step(
        "SIGTERM: panel off, LED off, exit code 0",
        &[Signal("TERM"), Ends(0), PanelOff, Led(false)],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_takes_the_console_off_the_screen_as_the_scenario_does() {
        let unit = include_str!("../../../device/systemd/screen.conf").replace("$$", "$");
        assert!(unit.contains(CONSOLE_OFF), "{unit}");
    }

    #[test]
    fn scenarios_have_names_of_their_own_and_let_go_of_the_button() {
        for (at, scenario) in SCENARIOS.iter().enumerate() {
            assert!(SCENARIOS[..at].iter().all(|other| other.name != scenario.name));
            for step in scenario.steps {
                let level = step.does.iter().rev().find_map(|does| match does {
                    Button(down) => Some(*down),
                    _ => None,
                });
                assert_ne!(level, Some(true), "{}: {}", scenario.name, step.what);
            }
        }
    }
}
