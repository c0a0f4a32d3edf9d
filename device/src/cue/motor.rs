//! The vibration motor: a thread that plays patterns, so that nothing waits for them.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use emocue_config::Pattern;

use super::{CueError, Output};

/// A motor that plays one pattern at a time. It is off once this value is dropped.
pub struct Motor {
    patterns: Option<Sender<Pattern>>,
    player: Option<JoinHandle<()>>,
}

impl Motor {
    /// A motor on `output`. When the pin fails, `tell` is called once and the motor is no longer used.
    pub fn new(mut output: Box<dyn Output>, tell: impl FnOnce(CueError) + Send + 'static) -> Self {
        let (patterns, mut orders) = mpsc::channel();
        let player = thread::spawn(move || {
            if let Err(error) = play(&mut *output, &mut orders) {
                tell(error);
            }
        });
        Self { patterns: Some(patterns), player: Some(player) }
    }

    /// Begins a pattern immediately, and ends the current one; [`Pattern::NONE`] only ends the current one.
    pub fn play(&self, pattern: Pattern) {
        if let Some(patterns) = &self.patterns {
            // A motor that failed has no receiver any more.
            let _ = patterns.send(pattern);
        }
    }
}

impl Drop for Motor {
    fn drop(&mut self) {
        self.patterns = None;
        if let Some(player) = self.player.take() {
            let _ = player.join();
        }
    }
}

/// The next thing for the player to do.
enum Order {
    Play(Pattern),
    /// Nothing came in time.
    TimedOut,
    End,
}

/// The source of orders, and the clock between them.
trait Orders {
    /// Waits for an order, at most `timeout`; without one, indefinitely.
    fn next(&mut self, timeout: Option<Duration>) -> Order;
}

impl Orders for Receiver<Pattern> {
    fn next(&mut self, timeout: Option<Duration>) -> Order {
        let order = match timeout {
            Some(timeout) => self.recv_timeout(timeout),
            None => self.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(pattern) => Order::Play(pattern),
            Err(RecvTimeoutError::Timeout) => Order::TimedOut,
            Err(RecvTimeoutError::Disconnected) => Order::End,
        }
    }
}

/// Plays orders until the end; the output is off afterwards in every case.
fn play(output: &mut dyn Output, orders: &mut dyn Orders) -> Result<(), CueError> {
    let played = follow(output, orders);
    let off = output.set(false);
    played.and(off)
}

fn follow(output: &mut dyn Output, orders: &mut dyn Orders) -> Result<(), CueError> {
    let mut order = orders.next(None);
    loop {
        let Order::Play(pattern) = order else { return Ok(()) };
        order = perform(&pattern, output, orders)?;
    }
}

/// Plays one pattern and returns the next order.
fn perform(
    pattern: &Pattern,
    output: &mut dyn Output,
    orders: &mut dyn Orders,
) -> Result<Order, CueError> {
    for (i, ms) in pattern.ms().iter().enumerate() {
        output.set(i % 2 == 0)?;
        match orders.next(Some(Duration::from_millis((*ms).into()))) {
            Order::TimedOut => {}
            order => {
                // Two pulses must not merge into one.
                output.set(false)?;
                return Ok(order);
            }
        }
    }
    output.set(false)?;
    Ok(orders.next(None))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What happened, in order: a wait in ms, or the pin.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Happened {
        On,
        Off,
        Waited(u128),
    }
    use Happened::{Off, On, Waited};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<Happened>>>);

    impl Log {
        fn push(&self, happened: Happened) {
            self.0.lock().unwrap().push(happened);
        }

        fn taken(&self) -> Vec<Happened> {
            self.0.lock().unwrap().clone()
        }
    }

    struct Pin {
        log: Log,
        fails: bool,
    }

    impl Output for Pin {
        fn set(&mut self, on: bool) -> Result<(), CueError> {
            self.log.push(if on { On } else { Off });
            if self.fails && on {
                let [what, reason, next] = ["pin", "broken", "fix it"].map(str::to_owned);
                return Err(CueError { what, reason, next });
            }
            Ok(())
        }
    }

    /// Orders that come after some waits went by.
    struct Script {
        log: Log,
        /// How many waits end before the order comes.
        orders: Vec<(usize, Pattern)>,
    }

    impl Orders for Script {
        fn next(&mut self, timeout: Option<Duration>) -> Order {
            let due = self.orders.first().is_some_and(|(waits, _)| *waits == 0);
            match timeout {
                Some(timeout) if !due => {
                    self.log.push(Waited(timeout.as_millis()));
                    if let Some((waits, _)) = self.orders.first_mut() {
                        *waits -= 1;
                    }
                    Order::TimedOut
                }
                _ if self.orders.is_empty() => Order::End,
                _ => Order::Play(self.orders.remove(0).1),
            }
        }
    }

    fn played(orders: &[(usize, &[u16])]) -> Vec<Happened> {
        let log = Log::default();
        let orders = orders.iter().map(|(waits, ms)| (*waits, Pattern::new(ms).unwrap())).collect();
        let mut pin = Pin { log: log.clone(), fails: false };
        play(&mut pin, &mut Script { log: log.clone(), orders }).unwrap();
        log.taken()
    }

    #[test]
    fn a_pattern_is_played_as_it_is_written() {
        let expected = [On, Waited(120), Off, Waited(80), On, Waited(100), Off, Off];
        assert_eq!(played(&[(0, &[120, 80, 100])]), expected);
    }

    #[test]
    fn the_next_pattern_cuts_the_one_that_plays() {
        let expected = [On, Waited(200), Off, Waited(100), On, Off, On, Waited(50), Off, Off];
        assert_eq!(played(&[(0, &[200, 100, 200]), (2, &[50])]), expected);
        assert_eq!(played(&[(0, &[600]), (0, &[])]), [On, Off, Off, Off]);
    }

    #[test]
    fn a_motor_that_is_dropped_stands_still() {
        let log = Log::default();
        let motor = Motor::new(Box::new(Pin { log: log.clone(), fails: false }), |_| {});
        motor.play(Pattern::new(&[1500]).unwrap());
        drop(motor);
        assert_eq!(log.taken().last(), Some(&Off));
    }

    #[test]
    fn a_pin_that_fails_is_told_once_and_switched_off() {
        let log = Log::default();
        let (told, hears) = mpsc::channel();
        let motor = Motor::new(Box::new(Pin { log: log.clone(), fails: true }), move |error| {
            told.send(error.to_string()).unwrap();
        });
        motor.play(Pattern::new(&[100]).unwrap());
        assert!(hears.recv().unwrap().contains("broken"));
        motor.play(Pattern::new(&[100]).unwrap());
        drop(motor);
        assert_eq!(log.taken(), [On, Off]);
    }
}
