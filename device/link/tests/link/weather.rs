//! Faults of a cable over a day, from a seed.

use std::time::Duration;

use emocue_link::faulty::Faults;
use emocue_link::random::Random;

/// The state of the cable.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weather {
    /// Fault rates in both directions.
    pub(crate) faults: Faults,
    /// It is pulled out.
    pub(crate) pulled: bool,
    /// Interval at which another program, such as a modem manager, writes to the badge.
    pub(crate) chatter: Option<Duration>,
    /// How long the badge is sometimes busy with something else.
    pub(crate) busy: Duration,
}

/// The states of the cable and their start times: calm and noise alternate.
pub(crate) fn forecast(time: Duration, seed: u64) -> Vec<(Duration, Weather)> {
    let mut random = Random::of(seed, "weather");
    let (mut at, mut forecast) = (Duration::ZERO, Vec::new());
    while at < time {
        at += Duration::from_secs(90 + random.below(300) as u64);
        let weather = noise(&mut random);
        forecast.push((at, weather));
        let most = if weather.pulled { 60 } else { 400 };
        at += Duration::from_secs(1 + random.below(most) as u64);
        forecast.push((at, Weather::default()));
    }
    forecast
}

fn noise(random: &mut Random) -> Weather {
    let bad = |most: f64, random: &mut Random| most * random.part();
    let faults = match random.below(9) {
        0 => Faults { lose: bad(0.01, random), ..Faults::default() },
        1 => Faults { flip: bad(0.01, random), ..Faults::default() },
        2 => Faults { insert: bad(0.01, random), ..Faults::default() },
        3 => Faults { repeat: bad(0.2, random), ..Faults::default() },
        4 => Faults {
            lose: bad(0.003, random),
            flip: bad(0.003, random),
            insert: bad(0.003, random),
            repeat: bad(0.1, random),
        },
        // Long frames do not arrive, or nothing does.
        5 => Faults { lose: 0.05, flip: 0.05, insert: 0.3, repeat: 0.0 },
        6 => Faults { lose: 1.0, ..Faults::default() },
        _ => Faults::default(),
    };
    let chatters = random.below(3) == 0;
    Weather {
        faults,
        pulled: faults == Faults::default(),
        chatter: chatters.then(|| Duration::from_millis(20 + random.below(2000) as u64)),
        busy: Duration::from_secs(random.below(4) as u64),
    }
}
