//! The ioctl interface of `linux/i2c-dev.h`, with one device on the bus that only receives.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Error numbers (ENOSYS, ENOTTY), the same on every board.
pub(crate) const NO_SUCH_CALL: i32 = 38;
const NOT_FOR_THIS_DEVICE: i32 = 25;
const INVALID: i32 = 22;
/// EREMOTEIO: what the Raspberry Pi's driver reports for a byte without acknowledgement.
const NOT_ACKNOWLEDGED: i32 = 121;

const I2C_RETRIES: u32 = 0x701;
const I2C_TIMEOUT: u32 = 0x702;
const I2C_SLAVE: u32 = 0x703;
const I2C_TENBIT: u32 = 0x704;
const I2C_FUNCS: u32 = 0x705;
const I2C_SLAVE_FORCE: u32 = 0x706;
const I2C_RDWR: u32 = 0x707;
const I2C_PEC: u32 = 0x708;

/// Plain I2C transfers, no SMBus.
const I2C_FUNC_I2C: u64 = 1;
const I2C_M_RD: u16 = 1;

/// Bytes of `struct i2c_rdwr_ioctl_data` and of `struct i2c_msg` on a 64-bit machine.
const RDWR: usize = 16;
const MESSAGE: usize = 16;

/// Status byte of an SSD1306: display on, not busy.
const STATUS: u8 = 0x03;

/// Memory of the calling process: address and length.
type Memory = (u64, u64);

/// Result of an ioctl.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ioctl {
    Done {
        result: u32,
        bytes: Vec<u8>,
    },
    /// The kernel repeats the call with this memory.
    Needs {
        input: Vec<Memory>,
        output: Vec<Memory>,
    },
}

/// A bus with one panel. Its log has a line for every message: `W ADDRESS BYTES` for an acknowledged one, `N ADDRESS`
/// for one without acknowledgement, and `P` before the first one after power-on of the panel.
pub(crate) struct Bus {
    address: u16,
    log: Box<dyn Write>,
    silent: PathBuf,
    /// Address for a plain read or write (`I2C_SLAVE`).
    chosen: u16,
    /// Whether the device was without power since its last acknowledged message.
    lost_power: bool,
}

impl Bus {
    pub(crate) fn new(address: u16, log: Box<dyn Write>, silent: &Path) -> Self {
        Self { address, log, silent: silent.to_owned(), chosen: 0, lost_power: true }
    }

    /// Reads from `to`, or from the address that the caller chose.
    pub(crate) fn read(&mut self, to: Option<u16>, bytes: &mut [u8]) -> Result<(), i32> {
        self.acknowledges(to.unwrap_or(self.chosen))?;
        bytes.fill(STATUS);
        Ok(())
    }

    /// Writes one message.
    pub(crate) fn write(&mut self, to: Option<u16>, bytes: &[u8]) -> Result<(), i32> {
        let to = to.unwrap_or(self.chosen);
        self.acknowledges(to)?;
        let bytes: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.tell(&format!("W {to:02x} {bytes}\n"));
        Ok(())
    }

    /// A device that does not acknowledge counts as without power.
    fn acknowledges(&mut self, to: u16) -> Result<(), i32> {
        let silent = self.silent.exists();
        if silent || to != self.address {
            self.lost_power |= silent;
            self.tell(&format!("N {to:02x}\n"));
            return Err(-NOT_ACKNOWLEDGED);
        }
        if std::mem::take(&mut self.lost_power) {
            self.tell("P\n");
        }
        Ok(())
    }

    fn tell(&mut self, line: &str) {
        if let Err(error) = self.log.write_all(line.as_bytes()) {
            eprintln!("emocue-guest: the log cannot be written: {error}");
        }
    }

    /// One ioctl; `given` is the caller's memory that was requested before, `wanted` the largest number of bytes to
    /// return.
    pub(crate) fn ioctl(
        &mut self,
        command: u32,
        argument: u64,
        given: &[u8],
        wanted: usize,
    ) -> Result<Ioctl, i32> {
        let done = |result, bytes| Ok(Ioctl::Done { result, bytes });
        match command {
            I2C_SLAVE | I2C_SLAVE_FORCE => {
                self.chosen = u16::try_from(argument).map_err(|_| -INVALID)?;
                done(0, Vec::new())
            }
            I2C_RETRIES | I2C_TIMEOUT | I2C_TENBIT | I2C_PEC => done(0, Vec::new()),
            I2C_FUNCS if wanted == 0 => {
                Ok(Ioctl::Needs { input: Vec::new(), output: vec![(argument, 8)] })
            }
            I2C_FUNCS => done(0, I2C_FUNC_I2C.to_le_bytes().to_vec()),
            I2C_RDWR => self.transfer(argument, given, wanted).unwrap_or(Err(-INVALID)),
            _ => Err(-NOT_FOR_THIS_DEVICE),
        }
    }

