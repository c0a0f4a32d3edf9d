//! Standard output and error. Control characters are escaped, since text may come from a badge, a bundle, a dataset or
//! another program. The program ends when its output cannot be written.

use std::fmt;
use std::io::{self, Write as _};

use emocue_models::failure::exit;
use emocue_models::plain::{PlainWriter, plain};

/// Prints to standard output, as [`print!`] does.
#[macro_export]
macro_rules! out {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

/// Prints a line to standard output, as [`println!`] does.
#[macro_export]
macro_rules! outln {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a line to standard error.
#[macro_export]
macro_rules! errln {
    ($($text:tt)*) => { $crate::output::print_error(format_args!($($text)*)) };
}

pub use crate::{errln, out, outln};

/// Prints to standard output.
#[expect(clippy::disallowed_macros, reason = "here everything is escaped")]
pub fn print(text: fmt::Arguments<'_>) {
    print!("{}", plain(&text.to_string()));
}

/// Prints a line to standard error, which may be closed.
pub fn print_error(line: fmt::Arguments<'_>) {
    let _ = writeln!(PlainWriter(io::stderr()), "{line}");
}

/// Exit code that a shell reports for a program that SIGPIPE ended: 128 plus the signal's number.
const CLOSED_PIPE: i32 = 141;

/// Ends the program where `println!` would panic: silently when the pipe is closed, as in `emocue eval … | head`, and
/// with a message when the output cannot be written, as on a full disk.
///
/// Rust ignores SIGPIPE, so that a closed cable or SSH connection is an ordinary error.
pub fn end_when_output_fails() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        match said.strip_prefix("failed printing to stdout: ") {
            Some(reason) if reason.contains("Broken pipe") => std::process::exit(CLOSED_PIPE),
            Some(reason) => {
                errln!("error: cannot write the output: {reason}");
                std::process::exit(i32::from(exit::OUTPUT));
            }
            None => usual(panic),
        }
    }));
}
