//! Addresses of the form `ssh://user@host:port/root`.

use std::fmt;

use crate::shell::quote;

/// A badge's SSH server, and the root file system on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The user to log in as, if given.
    pub user: Option<String>,
    /// Host name or IP address of the badge.
    pub host: String,
    /// The server's port, if given.
    pub port: Option<u16>,
    /// The root folder without a trailing slash; empty for the running system's root.
    pub root: String,
}

impl Address {
    /// Parses what follows `ssh://`.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (place, root) = text.find('/').map_or((text, ""), |at| text.split_at(at));
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, place),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or("an IPv6 address ends with ]")?,
            None => place.find(':').map_or((place, ""), |at| place.split_at(at)),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(digits.parse().map_err(|_| "a port is a number up to 65535")?),
            None if port.is_empty() => None,
            None => return Err("only a port may follow the host"),
        };
        // A word that begins with a dash would be an option of ssh.
        let word = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:%".contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
        };
        if !word(host) || port == Some(0) {
            return Err("the host is missing or has characters that none has");
        }
        if !user.is_none_or(word) {
            return Err(
                "the user is missing or has characters that none has; leave out user@, or correct it",
            );
        }
        let root = root.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@:/".contains(c);
        if !root.chars().all(plain) || root.split('/').any(|part| part == "..") {
            return Err("the path may have letters, digits, - _ . + @ : only, and no ..");
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            root: root.to_owned(),
        })
    }

    /// The destination argument for `ssh`.
    pub fn destination(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }

    /// Its name in `known_hosts`.
    pub(super) fn known_as(&self) -> String {
        match self.port {
            Some(port) if port != 22 => format!("[{}]:{port}", self.host),
            _ => self.host.clone(),
        }
    }

    /// A command that the user can type.
    pub(super) fn by_hand(&self, command: &str) -> String {
        let port = self.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        format!("{command} {port}{}", quote(&self.destination()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str(&self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        for text in ["pi@badge.local", "badge", "root@10.0.0.7:2222", "pi@[fe80::1%eth0]:22/mnt/x"]
        {
            assert_eq!(Address::parse(text).unwrap().to_string(), format!("ssh://{text}"));
        }
        assert_eq!(Address::parse("pi@badge/").unwrap().root, "");
        assert_eq!(Address::parse("pi@badge:22/a/b/").unwrap().root, "/a/b");
        assert_eq!(Address::parse("badge:2222").unwrap().known_as(), "[badge]:2222");
        assert_eq!(Address::parse("pi@badge:22").unwrap().by_hand("ssh"), "ssh -p 22 pi@badge");
    }

    #[test]
    fn what_could_become_an_option_or_a_command_is_refused() {
        for text in [
            "",
            "@badge",
            "-oProxyCommand=x",
            "-l@badge",
            "pi@-x",
            "pi@badge:99999",
            "pi@badge:0",
            "pi@[::1",
            "pi@[::1]x",
            "pi@a b",
            "pi@badge;reboot",
            "pi@badge/a b",
            "pi@badge/a/../b",
            "pi@badge/$(x)",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
