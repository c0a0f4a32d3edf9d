//! The badge's configuration: one TOML file over a board's profile.
