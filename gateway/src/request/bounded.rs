//! Reading JSON within limits: depth, length of texts and lists, NUL, repeated names. Each fault is noted with its place and
//! reading goes on, so that all come at once; only what is no JSON at all stops it.

use std::cell::RefCell;
use std::fmt;

use kernel::Faults;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep objects and lists may lie in each other.
const DEPTH_MAX: usize = 16;
/// The longest text anywhere in a body, in characters. An operation's own schema is stricter almost everywhere.
const TEXT_CHARACTERS_MAX: usize = 20_000;
/// The longest name of a field.
const NAME_BYTES_MAX: usize = 128;
/// The most things in one list or fields in one object.
const ITEMS_MAX: usize = 1_000;
/// The most faults that one answer tells.
pub(crate) const FAULTS_MAX: usize = 100;

/// The body is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson(pub(crate) String);

/// Reads bytes to a value, and what is wrong with it.
pub(crate) fn read(bytes: &[u8]) -> Result<(Value, Faults), NotJson> {
    let reading = Reading { faults: RefCell::new(Faults::none()), count: std::cell::Cell::new(0) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let place = Place { reading: &reading, pointer: String::new(), depth: 0 };
    let value = place.deserialize(&mut deserializer).map_err(|error| NotJson(error.to_string()))?;
    deserializer.end().map_err(|error| NotJson(error.to_string()))?;
    Ok((value, reading.faults.into_inner()))
}

/// A name as one step of a JSON Pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Reading {
    faults: RefCell<Faults>,
    count: std::cell::Cell<usize>,
}

struct Place<'a> {
    reading: &'a Reading,
    pointer: String,
    depth: usize,
}

impl Place<'_> {
    fn fault(&self, pointer: &str, code: &'static str, message: impl Into<String>) {
        let count = self.reading.count.get();
        if count < FAULTS_MAX {
            self.reading.count.set(count + 1);
            self.reading.faults.borrow_mut().push(pointer, code, message);
        }
    }

    fn below(&self, step: &str) -> Place<'_> {
        let pointer = format!("{}/{}", self.pointer, escape(step));
        Place { reading: self.reading, pointer, depth: self.depth + 1 }
    }

    fn text(&self, pointer: &str, text: &str) {
        if text.contains('\0') {
            self.fault(pointer, "nul", "holds a NUL character");
        }
        if text.len() > TEXT_CHARACTERS_MAX && text.chars().count() > TEXT_CHARACTERS_MAX {
            self.fault(pointer, "too_long", format!("is longer than {TEXT_CHARACTERS_MAX} characters"));
        }
    }

    fn too_deep(&self) -> bool {
        if self.depth >= DEPTH_MAX {
            self.fault(&self.pointer, "too_deep", format!("lies deeper than {DEPTH_MAX} levels"));
        }
        self.depth >= DEPTH_MAX
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        self.text(&self.pointer, text);
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let too_deep = self.too_deep();
        let mut count = 0_usize;
        loop {
            if too_deep || count >= ITEMS_MAX {
                if items.next_element::<IgnoredAny>()?.is_none() {
                    break;
                }
                if !too_deep && count == ITEMS_MAX {
                    self.fault(&self.pointer, "too_many", format!("has more than {ITEMS_MAX} entries"));
                }
            } else {
                match items.next_element_seed(self.below(&count.to_string()))? {
                    Some(item) => list.push(item),
                    None => break,
                }
            }
            count += 1;
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let too_deep = self.too_deep();
        while let Some(name) = fields.next_key::<String>()? {
            if too_deep {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            if name.len() > NAME_BYTES_MAX || object.len() >= ITEMS_MAX {
                self.fault(&self.pointer, "too_many", "has too many fields, or one with too long a name");
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let place = self.below(&name);
            place.text(&place.pointer, &name);
            let pointer = place.pointer.clone();
            let value = fields.next_value_seed(place)?;
            if object.insert(name, value).is_some() {
                self.fault(&pointer, "repeated", "stands there more than once");
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let (_, faults) = read(text.as_bytes()).unwrap();
        faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_fault_comes_with_its_place() {
        let text = format!(
            r#"{{"a/b": "x\u0000", "list": [1, {{"t": "{}"}}], "twice": 1, "twice": 2}}"#,
            "y".repeat(20_001)
        );
        assert_eq!(
            faults(&text),
            [("/a~1b".into(), "nul"), ("/list/1/t".into(), "too_long"), ("/twice".into(), "repeated")]
        );
    }

    #[test]
    fn deep_json_is_refused_with_a_place_however_deep() {
        for depth in [17, 100] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(faults(&text), [("/0".repeat(16), "too_deep")], "{depth}");
        }
        assert_eq!(faults(&format!("{}{}", "[".repeat(16), "]".repeat(16))), []);
    }

    #[test]
    fn long_lists_are_refused_once() {
        let list = vec!["1"; 5_000].join(",");
        assert_eq!(faults(&format!(r#"{{"list": [{list}]}}"#)), [("/list".into(), "too_many")]);
    }

    #[test]
    fn what_is_not_json_is_no_value() {
        for bad in ["", "{", "{}{}", "nul", "{'a':1}", "\u{feff}{}", "[1,]", "NaN", "1e999"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(read(b"\"\xff\"").is_err());
        // Deeper than serde_json itself goes: still an answer, never a crash.
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }
}
