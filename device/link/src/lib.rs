//! Every byte between host and badge: [`message`] says what can be said, and nothing else can.

pub mod message;
