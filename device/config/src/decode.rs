//! A serde deserializer for TOML values that keeps the position of each in the text.

use std::slice::Iter;
use std::vec::IntoIter;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor,
};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::decode_error::{DecodeError, DecodeProblem};

/// Deserializes a table.
pub(crate) fn decode<'de, T: Deserialize<'de>>(table: &DeTable<'_>) -> Result<T, DecodeError> {
    T::deserialize(MapAccessDeserializer::new(Entries::of(table)))
}

/// A table's entries in the order of the text, so that the first mistake is found first.
struct Entries<'d> {
    rest: IntoIter<(&'d Spanned<DeString<'d>>, &'d Spanned<DeValue<'d>>)>,
    /// The value of the key that was read last.
    next: Option<(&'d str, Node<'d>)>,
}

impl<'d> Entries<'d> {
    fn of(table: &'d DeTable<'d>) -> Self {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        Self { rest: entries.into_iter(), next: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.next = Some((key.get_ref(), Node(value)));
        let name = StrDeserializer::new(key.get_ref());
        seed.deserialize(name).map(Some).map_err(|error: DecodeError| error.at(key.span()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((key, node)) = self.next.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(node).map_err(|error| error.at(node.0.span()).below(key))
    }
}

/// An array's elements.
struct Elements<'d>(Iter<'d, Spanned<DeValue<'d>>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(value) = self.0.next() else { return Ok(None) };
        seed.deserialize(Node(value)).map(Some).map_err(|error| error.at(value.span()))
    }
}

/// A value in its text.
#[derive(Clone, Copy)]
struct Node<'d>(&'d Spanned<DeValue<'d>>);

impl Node<'_> {
    fn integer(&self) -> Option<i64> {
        let digits = self.0.get_ref().as_integer()?;
        i64::from_str_radix(digits.as_str(), digits.radix()).ok()
    }

    fn float(&self) -> Option<f64> {
        let digits = self.0.get_ref().as_float()?.as_str();
        digits.parse().ok().filter(|number: &f64| !number.is_infinite() || digits.contains("inf"))
    }

    /// A word; in TOML's serde a table with the word as its only key and nothing below it is the same.
    fn word(&self) -> Option<&str> {
        match self.0.get_ref() {
            DeValue::String(word) => Some(word),
            DeValue::Table(table) if table.len() == 1 => {
                let (word, below) = table.iter().next()?;
                let nothing = match below.get_ref() {
                    DeValue::Table(table) => table.is_empty(),
                    DeValue::Array(array) => array.is_empty(),
                    _ => false,
                };
                nothing.then_some(word.get_ref())
            }
            _ => None,
        }
    }

    /// What it is, for an error.
    fn found(&self) -> Unexpected<'_> {
        const LARGE: Unexpected = Unexpected::Other("number that is too large");
        match self.0.get_ref() {
            DeValue::String(text) => Unexpected::Str(text),
            DeValue::Boolean(value) => Unexpected::Bool(*value),
            DeValue::Integer(_) => self.integer().map_or(LARGE, Unexpected::Signed),
            DeValue::Float(_) => self.float().map_or(LARGE, Unexpected::Float),
            DeValue::Datetime(_) => Unexpected::Other("date or time"),
            DeValue::Array(_) => Unexpected::Seq,
            DeValue::Table(_) => Unexpected::Map,
        }
    }
}

/// Methods that replace serde's description of the expected type by another one.
macro_rules! expecting {
    ($($method:ident: $words:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.deserialize_any(visitor).map_err(|error| error.expecting($words))
        })*
    };
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match (self.0.get_ref(), self.integer(), self.float()) {
            (DeValue::String(text), ..) => visitor.visit_str(text),
            (DeValue::Boolean(value), ..) => visitor.visit_bool(*value),
            (DeValue::Array(values), ..) => visitor.visit_seq(Elements(values.iter())),
            (DeValue::Table(table), ..) => visitor.visit_map(Entries::of(table)),
            (_, Some(number), _) => visitor.visit_i64(number),
            (_, _, Some(number)) => visitor.visit_f64(number),
            _ => Err(Error::invalid_type(self.found(), &visitor)),
        }
    }

    expecting! {
        deserialize_bool: "true or false",
        deserialize_str: "text in quotes",
        deserialize_string: "text in quotes",
        deserialize_seq: "a list in square brackets",
        deserialize_f32: "a number",
        deserialize_f64: "a number",
        deserialize_i64: "a whole number",
        deserialize_u8: "a whole number from 0 to 255",
        deserialize_u16: "a whole number from 0 to 65535",
        deserialize_u32: "a whole number from 0",
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    /// A table; serde would take an array too, for the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0.get_ref() {
            DeValue::Table(table) => visitor.visit_map(Entries::of(table)),
            DeValue::Array(_) => Err(DecodeError::new(DecodeProblem::ArrayForTable)),
            _ => {
                let found = format!("invalid type: {}", self.found());
                Err(DecodeError::new(DecodeProblem::NotATable { found }))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.word() {
            Some(word) => visitor.visit_enum(StrDeserializer::new(word)),
            None => {
                let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
                let expected = format!("one of {}", words.join(", "));
                Err(Error::invalid_type(self.found(), &expected.as_str()))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        u64 u128 i8 i16 i32 i128 char bytes byte_buf map unit ignored_any unit_struct tuple_struct tuple
        identifier
    }
}
