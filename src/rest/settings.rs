//! What older frontends expect of REST beyond the contract. GraphQL doesn't change with these.

use clap::{Args, ValueEnum};

use crate::{
    setting::{self, switch},
    task::Priority,
};

/// Settings of the REST API.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "REST")]
pub struct RestSettings {
    /// What a list is unless `envelope` says it: an array of tasks, or an object with the tasks and their number
    #[arg(long = "rest-lists", env = "REST_LISTS", value_name = "array|envelope", default_value = "array")]
    pub lists: ListForm,
    /// What a deletion answers: 204 without content, or 200 with `{"message": "Task deleted successfully"}`
    #[arg(long = "rest-delete", env = "REST_DELETE", value_name = "no-content|message", default_value = "no-content")]
    pub delete: DeleteForm,
    /// The priority of new tasks whose priority is omitted
    #[arg(
        long = "rest-default-priority",
        env = "REST_DEFAULT_PRIORITY",
        value_name = "PRIORITY",
        default_value = "none",
        value_parser = priority
    )]
    pub default_priority: Priority,
    /// Add `"status": "pending"` or `"completed"` to tasks, and read it in bodies
    #[arg(
        long = "rest-status",
        env = "REST_STATUS",
        value_name = "true|false",
        default_value = "false",
        action = clap::ArgAction::Set,
        value_parser = switch
    )]
    pub status: bool,
    /// What to do with fields of bodies that nothing reads: name them in `Ignored-Fields` and count them, ignore them, or refuse
    /// them with 422
    #[arg(
        long = "unknown-fields",
        env = "UNKNOWN_FIELDS",
        value_name = "report|ignore|refuse",
        default_value = "report"
    )]
    pub unknown_fields: UnknownFields,
}

/// What a list is unless the request says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListForm {
    /// An array of tasks.
    Array,
    /// An object with the tasks and their number.
    Envelope,
}

/// What a deletion answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeleteForm {
    /// 204.
    NoContent,
    /// 200 with a message.
    Message,
}

/// What happens to fields that nothing reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnknownFields {
    /// They are named in a header.
    Report,
    /// Nothing.
    Ignore,
    /// The request is invalid.
    Refuse,
}

fn priority(text: &str) -> Result<Priority, String> {
    let words = Priority::WORDS.join(", ");
    Priority::of_word(text.trim()).ok_or_else(|| format!("must be one of {words}, got `{text}`"))
}

impl Default for RestSettings {
    fn default() -> Self {
        setting::defaults()
    }
}

impl RestSettings {
    /// The settings that are not the default, as in the environment.
    #[must_use]
    pub fn changed(self) -> Vec<String> {
        let default = Self::default();
        let mut changed = Vec::new();
        if self.lists != default.lists {
            changed.push("REST_LISTS=envelope".to_owned());
        }
        if self.delete != default.delete {
            changed.push("REST_DELETE=message".to_owned());
        }
        if self.default_priority != default.default_priority {
            changed.push(format!("REST_DEFAULT_PRIORITY={}", self.default_priority.word()));
        }
        if self.status != default.status {
            changed.push("REST_STATUS=true".to_owned());
        }
        match self.unknown_fields {
            UnknownFields::Report => {}
            UnknownFields::Ignore => changed.push("UNKNOWN_FIELDS=ignore".to_owned()),
            UnknownFields::Refuse => changed.push("UNKNOWN_FIELDS=refuse".to_owned()),
        }
        changed
    }
}
