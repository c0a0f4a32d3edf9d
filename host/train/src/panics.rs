//! The message of a library's panic, to report it as an error.

use std::any::Any;

/// The message of a caught panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
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
