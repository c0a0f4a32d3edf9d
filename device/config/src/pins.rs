//! Which pin has which role; as TOML `led = 27`, `led = { line = 27, active = "low" }` or `led = "none"`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One pin as the configuration describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The line's offset on its chip, which on a Raspberry Pi is the BCM number.
    pub line: u32,
    /// Whether "on" or "pressed" is a low level: a button to ground with a pull-up, an LED to the supply.
    pub active_low: bool,
}

/// Which pin has which role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Short press: next mode. Long press: pause, or resume.
    pub button: Option<Pin>,
    /// Lit exactly while the camera streams.
    pub led: Option<Pin>,
    /// A vibration motor, through a transistor; a pin itself cannot drive one.
    pub motor: Option<Pin>,
    /// A power board's warning that the battery is nearly empty.
    pub battery_low: Option<Pin>,
}

/// Every role's key, and whether its pin is active low by default: a button to ground, a power board that pulls its
/// warning low.
pub const ROLES: [(&str, bool); 4] =
    [("button", true), ("led", false), ("motor", false), ("battery_low", true)];

/// Every role with its pin, in the order of [`ROLES`].
pub(crate) fn of(pins: &Pins) -> [(&'static str, Option<Pin>); 4] {
    let [button, led, motor, battery_low] = ROLES.map(|(name, _)| name);
    [(button, pins.button), (led, pins.led), (motor, pins.motor), (battery_low, pins.battery_low)]
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    button: Role,
    led: Role,
    motor: Role,
    battery_low: Role,
}

#[derive(Clone, Copy, Default)]
struct Role(Option<Wire>);

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    line: u32,
    #[serde(default)]
    active: Option<Level>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    High,
    Low,
}

const NONE: &str = "none";

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(Wire { line, active: None }) => out.serialize_u32(*line),
            Some(wire) => wire.serialize(out),
            None => out.serialize_str(NONE),
        }
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RoleVisitor)
    }
}

struct RoleVisitor;

impl<'de> Visitor<'de> for RoleVisitor {
    type Value = Role;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, r#"a line such as 17, {{ line = 17, active = "low" }}, or "none""#)
    }

    fn visit_i64<E: Error>(self, line: i64) -> Result<Role, E> {
        let line =
            u32::try_from(line).map_err(|_| E::invalid_value(Unexpected::Signed(line), &self))?;
        Ok(Role(Some(Wire { line, active: None })))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Role, E> {
        match text {
            NONE => Ok(Role(None)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Role, A::Error> {
        Wire::deserialize(MapAccessDeserializer::new(map)).map(|wire| Role(Some(wire)))
    }
}

pub(crate) fn serialize<S: Serializer>(pins: &Pins, out: S) -> Result<S::Ok, S::Error> {
    let mut roles = of(pins).into_iter().zip(ROLES).map(|((_, pin), (_, usually_low))| {
        pin.map(|Pin { line, active_low }| {
            let active = if active_low { Level::Low } else { Level::High };
            Wire { line, active: (active_low != usually_low).then_some(active) }
        })
    });
    let mut next = || Role(roles.next().flatten());
    Table { button: next(), led: next(), motor: next(), battery_low: next() }.serialize(out)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Pins, D::Error> {
    let Table { button, led, motor, battery_low } = Table::deserialize(from)?;
    let mut roles = [button, led, motor, battery_low].into_iter().zip(ROLES).map(
        |(Role(wire), (_, usually_low))| {
            wire.map(|Wire { line, active }| Pin {
                line,
                active_low: active.map_or(usually_low, |active| active == Level::Low),
            })
        },
    );
    let mut next = || roles.next().flatten();
    Ok(Pins { button: next(), led: next(), motor: next(), battery_low: next() })
}
