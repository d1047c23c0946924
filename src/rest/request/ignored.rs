//! Fields of a body that nothing reads: the client learns their names.

use axum::{
    http::{HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};

use crate::telemetry;

/// The response header with their names.
const IGNORED_FIELDS: HeaderName = HeaderName::from_static("ignored-fields");

/// Maximum number of names, and of characters of each. Clients choose them.
const MAX_NAMES: usize = 20;
const MAX_NAME: usize = 50;

/// The names that are counted by themselves: those that frontends of the older backends send. Others count as `other`.
const COUNTED: [&str; 24] = [
    "assigned_to",
    "category",
    "color",
    "completed_at",
    "created_at",
    "dueDate",
    "due_at",
    "due_time",
    "estimated_time",
    "id",
    "isCompleted",
    "is_completed",
    "is_recurring",
    "labels",
    "order",
    "position",
    "project_id",
    "recurrence",
    "recurrence_pattern",
    "reminder_at",
    "status",
    "updated_at",
    "user_id",
    "version",
];

/// The names of ignored fields, each once.
#[derive(Debug, Default)]
pub(crate) struct Ignored(Vec<String>);

impl Ignored {
    pub(super) fn add(&mut self, name: String) {
        if !self.0.contains(&name) && self.0.len() <= MAX_NAMES {
            self.0.push(name);
        }
    }

    /// `None` if there are none. Names that aren't plain words are escaped as in a URL.
    fn header(&self) -> Option<HeaderValue> {
        let mut names: Vec<String> = self.0.iter().take(MAX_NAMES).map(|name| shown(name)).collect();
        if self.0.len() > MAX_NAMES {
            names.push("...".to_owned());
        }
        HeaderValue::try_from(names.join(", ")).ok().filter(|value| !value.is_empty())
    }
}

fn shown(name: &str) -> String {
    let start: String = name.chars().take(MAX_NAME).collect();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'[' | b']');
    if start.is_empty() {
        return "%".to_owned();
    }
    start.bytes().fold(String::new(), |shown, byte| {
        if is_plain(&byte) { shown + char::from(byte).encode_utf8(&mut [0; 4]) } else { format!("{shown}%{byte:02X}") }
    })
}

impl IntoResponseParts for Ignored {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Self::Error> {
        for name in &self.0 {
            let counted = COUNTED.iter().find(|counted| *counted == name);
            telemetry::field_ignored(counted.copied().unwrap_or("other"));
        }
        if let Some(names) = self.header() {
            response.headers_mut().insert(IGNORED_FIELDS, names);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_names_make_a_valid_header() {
        let mut ignored = Ignored::default();
        assert_eq!(ignored.header(), None);
        for name in ["category", "color", "category", "", "a,b\r\nSet-Cookie: x", "größe"] {
            ignored.add(name.to_owned());
        }
        assert_eq!(ignored.header().unwrap(), "category, color, %, a%2Cb%0D%0ASet-Cookie%3A%20x, gr%C3%B6%C3%9Fe");
        for number in 0..100 {
            ignored.add(format!("{number}{}", "x".repeat(1000)));
        }
        let header = ignored.header().unwrap().to_str().unwrap().to_owned();
        assert!(header.ends_with(", ...") && header.split(", ").count() == MAX_NAMES + 1, "{header}");
        assert!(header.len() < MAX_NAMES * (3 * MAX_NAME + 2), "{}", header.len());
    }
}
