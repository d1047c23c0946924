//! Lenient reading of JSON objects, as pydantic does it: unknown fields are ignored, words and numbers can stand for
//! booleans, and all errors are reported at once.

use serde_json::{Map, Value};

use crate::{
    resolvers::MAX_MANY,
    task::{Description, FieldError, TaskId, Title, Violation},
};

/// An object that can be read field by field.
pub(in crate::rest) trait FromFields: Sized {
    /// Whether a request may leave the body out.
    const IS_OPTIONAL: bool = false;

    /// `None` only if an error was recorded.
    fn from_fields(fields: &mut Fields) -> Option<Self>;

    /// Reads an object, or reports everything that is wrong with it.
    fn from_object(object: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields { object, errors: Vec::new() };
        match Self::from_fields(&mut fields) {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(fields.errors),
        }
    }
}

/// The value of one field.
pub(in crate::rest) trait FromJson: Sized {
    fn from_json(value: Value) -> Result<Self, Violation>;
}

/// One entry of a list. It can be wrong in several ways.
pub(in crate::rest) trait FromItem: Sized {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>>;
}

/// The fields of an object, and the errors found so far.
pub(in crate::rest) struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(in crate::rest) fn required<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        let Some(value) = self.object.remove(name) else {
            self.errors.push(FieldError::new(name, Violation::Missing).given(self.object.clone()));
            return None;
        };
        self.read(name, value)
    }

    /// Null counts as omitted.
    pub(in crate::rest) fn optional<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        self.clearable(name).flatten()
    }

    /// `None` if omitted, `Some(None)` if null.
    pub(in crate::rest) fn clearable<T: FromJson>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.object.remove(name)? {
            Value::Null => Some(None),
            value => self.read(name, value).map(Some),
        }
    }

    /// A list of at most [`MAX_MANY`] items. Errors name the item's index.
    pub(in crate::rest) fn list<T: FromItem>(&mut self, name: &'static str) -> Option<Vec<T>> {
        let Items(items) = self.optional(name)?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match T::from_item(item) {
                Ok(value) => values.push(value),
                Err(errors) => self.errors.extend(errors.into_iter().map(|error| error.at(name, index))),
            }
        }
        Some(values)
    }

    /// Whether a field has a value other than null.
    pub(in crate::rest) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// Records an error of the object as a whole.
    pub(in crate::rest) fn reject(&mut self, violation: Violation) {
        self.errors.push(FieldError::new("", violation).given(self.object.clone()));
    }

    fn read<T: FromJson>(&mut self, name: &'static str, value: Value) -> Option<T> {
        let input = value.clone();
        T::from_json(value).map_err(|violation| self.errors.push(FieldError::new(name, violation).given(input))).ok()
    }
}

impl FromJson for String {
    fn from_json(value: Value) -> Result<Self, Violation> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Violation::NotAString),
        }
    }
}

impl FromJson for Title {
    fn from_json(value: Value) -> Result<Self, Violation> {
        String::from_json(value)?.try_into()
    }
}

impl FromJson for Description {
    fn from_json(value: Value) -> Result<Self, Violation> {
        String::from_json(value)?.try_into()
    }
}

impl FromJson for bool {
    fn from_json(value: Value) -> Result<Self, Violation> {
        match value {
            Value::Bool(value) => Ok(value),
            Value::Number(number) => match number.as_f64() {
                Some(0.0) => Ok(false),
                Some(1.0) => Ok(true),
                Some(number) if number.fract() == 0.0 => Err(Violation::UnclearBoolean),
                _ => Err(Violation::NotABoolean),
            },
            Value::String(word) => boolean(&word),
            _ => Err(Violation::NotABoolean),
        }
    }
}

/// The words that pydantic takes for a boolean.
pub(in crate::rest) fn boolean(word: &str) -> Result<bool, Violation> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(Violation::UnclearBoolean),
    }
}

struct Items(Vec<Value>);

impl FromJson for Items {
    fn from_json(value: Value) -> Result<Self, Violation> {
        match value {
            Value::Array(items) if items.len() > MAX_MANY => Err(Violation::TooMany(MAX_MANY)),
            Value::Array(items) => Ok(Self(items)),
            _ => Err(Violation::NotAList),
        }
    }
}

impl FromItem for TaskId {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>> {
        let parsed = item.as_str().ok_or(Violation::NotAString).and_then(str::parse);
        parsed.map_err(|violation| vec![FieldError::new("", violation).given(item)])
    }
}

impl<T: FromFields> FromItem for T {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>> {
        match item {
            Value::Object(object) => Self::from_object(object),
            other => Err(vec![FieldError::new("", Violation::NotAnObject).given(other)]),
        }
    }
}
