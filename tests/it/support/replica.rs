//! A client that keeps a replica of a user's tasks by the change feed, and checks what it gets.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use serde_json::{Map, Value, json};
use tandem::task::rfc3339;

use super::{User, id_of};

/// What a client knows.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    tasks: BTreeMap<String, Value>,
    /// Of deleted tasks, too.
    versions: BTreeMap<String, i64>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

/// Through which API a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlet {
    Rest,
    Graphql,
}

/// The GraphQL document of a page.
pub const PAGE: &str = "query($after: String, $first: Int!) { changes(after: $after, first: $first) { \
    items { __typename ... on Task { id title description completed priority due { date time timeZone at } tags \
    version createdAt updatedAt completedAt } ... on DeletedTask { id version deletedAt } } cursor hasMore reset } }";

/// The same as a subscription.
pub fn subscription() -> String {
    PAGE.replace(
        "query($after: String, $first: Int!) { changes(after: $after, first: $first)",
        "subscription($after: String) { changes(after: $after)",
    )
}

impl Replica {
    /// Reads and applies pages until there is no more.
    pub async fn catch_up(&mut self, user: &User) {
        while self.apply(&user.get(self.path(1000)).await.good()) {}
    }

    /// REST's path of the next page.
    pub fn path(&self, limit: usize) -> String {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        format!("/api/tasks/changes?limit={limit}{cursor}")
    }

    /// The variables of [`PAGE`] for the next page.
    pub fn variables(&self, limit: usize) -> Value {
        json!({ "after": self.cursor, "first": limit })
    }

    /// Applies a page in REST's format; whether there is more.
    pub fn apply(&mut self, page: &Value) -> bool {
        if page["reset"] == true {
            self.tasks.clear();
            self.versions.clear();
        }
        for change in page["changes"].as_array().unwrap_or_else(|| panic!("no changes in {page}")) {
            self.apply_one(change);
        }
        self.cursor = Some(page["cursor"].as_str().expect("a cursor").to_owned());
        page["has_more"].as_bool().expect("whether there is more")
    }

    fn apply_one(&mut self, change: &Value) {
        let (task, is_deleted) = match (change.get("task"), change.get("deleted")) {
            (Some(task), None) => (task, false),
            (None, Some(task)) => (task, true),
            _ => panic!("neither a task nor a deletion: {change}"),
        };
        let (id, version) = (id_of(task).to_owned(), task["version"].as_i64().expect("a version"));
        let known = self.versions.insert(id.clone(), version).unwrap_or_default();
        assert!(version >= known, "version {version} after {known}: {change}");
        if is_deleted {
            self.tasks.remove(&id);
        } else {
            self.tasks.insert(id, without_user(task.clone()));
        }
    }

    /// The version of a task, or of its deletion, if it is known.
    pub fn version(&self, id: &str) -> i64 {
        self.versions.get(id).copied().unwrap_or_default()
    }

    /// As if everything had happened that much earlier.
    pub fn move_back(&mut self, time: TimeDelta) {
        for task in self.tasks.values_mut() {
            for field in ["created_at", "updated_at"] {
                let at = DateTime::parse_from_rfc3339(task[field].as_str().expect("a time")).expect("a time");
                task[field] = json!(rfc3339((at - time).to_utc()));
            }
        }
    }

    /// Whether it is the same as a list.
    pub fn is(&self, list: &Value) -> bool {
        self.tasks == by_id(list)
    }

    /// Asserts that it is the same as a list.
    #[track_caller]
    pub fn assert_is(&self, list: &Value) {
        assert_eq!(self.tasks, by_id(list));
    }
}

fn by_id(list: &Value) -> BTreeMap<String, Value> {
    let tasks = list.as_array().expect("a list").iter();
    tasks.map(|task| (id_of(task).to_owned(), without_user(task.clone()))).collect()
}

/// A task as both APIs have it: GraphQL doesn't say whose it is.
fn without_user(mut task: Value) -> Value {
    task.as_object_mut().expect("a task").remove("user_id");
    task
}

/// A page of GraphQL's as REST would have it, but for the tasks' user.
pub fn in_rest_words(data: &Value) -> Value {
    let page = &data["changes"];
    let changes: Vec<_> = page["items"]
        .as_array()
        .unwrap_or_else(|| panic!("no items in {data}"))
        .iter()
        .map(change_in_rest_words)
        .collect();
    json!({ "changes": changes, "cursor": page["cursor"], "has_more": page["hasMore"], "reset": page["reset"] })
}

/// The fields of a GraphQL object, named as REST names them.
pub fn rest_fields(object: &Value) -> Map<String, Value> {
    let rename = |name: &str| match name {
        "createdAt" => "created_at".to_owned(),
        "updatedAt" => "updated_at".to_owned(),
        "deletedAt" => "deleted_at".to_owned(),
        "completedAt" => "completed_at".to_owned(),
        name => name.to_owned(),
    };
    let fields = object.as_object().expect("an object").iter().filter(|(name, _)| *name != "__typename");
    let mut fields: Map<_, _> = fields.map(|(name, value)| (rename(name), value.clone())).collect();
    if let Some(priority) = fields.get_mut("priority") {
        let word = priority.as_str().expect("a priority").to_lowercase();
        *priority = if word == "none" { Value::Null } else { word.into() };
    }
    if let Some(due) = fields.remove("due") {
        fields.insert("due_date".to_owned(), due_date(&due));
        let zone = if due["timeZone"] == "UTC" { Value::Null } else { due["timeZone"].clone() };
        fields.insert("due_timezone".to_owned(), zone);
    }
    fields
}

/// A due date of GraphQL's as REST writes it.
fn due_date(due: &Value) -> Value {
    let Some(date) = due["date"].as_str() else { return Value::Null };
    let Some(time) = due["time"].as_str() else { return date.into() };
    let local = format!("{date}T{time}");
    let Some(at) = due["at"].as_str() else { return local.into() };
    if due["timeZone"] == "UTC" {
        return format!("{local}Z").into();
    }
    let at = DateTime::parse_from_rfc3339(at).expect("a time").naive_utc();
    let offset = (local.parse::<NaiveDateTime>().expect("a time") - at).num_minutes();
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{local}{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60).into()
}

/// A task or a tombstone of GraphQL's as REST would have it.
pub fn change_in_rest_words(item: &Value) -> Value {
    let fields = rest_fields(item);
    match item["__typename"].as_str() {
        Some("Task") => json!({ "task": fields }),
        Some("DeletedTask") => json!({ "deleted": fields }),
        _ => panic!("no type of the union: {item}"),
    }
}
