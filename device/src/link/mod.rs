//! The badge's side of the link: requests of a host, over a cable or from a login on the badge itself.

mod hub;
mod job;
#[cfg(unix)]
mod service;
pub mod settings;
mod side;

pub use hub::Hub;
pub use job::Programs;
#[cfg(unix)]
pub use service::{Service, socket};
pub use side::{BadgeService, Side};
