//! Output that nobody reads any more, or that cannot be kept.

use emocue_models::failure::exit;

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
                std::process::exit(i32::from(exit::OUTPUT));
            }
            None => usual(panic),
        }
    }));
}
