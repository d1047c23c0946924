//! Reads JSON objects as leniently as pydantic: booleans may be given as words or numbers, and all errors are reported at once.
//! What happens to unknown fields is a setting.

use serde_json::{Map, Value};

use super::ignored::Ignored;
use crate::{
    rest::settings::{RestSettings, UnknownFields},
    task::{
        Description, Due, DueChange, FieldError, InvalidDue, MAX_BULK, Priority, Tags, TaskId, TimeZone, Title,
        Violation,
    },
};

/// How many unknown fields of an object are refused by name.
const MAX_REFUSED: usize = 20;
/// The words of `priority`.
pub(crate) const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];
/// The words of `status`.
const STATUSES: [&str; 2] = ["pending", "completed"];

/// What the objects of a body share.
pub(crate) struct Context {
    rest: RestSettings,
    pub(super) ignored: Ignored,
}

impl Context {
    pub(super) fn new(rest: RestSettings) -> Self {
        Self { rest, ignored: Ignored::default() }
    }

    /// What is left of an object that was read.
    pub(crate) fn settle(&mut self, object: Map<String, Value>) -> Result<(), Vec<FieldError>> {
        let mut fields = Fields { object, errors: Vec::new(), context: self };
        fields.settle_unknown();
        if fields.errors.is_empty() { Ok(()) } else { Err(fields.errors) }
    }
}

/// A type that is read from an object, field by field.
pub(crate) trait FromFields: Sized {
    /// Whether the body may be omitted.
    const IS_OPTIONAL: bool = false;

    /// Returns `None` only after recording an error.
    fn from_fields(fields: &mut Fields) -> Option<Self>;

    /// Reads an object, or returns all its errors.
    fn from_object(object: Map<String, Value>, context: &mut Context) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields { object, errors: Vec::new(), context };
        let value = Self::from_fields(&mut fields);
        fields.settle_unknown();
        match value {
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
    fn from_item(item: Value, context: &mut Context) -> Result<Self, Vec<FieldError>>;
}

/// The fields that are still unread, and the errors so far.
pub(crate) struct Fields<'a> {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
    context: &'a mut Context,
}

