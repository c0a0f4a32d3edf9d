//! What a library's panic said, so that it can be told as an error, and the one that is none.

use std::any::Any;

/// The message of a caught panic.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// What a shell calls a program that a closed pipe ended: 128 and SIGPIPE's number.
const CLOSED_PIPE: i32 = 141;

/// Ends the program where `println!` would panic: quietly when nobody reads its output any more, as in
/// `emocue eval … | head`, and with a message when the output cannot be kept, as on a full disk.
///
/// Rust ignores SIGPIPE, so that a cable or an SSH connection that closes is an error like others.
pub fn end_when_output_fails() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        match said.strip_prefix("failed printing to stdout: ") {
            Some(reason) if reason.contains("Broken pipe") => std::process::exit(CLOSED_PIPE),
            Some(reason) => {
                eprintln!("error: cannot write the output: {reason}");
                std::process::exit(1);
            }
            None => usual(panic),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_messages_are_read() {
        let said =
            |panic: fn()| message(std::panic::catch_unwind(panic).unwrap_err().as_ref()).to_owned();
        assert_eq!(said(|| panic!("plain")), "plain");
        assert_eq!(said(|| panic!("number {}", 3)), "number 3");
        assert_eq!(said(|| std::panic::panic_any(7)), "no message");
    }
}
