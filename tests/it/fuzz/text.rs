//! Text and JSON that users, programs and attackers might send.

use proptest::{collection, prelude::*, sample::select};
use serde_json::{Map, Number, Value};

const SPECIAL: [&str; 18] = [
    "",
    " ",
    "null",
    "0",
    "-1",
    "1e999",
    "9223372036854775808",
    "true",
    "a\0b",
    "\u{feff}",
    "\u{202e}x",
    "%00",
    "'; --",
    "\\",
    "🐝",
    "İ",
    "a\u{301}",
    "\u{ffff}",
];

/// Any text, mostly short.
pub fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[ -~]{0,20}",
        2 => any::<String>(),
        2 => select(&SPECIAL[..]).prop_map(str::to_owned),
        1 => (1..3000_usize, select(&["x", "é", "🐝", "["][..])).prop_map(|(count, unit)| unit.repeat(count)),
    ]
    .boxed()
}

/// Any JSON.
pub fn json() -> BoxedStrategy<Value> {
    let number = prop_oneof![any::<i64>().prop_map(Number::from), any::<u64>().prop_map(Number::from)];
    let fraction = any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        fraction,
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            collection::vec((text(), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
    .boxed()
}

/// An object with some of these fields, each of them mostly as it should be.
pub fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, good)| {
            let value = prop_oneof![6 => good, 1 => json()];
            proptest::option::weighted(0.6, value).prop_map(move |value| Some((name.to_owned(), value?)))
        })
        .collect();
    let unknown = proptest::option::weighted(0.1, (text(), json()));
    (fields, unknown)
        .prop_map(|(known, unknown)| Value::Object(known.into_iter().flatten().chain(unknown).collect::<Map<_, _>>()))
        .boxed()
}

/// The bytes, sometimes damaged: truncated, one changed, or with more appended.
pub fn damaged(bytes: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    let change = prop_oneof![
        12 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8).prop_map(Some),
    ];
    (bytes, change)
        .prop_map(|(mut bytes, change)| {
            let Some((at, byte, how)) = change.filter(|_| !bytes.is_empty()) else { return bytes };
            let at = at.index(bytes.len());
            match how {
                0 => bytes.truncate(at),
                1 => bytes[at] = byte,
                _ => bytes.push(byte),
            }
            bytes
        })
        .boxed()
}