impl Fields<'_> {
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
            match T::from_item(item, self.context) {
                Ok(value) => values.push(value),
                Err(errors) => self.errors.extend(errors.into_iter().map(|error| error.at(name, index))),
            }
        }
        Some(values)
    }

    /// `None` if omitted; null and an empty text stand for none.
    pub(crate) fn priority(&mut self) -> Option<Priority> {
        self.clearable("priority").map(Option::unwrap_or_default)
    }

    /// The priority of new tasks that are sent without one.
    pub(crate) fn default_priority(&self) -> Priority {
        self.context.rest.default_priority
    }

    /// `None` if omitted; null stands for no tags.
    pub(crate) fn tags(&mut self) -> Option<Tags> {
        const TAGS: &str = "tags";
        let items = match self.object.remove(TAGS)? {
            Value::Null => return Some(Tags::default()),
            Value::Array(items) => items,
            other => {
                self.errors.push(FieldError::new(TAGS, Violation::NotAList).with_input(other));
                return None;
            }
        };
        let errors = match Tags::parse(items.iter().map(|item| String::from_json(item.clone()))) {
            Ok(tags) => return Some(tags),
            Err(errors) => errors,
        };
        self.errors.extend(errors.into_iter().map(|(index, violation)| {
            let error = FieldError::new(TAGS, violation).in_item(index);
            match index.and_then(|index| items.get(index)) {
                Some(item) => error.with_input(item.clone()),
                None => error,
            }
        }));
        None
    }

    /// `due_date` and `due_timezone`. An empty text is the same as null, because forms send it.
    pub(crate) fn due(&mut self) -> Option<DueChange> {
        const DATE: &str = "due_date";
        const ZONE: &str = "due_timezone";
        for name in [DATE, ZONE] {
            if let Some(value) = self.object.get_mut(name).filter(|value| value.as_str() == Some("")) {
                *value = Value::Null;
            }
        }
        let zone = self.clearable::<TimeZone>(ZONE);
        let input = |zone: Option<TimeZone>| zone.map(|zone| zone.name().to_owned());
        let Some(date) = self.object.remove(DATE) else { return zone.map(DueChange::Zone) };
        let zone = zone.flatten();
        let date = match date {
            Value::String(date) => date,
            Value::Null if zone.is_none() => return Some(DueChange::Set(None)),
            Value::Null => {
                let violation = Violation::Custom("a time zone needs a due date with a time");
                self.errors.push(FieldError::new(ZONE, violation).with_input(input(zone)));
                return None;
            }
            other => {
                self.errors.push(FieldError::new(DATE, Violation::DateTime).with_input(other));
                return None;
            }
        };
        let error = match Due::parse(&date, zone.clone()) {
            Ok(due) => return Some(DueChange::Set(Some(due))),
            Err(InvalidDue::Due(violation)) => FieldError::new(DATE, violation).with_input(date),
            Err(InvalidDue::Zone(violation)) => FieldError::new(ZONE, violation).with_input(input(zone)),
        };
        self.errors.push(error);
        None
    }

    /// When a new task is due. A zone alone has nothing to move.
    pub(crate) fn new_due(&mut self) -> Option<Due> {
        match self.due()? {
            DueChange::Set(due) => due,
            DueChange::Zone(None) => None,
            DueChange::Zone(Some(zone)) => {
                let violation = Violation::Custom("a time zone needs a due date with a time");
                self.errors.push(FieldError::new("due_timezone", violation).with_input(zone.name()));
                None
            }
        }
    }

    /// `completed`, or else `status` if that is a field of tasks.
    pub(crate) fn completed(&mut self) -> Option<bool> {
        let completed = self.optional("completed");
        if !self.context.rest.status {
            return completed;
        }
        let status = match self.object.remove("status") {
            None | Some(Value::Null) => None,
            Some(Value::String(word)) if word == STATUSES[0] => Some(false),
            Some(Value::String(word)) if word == STATUSES[1] => Some(true),
            Some(other) => {
                self.errors.push(FieldError::new("status", Violation::NotOneOf(&STATUSES)).with_input(other));
                None
            }
        };
        completed.or(status)
    }

    /// Leaves out what nobody looks at, and the status of a task if it has one.
    pub(crate) fn skip(&mut self, names: &[&str]) {
        let has_status = self.context.rest.status;
        self.object.retain(|name, _| !(names.contains(&name.as_str()) || has_status && name == "status"));
    }

    /// What is left of the object.
    fn settle_unknown(&mut self) {
        let unknown = std::mem::take(&mut self.object).into_iter();
        match self.context.rest.unknown_fields {
            UnknownFields::Report => unknown.for_each(|(name, _)| self.context.ignored.add(name)),
            UnknownFields::Ignore => {}
            UnknownFields::Refuse => {
                let refused = unknown.take(MAX_REFUSED).map(|(name, value)| FieldError::unknown(name, value));
                self.errors.extend(refused);
            }
        }
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

/// An id that a client made for a new task.
pub(crate) struct NewId(pub(crate) TaskId);

impl FromJson for NewId {
    fn from_json(value: Value) -> Result<Self, Violation> {
        TaskId::of_new(&String::from_json(value)?).map(Self)
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

/// In any case.
impl FromJson for Priority {
    fn from_json(value: Value) -> Result<Self, Violation> {
        let word = value.as_str().ok_or(Violation::NotOneOf(&PRIORITIES))?;
        if word.is_empty() { Ok(Self::None) } else { Self::of_word(word).ok_or(Violation::NotOneOf(&PRIORITIES)) }
    }
}

impl FromJson for TimeZone {
    fn from_json(value: Value) -> Result<Self, Violation> {
        String::from_json(value)?.parse()
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
    fn from_item(item: Value, _: &mut Context) -> Result<Self, Vec<FieldError>> {
        let parsed = item.as_str().ok_or(Violation::NotAString).and_then(str::parse);
        parsed.map_err(|violation| vec![FieldError::new("", violation).with_input(item)])
    }
}

impl<T: FromFields> FromItem for T {
    fn from_item(item: Value, context: &mut Context) -> Result<Self, Vec<FieldError>> {
        match item {
            Value::Object(object) => Self::from_object(object, context),
            other => Err(vec![FieldError::new("", Violation::NotAnObject).with_input(other)]),
        }
    }
}
