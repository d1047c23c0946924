//! What goes in and out, as the document has it. Bodies are read field by field and errors are put together from what the
//! house knows, so neither has a type of its own to derive this from; what goes out well has, in `wire`.

use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::rest::wire::{TaskBody, TaskListBody};

/// A new task. Unknown fields are ignored.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy milk", "description": "2 litres" }))]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct CreateTask {
    /// What is to be done: not blank, no control characters.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    title: String,
    /// More about it. Line breaks and tabs are its only control characters.
    #[schema(max_length = 1000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    description: Option<String>,
    /// Whether it is done already; false when absent.
    completed: Option<bool>,
}

/// A change to a task: what is absent is kept. At least one field must be given. Unknown fields are ignored.
#[derive(ToSchema)]
#[schema(example = json!({ "title": "Buy oat milk" }))]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct UpdateTask {
    /// The new title: not blank, no control characters. Null keeps the title.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    title: Option<String>,
    /// The new description. Null clears it.
    #[schema(max_length = 1000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    description: Option<String>,
    /// Whether it is done. Null keeps it as it is.
    completed: Option<bool>,
}

/// A change to up to 100 tasks.
#[derive(ToSchema)]
#[schema(example = json!({ "create": [{ "title": "Buy milk" }, { "title": "Pay rent" }] }))]
#[serde(untagged)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) enum Bulk {
    /// Add tasks.
    Create(BulkCreate),
    /// Make tasks completed.
    Complete(BulkComplete),
    /// Delete tasks.
    Delete(BulkDelete),
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct BulkCreate {
    /// The new tasks.
    #[schema(max_items = 100)]
    create: Vec<CreateTask>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct BulkComplete {
    /// Their ids.
    #[schema(max_items = 100, value_type = Vec<Uuid>)]
    complete: Vec<String>,
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct BulkDelete {
    /// Their ids.
    #[schema(max_items = 100, value_type = Vec<Uuid>)]
    delete: Vec<String>,
}

/// The state a task is to have.
#[derive(ToSchema)]
#[schema(example = json!({ "completed": true }))]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct Completion {
    /// Null and absent turn the state around.
    completed: Option<bool>,
}

/// A list, or with `envelope=true` an object around it.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskListAnswer)]
#[serde(untagged)]
#[expect(dead_code, reason = "described, not sent")]
pub(crate) enum TaskListAnswer {
    /// The tasks.
    Bare(Vec<TaskBody>),
    /// The tasks and how many there are.
    Enveloped(TaskListBody),
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "described, not read")]
enum Status {
    All,
    Pending,
    Completed,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "described, not read")]
enum Sort {
    #[schema(rename = "created")]
    Created,
    #[schema(rename = "updated")]
    Updated,
    #[schema(rename = "title")]
    Title,
    #[schema(rename = "created_at")]
    CreatedAt,
    #[schema(rename = "updated_at")]
    UpdatedAt,
    #[schema(rename = "-created")]
    NotCreated,
    #[schema(rename = "-updated")]
    NotUpdated,
    #[schema(rename = "-title")]
    NotTitle,
    #[schema(rename = "-created_at")]
    NotCreatedAt,
    #[schema(rename = "-updated_at")]
    NotUpdatedAt,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "described, not read")]
enum Order {
    Asc,
    Desc,
}

/// An empty parameter counts as absent, except `cursor`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct ListParams {
    /// Which tasks; all when absent.
    #[param(inline, required = false)]
    status: Option<Status>,
    /// Legacy: the older way to say it; `status` wins.
    #[param(required = false)]
    completed: Option<bool>,
    /// What it is sorted by, `created` when absent. A `-` in front turns it around.
    #[param(inline, required = false)]
    sort: Option<Sort>,
    /// Which way; `desc` when absent, but `asc` for `title`.
    #[param(inline, required = false)]
    order: Option<Order>,
    /// Text that title or description contains, whatever the case.
    #[param(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", required = false)]
    search: Option<String>,
    /// The most tasks that come back; 1000 when absent.
    #[param(minimum = 1, maximum = 1000, required = false)]
    limit: Option<i64>,
    /// From the `Link` of the page before; good for the sort it was made with.
    #[param(required = false)]
    cursor: Option<String>,
    /// Legacy: another name of `sort`, which wins.
    #[param(inline, required = false)]
    sort_by: Option<Sort>,
    /// Legacy: another name of `order`, which wins.
    #[param(inline, required = false)]
    sort_order: Option<Order>,
    /// Legacy: how many tasks to skip.
    #[param(minimum = 0, maximum = 1_000_000, required = false)]
    offset: Option<i64>,
    /// Legacy: another name of `offset`, which wins.
    #[param(minimum = 0, maximum = 1_000_000, required = false)]
    skip: Option<i64>,
    /// Legacy: which page of `limit` tasks, from 1; `offset` and `skip` win. More than this for smaller pages.
    #[param(minimum = 1, maximum = 1001, required = false)]
    page: Option<i64>,
    /// Legacy: whether the list comes in an object with its total.
    #[param(required = false)]
    envelope: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct Precondition {
    /// The version the task must be at, like `"3"`, or `*`.
    #[param(rename = "If-Match", pattern = "^(\\*|\"[0-9]{1,18}\")$", required = false, nullable = false)]
    if_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "described, not read")]
pub(crate) struct Known {
    /// Entity tags that the client has already, or `*`.
    #[param(rename = "If-None-Match", required = false, nullable = false)]
    if_none_match: Option<String>,
}

/// An error, as FastAPI has it.
#[derive(ToSchema)]
#[schema(as = Error)]
#[expect(dead_code, reason = "described, not sent")]
pub(super) struct Refusal {
    detail: Detail,
    /// What kind of error it is.
    #[schema(example = "NOT_FOUND")]
    code: String,
    /// The task as it is, when it is not at the expected version.
    #[schema(required = false, nullable = false)]
    current: Option<TaskBody>,
}

/// A sentence; for input that breaks a rule an entry for each fault.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "described, not sent")]
enum Detail {
    Sentence(String),
    Faults(Vec<Fault>),
}

/// What is wrong with one input, as pydantic tells it.
#[derive(Serialize, ToSchema)]
struct Fault {
    /// The validator's name of the rule.
    #[serde(rename = "type")]
    #[schema(example = "string_too_short")]
    kind: String,
    /// The part of the request and the name there; for a body that is no JSON the place in it.
    #[schema(inline, example = json!(["body", "title"]))]
    loc: Vec<Step>,
    /// The rule in words.
    #[schema(example = "String should have at least 1 character")]
    msg: String,
    /// What was given.
    input: Value,
    /// The numbers and words of the rule.
    #[schema(required = false, nullable = false, value_type = Option<Object>)]
    ctx: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "described, not sent")]
enum Step {
    Name(String),
    Place(u64),
}

/// An error, as RFC 9457 has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described, not sent")]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is, and `code` says it more exactly.
    #[schema(rename = "type", example = "about:blank")]
    kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: String,
    /// The status.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong.
    #[schema(example = "Task not found")]
    detail: String,
    /// What kind of error it is.
    #[schema(example = "NOT_FOUND")]
    code: String,
    /// An entry for each fault of the input.
    #[schema(required = false, nullable = false)]
    errors: Option<Vec<Fault>>,
    /// The task as it is, when it is not at the expected version.
    #[schema(required = false, nullable = false)]
    current: Option<TaskBody>,
}
