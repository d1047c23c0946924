//! Invalid input, described as pydantic does, the validator of the older backends, so that their clients recognize it.

use std::{borrow::Cow, fmt};

/// An input that violates a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The input's name, in the words of the API.
    pub field: Cow<'static, str>,
    /// The item of the input, if that is a list.
    pub index: Option<usize>,
    /// The rule.
    pub violation: Violation,
    /// The object that has the input, if it is one of several.
    pub object: Option<&'static str>,
    /// The item of a list that the input is or belongs to.
    pub item: Option<ListItem>,
    /// The invalid value, if it may be sent back to the client.
    pub input: Option<Box<serde_json::Value>>,
}

impl FieldError {
    /// A violation in the input of this name.
    #[must_use]
    pub const fn new(field: &'static str, violation: Violation) -> Self {
        Self { field: Cow::Borrowed(field), index: None, violation, object: None, item: None, input: None }
    }

    /// An input that has no rule, because nothing reads it.
    #[must_use]
    pub fn unknown(field: String, input: serde_json::Value) -> Self {
        let unknown = Self::new("", Violation::Unknown).with_input(input);
        Self { field: field.into(), ..unknown }
    }

    /// In this item of the input, which is a list.
    #[must_use]
    pub fn in_item(self, index: Option<usize>) -> Self {
        Self { index, ..self }
    }

    /// Adds the object that has the input.
    #[must_use]
    pub fn of(self, object: &'static str) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Adds the item of a list.
    #[must_use]
    pub fn at(self, list: &'static str, index: usize) -> Self {
        Self { item: Some(ListItem { list, index }), ..self }
    }

    /// Adds the invalid value.
    #[must_use]
    pub fn with_input(self, input: impl Into<serde_json::Value>) -> Self {
        Self { input: Some(Box::new(input.into())), ..self }
    }
}

/// An item of a list in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListItem {
    /// The name of the list.
    pub list: &'static str,
    /// The item's index.
    pub index: usize,
}

/// The rule that an input violates, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A required input is missing.
    Missing,
    /// Not an object.
    NotAnObject,
    /// Not a string.
    NotAString,
    /// Of a type that can't stand for a boolean.
    NotABoolean,
    /// A string or number that doesn't stand for a boolean.
    UnclearBoolean,
    /// Not an integer.
    NotAnInteger,
    /// Fewer characters than allowed.
    TooShort(usize),
    /// More characters than allowed.
    TooLong(usize),
    /// More items than allowed.
    TooMany(usize),
    /// Not a list.
    NotAList,
    /// White space only.
    Blank,
    /// A control character where none is allowed.
    ControlCharacter,
    /// A number below the smallest allowed.
    TooSmall(i64),
    /// A number above the largest allowed.
    TooLarge(i64),
    /// Not a UUID.
    Uuid,
    /// Neither a date nor a date with a time.
    DateTime,
    /// Not a time of day.
    Time,
    /// Not the name of a time zone.
    TimeZone,
    /// Nothing reads this input.
    Unknown,
    /// Not one of the allowed words.
    NotOneOf(&'static [&'static str]),
    /// Not a valid cursor.
    Cursor,
    /// A cursor for a different list: another sort, status, search or filter.
    CursorOfAnotherList,
    /// Another rule, in words.
    Custom(&'static str),
    /// An update without any field.
    NothingToUpdate,
}

impl Violation {
    /// pydantic's error type.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotAnObject => "model_attributes_type",
            Self::NotAString => "string_type",
            Self::NotABoolean => "bool_type",
            Self::UnclearBoolean => "bool_parsing",
            Self::NotAnInteger => "int_parsing",
            Self::TooShort(_) => "string_too_short",
            Self::TooLong(_) => "string_too_long",
            Self::TooMany(_) => "too_long",
            Self::NotAList => "list_type",
            Self::TooSmall(_) => "greater_than_equal",
            Self::TooLarge(_) => "less_than_equal",
            Self::Uuid => "uuid_parsing",
            Self::NotOneOf(_) => "enum",
            Self::DateTime => "datetime_parsing",
            Self::Time => "time_parsing",
            Self::Unknown => "extra_forbidden",
            Self::Blank
            | Self::ControlCharacter
            | Self::TimeZone
            | Self::Cursor
            | Self::CursorOfAnotherList
            | Self::Custom(_)
            | Self::NothingToUpdate => "value_error",
        }
    }

    /// The allowed words, as in the message; empty for other rules.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::NotOneOf(words) => OneOf(words).to_string(),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Field required"),
            Self::NotAnObject => f.write_str("Input should be a valid dictionary or object to extract fields from"),
            Self::NotAString => f.write_str("Input should be a valid string"),
            Self::NotABoolean => f.write_str("Input should be a valid boolean"),
            Self::UnclearBoolean => f.write_str("Input should be a valid boolean, unable to interpret input"),
            Self::NotAnInteger => f.write_str("Input should be a valid integer, unable to parse string as an integer"),
            Self::TooShort(min) => write!(f, "String should have at least {min} character{}", plural(*min)),
            Self::TooLong(max) => write!(f, "String should have at most {max} character{}", plural(*max)),
            Self::NotAList => f.write_str("Input should be a valid list"),
            Self::TooMany(max) => write!(f, "List should have at most {max} item{}", plural(*max)),
            Self::Blank => f.write_str("Value error, must not be blank"),
            Self::ControlCharacter => f.write_str("Value error, must not contain control characters"),
            Self::TooSmall(min) => write!(f, "Input should be greater than or equal to {min}"),
            Self::TooLarge(max) => write!(f, "Input should be less than or equal to {max}"),
            Self::Uuid => f.write_str("Input should be a valid UUID"),
            Self::NotOneOf(words) => write!(f, "Input should be {}", OneOf(words)),
            Self::DateTime => f.write_str("Input should be a valid date or datetime"),
            Self::Time => f.write_str("Input should be a valid time"),
            Self::TimeZone => f.write_str("Value error, not the name of a time zone, like Europe/Berlin"),
            Self::Unknown => f.write_str("Extra inputs are not permitted"),
            Self::Cursor => f.write_str("Value error, not a valid cursor"),
            Self::CursorOfAnotherList => {
                f.write_str("Value error, the cursor is for a list with a different sort, status, search or filter")
            }
            Self::Custom(rule) => write!(f, "Value error, {rule}"),
            Self::NothingToUpdate => f.write_str("Value error, give at least one field to update"),
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// `'a', 'b' or 'c'`
struct OneOf(&'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(f, "{separator}'{word}'")?;
        }
        Ok(())
    }
}
