//! JSON from untrusted sources: settings whose errors name the field, and a check for duplicate keys.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::setting::Settings;

/// Reads settings such as [`Config`](crate::arch::Config) and [`Recipe`](crate::train::Recipe) from the fields of an
/// object; any of them may be missing.
///
/// # Errors
/// A message that names the unknown or mistyped field.
pub fn settings<T: Settings>(fields: &Map<String, Value>) -> Result<T, String> {
    let mut settings = T::default();
    for (name, value) in fields {
        settings.set(name, value).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(settings)
}

/// The first duplicate key of any object in this JSON; parsers silently keep the last one. Invalid JSON has none.
pub fn doubled_key(json: &str) -> Option<String> {
    serde_json::from_str(json).ok().and_then(|Doubled(key)| key)
}

struct Doubled(Option<String>);

impl<'de> Deserialize<'de> for Doubled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Doubled;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Doubled, A::Error> {
        let (mut seen, mut found) = (Map::new(), None);
        while let Some(key) = map.next_key::<String>()? {
            let Doubled(within) = map.next_value()?;
            let again = seen.insert(key.clone(), Value::Null).is_some();
            found = found.or(again.then_some(key)).or(within);
        }
        Ok(Doubled(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Doubled, A::Error> {
        let mut found = None;
        while let Some(Doubled(within)) = items.next_element()? {
            found = found.or(within);
        }
        Ok(Doubled(found))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }

    fn visit_unit<E>(self) -> Result<Doubled, E> {
        Ok(Doubled(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Config;

    #[test]
    fn a_duplicate_key_is_found() {
        assert_eq!(doubled_key(r#"{"a": 1, "b": [true, null, -1, 0.5, "a"], "c": {"a": 2}}"#), None);
        assert_eq!(doubled_key(r#"{"a": 1, "b": 2, "a": 1}"#).as_deref(), Some("a"));
        assert_eq!(doubled_key(r#"{"a": [{"b": {"c": 1, "d": 2, "c": 1}}]}"#).as_deref(), Some("c"));
        assert_eq!(doubled_key(r#"{"a": 1, "a": "#), None, "no JSON");
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let error = |json: &str| {
            let fields: Map<String, Value> = serde_json::from_str(json).unwrap();
            settings::<Config>(&fields).unwrap_err()
        };
        assert_eq!(error(r#"{"width": null}"#), "width: invalid type: null, expected f64");
        assert!(error(r#"{"classes": 2, "colour": 1}"#).starts_with("colour: unknown field"));
    }
}
