//! Reads JSON objects as leniently as pydantic: unknown fields are ignored, booleans may be given as words or numbers, and
//! all errors are reported at once.

use serde_json::{Map, Value};

use crate::task::{Description, FieldError, MAX_BULK, TaskId, Title, Violation};

/// A type that is read from an object, field by field.
pub(crate) trait FromFields: Sized {
    /// Whether the body may be omitted.
    const IS_OPTIONAL: bool = false;

    /// Returns `None` only after recording an error.
    fn from_fields(fields: &mut Fields) -> Option<Self>;

    /// Reads an object, or returns all its errors.
    fn from_object(object: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields { object, errors: Vec::new() };
        match Self::from_fields(&mut fields) {
            Some(value) if fields.errors.is_empty() => Ok(value),
            _ => Err(fields.errors),
        }
    }
}

/// A type that is read from the value of one field.
pub(crate) trait FromJson: Sized {
    fn from_json(value: Value) -> Result<Self, Violation>;
}

/// A type that is read from an item of a list, which may have several errors.
pub(crate) trait FromItem: Sized {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>>;
}

/// The fields that are still unread, and the errors so far.
pub(crate) struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(crate) fn required<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        let Some(value) = self.object.remove(name) else {
            self.errors.push(FieldError::new(name, Violation::Missing).with_input(self.object.clone()));
            return None;
        };
        self.read(name, value)
    }

    /// Treats null as omitted.
    pub(crate) fn optional<T: FromJson>(&mut self, name: &'static str) -> Option<T> {
        self.clearable(name).flatten()
    }

    /// Returns `None` if omitted, `Some(None)` if null.
    pub(crate) fn clearable<T: FromJson>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.object.remove(name)? {
            Value::Null => Some(None),
            value => self.read(name, value).map(Some),
        }
    }

    /// Reads a list of at most [`MAX_BULK`] items.
    pub(crate) fn list<T: FromItem>(&mut self, name: &'static str) -> Option<Vec<T>> {
        let items: Vec<Value> = self.optional(name)?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match T::from_item(item) {
                Ok(value) => values.push(value),
                Err(errors) => self.errors.extend(errors.into_iter().map(|error| error.at(name, index))),
            }
        }
        Some(values)
    }

    /// Whether a field is present and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// Records an error of the object as a whole.
    pub(crate) fn fail(&mut self, violation: Violation) {
        self.errors.push(FieldError::new("", violation).with_input(self.object.clone()));
    }

    fn read<T: FromJson>(&mut self, name: &'static str, value: Value) -> Option<T> {
        let input = value.clone();
        T::from_json(value)
            .map_err(|violation| self.errors.push(FieldError::new(name, violation).with_input(input)))
            .ok()
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

/// Parses the words that pydantic accepts as booleans.
pub(crate) fn boolean(word: &str) -> Result<bool, Violation> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(Violation::UnclearBoolean),
    }
}

impl FromJson for Vec<Value> {
    fn from_json(value: Value) -> Result<Self, Violation> {
        match value {
            Value::Array(items) if items.len() > MAX_BULK => Err(Violation::TooMany(MAX_BULK)),
            Value::Array(items) => Ok(items),
            _ => Err(Violation::NotAList),
        }
    }
}

impl FromItem for TaskId {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>> {
        let parsed = item.as_str().ok_or(Violation::NotAString).and_then(str::parse);
        parsed.map_err(|violation| vec![FieldError::new("", violation).with_input(item)])
    }
}

impl<T: FromFields> FromItem for T {
    fn from_item(item: Value) -> Result<Self, Vec<FieldError>> {
        match item {
            Value::Object(object) => Self::from_object(object),
            other => Err(vec![FieldError::new("", Violation::NotAnObject).with_input(other)]),
        }
    }
}
