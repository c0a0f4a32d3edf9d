//! The embedded portraits of the self-test, both in the public domain (`pictures/CREDITS.md`).

/// An embedded portrait.
#[derive(Clone, Copy, Debug)]
pub struct Portrait {
    /// File name, as reports give it.
    pub file: &'static str,
    /// Who is on it.
    pub who: &'static str,
    /// Whose picture it is.
    pub credit: &'static str,
    /// The JPEG file.
    pub jpeg: &'static [u8],
}

/// Every embedded portrait.
pub const PORTRAITS: [Portrait; 2] = [
    Portrait {
        file: "astronaut.jpg",
        who: "Eileen Collins, astronaut",
        credit: "NASA, public domain",
        jpeg: include_bytes!("../pictures/astronaut.jpg"),
    },
    Portrait {
        file: "grace_hopper.jpg",
        who: "Rear Admiral Grace Hopper, computer scientist",
        credit: "United States Navy 1984, public domain",
        jpeg: include_bytes!("../pictures/grace_hopper.jpg"),
    },
];