    /// `I2C_RDWR`: requests the list of messages, then their buffers, then transfers. `None` when the memory is too
    /// short.
    fn transfer(
        &mut self,
        argument: u64,
        given: &[u8],
        wanted: usize,
    ) -> Option<Result<Ioctl, i32>> {
        let head = (argument, RDWR as u64);
        if given.is_empty() {
            return Some(Ok(Ioctl::Needs { input: vec![head], output: Vec::new() }));
        }
        let list = u64::from_le_bytes(*given.first_chunk()?);
        let count = u32::from_le_bytes(*given.get(8..)?.first_chunk()?);
        let list = (list, u64::from(count) * MESSAGE as u64);
        if given.len() == RDWR {
            return Some(Ok(Ioctl::Needs { input: vec![head, list], output: Vec::new() }));
        }
        let (messages, mut bytes) = given.get(RDWR..)?.split_at_checked(list.1 as usize)?;
        let messages: Vec<_> = messages.chunks_exact(MESSAGE).filter_map(Message::read).collect();
        let memory = |reads: bool| {
            let of_kind = messages.iter().filter(move |message| message.reads() == reads);
            of_kind.map(|message| (message.address, u64::from(message.length)))
        };
        if bytes.is_empty() && wanted == 0 && memory(true).chain(memory(false)).any(|(_, n)| n > 0)
        {
            let input = [head, list].into_iter().chain(memory(false)).collect();
            return Some(Ok(Ioctl::Needs { input, output: memory(true).collect() }));
        }
        let mut read = Vec::new();
        for message in &messages {
            let length = usize::from(message.length);
            let heard = if message.reads() {
                let from = read.len();
                read.resize(from + length, 0);
                self.read(Some(message.to), &mut read[from..])
            } else {
                let (now, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                self.write(Some(message.to), now)
            };
            if let Err(error) = heard {
                return Some(Err(error));
            }
        }
        Some(Ok(Ioctl::Done { result: count, bytes: read }))
    }
}

/// `struct i2c_msg`.
struct Message {
    to: u16,
    flags: u16,
    length: u16,
    address: u64,
}

impl Message {
    fn read(bytes: &[u8]) -> Option<Self> {
        let half = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let address = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        Some(Self { to: half(0)?, flags: half(2)?, length: half(4)?, address })
    }

    fn reads(&self) -> bool {
        self.flags & I2C_M_RD != 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn bus(silent: &str) -> (Bus, Log) {
        let log = Log::default();
        (Bus::new(0x3c, Box::new(log.clone()), Path::new(silent)), log)
    }

    const NEVER: &str = "/nowhere/silent";

    #[test]
    fn a_plain_write_reaches_whom_the_caller_chose() {
        let (mut bus, log) = bus(NEVER);
        assert_eq!(bus.write(None, &[0xae]), Err(-NOT_ACKNOWLEDGED));
        bus.ioctl(I2C_SLAVE, 0x3c, &[], 0).unwrap();
        assert_eq!(bus.write(None, &[0x00, 0xaf]), Ok(()));
        assert_eq!(log.text(), "N 00\nP\nW 3c 00af\n");
    }

    #[test]
    fn a_combined_transfer_asks_for_its_memory_in_two_steps() {
        let (mut bus, log) = bus(NEVER);
        let Ok(Ioctl::Needs { input, .. }) = bus.ioctl(I2C_RDWR, 1000, &[], 0) else {
            panic!("asks for nothing")
        };
        assert_eq!(input, [(1000, 16)]);
        let mut given = [2000_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat();
        let Ok(Ioctl::Needs { input, .. }) = bus.ioctl(I2C_RDWR, 1000, &given, 0) else {
            panic!("asks for no messages")
        };
        assert_eq!(input, [(1000, 16), (2000, 32)]);
        for (flags, length, address) in [(0_u16, 3_u16, 3000_u64), (I2C_M_RD, 1, 4000)] {
            given.extend([0x3c_u16, flags, length, 0].iter().flat_map(|half| half.to_le_bytes()));
            given.extend(address.to_le_bytes());
        }
        let needs = bus.ioctl(I2C_RDWR, 1000, &given, 0).unwrap();
        let input = vec![(1000, 16), (2000, 32), (3000, 3)];
        assert_eq!(needs, Ioctl::Needs { input, output: vec![(4000, 1)] });
        given.extend([0x40, 0xff, 0x18]);
        let done = bus.ioctl(I2C_RDWR, 1000, &given, 1).unwrap();
        assert_eq!(done, Ioctl::Done { result: 2, bytes: vec![STATUS] });
        assert_eq!(log.text(), "P\nW 3c 40ff18\n");
    }

    #[test]
    fn nobody_answers_at_another_address_or_while_silent() {
        let silent = std::env::current_exe().unwrap();
        let (mut quiet, log) = bus(silent.to_str().unwrap());
        assert_eq!(quiet.write(Some(0x3c), &[0]), Err(-NOT_ACKNOWLEDGED));
        assert_eq!(log.text(), "N 3c\n");
        let (mut other, _) = bus(NEVER);
        assert_eq!(other.read(Some(0x3d), &mut [0]), Err(-NOT_ACKNOWLEDGED));
    }

    #[test]
    fn memory_that_is_too_short_is_refused() {
        let (mut bus, _) = bus(NEVER);
        let given = [2000_u64.to_le_bytes(), 9_u64.to_le_bytes(), [0; 8]].concat();
        assert_eq!(bus.ioctl(I2C_RDWR, 1000, &given, 0), Err(-INVALID));
        assert_eq!(bus.ioctl(0x9999, 0, &[], 0), Err(-NOT_FOR_THIS_DEVICE));
    }
}
