//! Counts over five minutes, and their encoding.

use emocue_models::label::Expression;

use crate::INTERVAL_S;

/// An answer that a journal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// A face looked like this.
    Looks(Expression),
    /// A face was there, and the answer was "unsure".
    Unsure,
}

impl Counted {
    /// Each of them, in the order of a record's counts. It is fixed, whatever the order of label sets.
    pub const ALL: [Self; 9] = [
        Self::Looks(Expression::Neutral),
        Self::Looks(Expression::Happiness),
        Self::Looks(Expression::Surprise),
        Self::Looks(Expression::Sadness),
        Self::Looks(Expression::Anger),
        Self::Looks(Expression::Disgust),
        Self::Looks(Expression::Fear),
        Self::Looks(Expression::Contempt),
        Self::Unsure,
    ];

    /// The noun that label sets use, or `"unsure"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Looks(expression) => expression.name(),
            Self::Unsure => "unsure",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Looks(Expression::Neutral) => 0,
            Self::Looks(Expression::Happiness) => 1,
            Self::Looks(Expression::Surprise) => 2,
            Self::Looks(Expression::Sadness) => 3,
            Self::Looks(Expression::Anger) => 4,
            Self::Looks(Expression::Disgust) => 5,
            Self::Looks(Expression::Fear) => 6,
            Self::Looks(Expression::Contempt) => 7,
            Self::Unsure => 8,
        }
    }
}

impl From<Expression> for Counted {
    fn from(expression: Expression) -> Self {
        Self::Looks(expression)
    }
}

/// How often each answer was settled on, `0..=65535`; counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u16; Counted::ALL.len()]);

impl Counts {
    /// How often `answer` was settled on.
    pub const fn of(&self, answer: Counted) -> u16 {
        self.0[answer.index()]
    }

    /// Counts `answer` `times` more.
    pub const fn add(&mut self, answer: Counted, times: u16) {
        let count = &mut self.0[answer.index()];
        *count = count.saturating_add(times);
    }

    /// All of them together.
    pub fn total(&self) -> u32 {
        self.0.iter().map(|count| u32::from(*count)).sum()
    }

    /// Each answer with its count, in the order of [`Counted::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Counted, u16)> + '_ {
        Counted::ALL.into_iter().zip(self.0)
    }
}

/// Five minutes by the badge's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Which five minutes: Unix time / 300 s.
    pub slot: u32,
    /// Time in which the camera streamed, s, at most 300.
    pub streamed_s: u16,
    /// How often each answer was settled on.
    pub counts: Counts,
}

/// Bytes of an interval.
pub(crate) const LENGTH: usize = 4 + 2 + 2 * Counted::ALL.len();

impl Interval {
    /// When it begins, Unix time, s.
    pub const fn begins(&self) -> u64 {
        self.slot as u64 * INTERVAL_S as u64
    }

    /// Whether nothing happened in it.
    pub fn is_empty(&self) -> bool {
        self.streamed_s == 0 && self.counts.total() == 0
    }

    pub(crate) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&self.slot.to_le_bytes());
        let streamed = self.streamed_s.min(INTERVAL_S as u16);
        bytes[4..6].copy_from_slice(&streamed.to_le_bytes());
        for (place, count) in bytes[6..].chunks_exact_mut(2).zip(self.counts.0) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        bytes
    }

    /// `None` for values that no badge writes.
    pub(crate) fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (slot, rest) = bytes.split_first_chunk()?;
        let (streamed, rest) = rest.split_first_chunk()?;
        let mut counts = Counts::default();
        for (count, place) in counts.0.iter_mut().zip(rest.chunks_exact(2)) {
            *count = u16::from_le_bytes([place[0], place[1]]);
        }
        let streamed_s = u16::from_le_bytes(*streamed);
        let interval = Self { slot: u32::from_le_bytes(*slot), streamed_s, counts };
        (u32::from(streamed_s) <= INTERVAL_S).then_some(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_the_same_bytes_in_every_release() {
        let mut counts = Counts::default();
        for (times, answer) in (1..).zip(Counted::ALL) {
            counts.add(answer, times);
        }
        let interval = Interval { slot: 0x0a0b_0c0d, streamed_s: 299, counts };
        let bytes = interval.encode();
        let expected =
            [13, 12, 11, 10, 43, 1, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0];
        assert_eq!(bytes, expected);
        assert_eq!(Interval::decode(&bytes), Some(interval));
        assert_eq!(interval.begins(), 0x0a0b_0c0d * 300);
        let names = Counted::ALL.map(Counted::name);
        assert_eq!((names[1], names[6], names[8]), ("happiness", "fear", "unsure"));
    }

    #[test]
    fn counts_stop_at_their_end_and_seconds_at_theirs() {
        let mut counts = Counts::default();
        counts.add(Counted::Unsure, u16::MAX);
        counts.add(Counted::Unsure, 5);
        assert_eq!((counts.of(Counted::Unsure), counts.total()), (u16::MAX, 65535));
        let long = Interval { streamed_s: 900, ..Interval::default() };
        assert_eq!(Interval::decode(&long.encode()).unwrap().streamed_s, 300);
        let mut bytes = long.encode();
        bytes[4] = 45;
        assert_eq!(Interval::decode(&bytes), None);
    }
}
