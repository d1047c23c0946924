//! Priority, due date, tags and the time of completion: what each door takes and gives, and what it refuses.

use serde_json::{Value, json};

use super::errors::{BAD_USER_INPUT, VALIDATION_FAILED};
use crate::support::{Answer, App, OneTask, check_all, id_of, path_of, replica::rest_fields};

const TASK: &str = "id title description completed priority due { date time timeZone at } tags version createdAt \
                    updatedAt completedAt";

fn create() -> String {
    format!("mutation($input: CreateTaskInput!) {{ createTask(input: $input) {{ {TASK} }} }}")
}

fn update() -> String {
    format!("mutation($id: ID!, $input: UpdateTaskInput!) {{ updateTask(id: $id, input: $input) {{ {TASK} }} }}")
}

/// The new fields of a task of REST's.
fn fields(task: &Value) -> Value {
    let names = ["priority", "due_date", "due_timezone", "tags"];
    names.iter().map(|name| ((*name).to_owned(), task[name].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// A task from a GraphQL response, as REST has it.
fn in_rest_words(data: &Value) -> Value {
    rest_fields(data.as_object().unwrap().values().next().unwrap()).into()
}

#[tokio::test]
async fn both_doors_take_and_give_the_same_fields() {
    let app = App::new().await;
    let ann = app.user("ann");
    let none = json!({ "priority": null, "due_date": null, "due_timezone": null, "tags": [] });
    let due = |date: &str, zone: Value| json!({ "priority": null, "due_date": date, "due_timezone": zone, "tags": [] });
    let priority = |word: &str| json!({ "priority": word, "due_date": null, "due_timezone": null, "tags": [] });
    let tags = |tags: Value| json!({ "priority": null, "due_date": null, "due_timezone": null, "tags": tags });
    let cases = [
        (json!({}), json!({}), none.clone()),
        (json!({ "priority": "high" }), json!({ "priority": "HIGH" }), priority("high")),
        (json!({ "priority": "URGENT" }), json!({ "priority": "URGENT" }), priority("urgent")),
        (json!({ "priority": "Low" }), json!({ "priority": "LOW" }), priority("low")),
        (json!({ "priority": "none" }), json!({ "priority": "NONE" }), none.clone()),
        (json!({ "priority": "" }), json!({ "priority": null }), none.clone()),
        (json!({ "priority": null }), json!({}), none.clone()),
        (
            json!({ "due_date": "2026-03-29" }),
            json!({ "due": { "date": "2026-03-29" } }),
            due("2026-03-29", json!(null)),
        ),
        (
            json!({ "due_date": "2026-03-29T09:00" }),
            json!({ "due": { "date": "2026-03-29", "time": "09:00" } }),
            due("2026-03-29T09:00:00", json!(null)),
        ),
        (
            json!({ "due_date": "2026-03-29T09:00:01.999Z" }),
            json!({ "due": { "date": "2026-03-29", "time": "09:00:01.999", "timeZone": "UTC" } }),
            due("2026-03-29T09:00:01Z", json!(null)),
        ),
        (
            json!({ "due_date": "2026-03-29T09:00:00-04:00" }),
            json!({ "due": { "date": "2026-03-29", "time": "13:00:00", "timeZone": "UTC" } }),
            due("2026-03-29T13:00:00Z", json!(null)),
        ),
        (
            json!({ "due_date": "2026-03-29T02:30", "due_timezone": "Europe/Berlin" }),
            json!({ "due": { "date": "2026-03-29", "time": "02:30", "timeZone": "europe/berlin" } }),
            due("2026-03-29T02:30:00+01:00", json!("Europe/Berlin")),
        ),
        (json!({ "due_date": "", "due_timezone": "" }), json!({ "due": null }), none.clone()),
        (json!({ "tags": ["b", "a"] }), json!({ "tags": ["b", "a"] }), tags(json!(["b", "a"]))),
        (
            json!({ "tags": ["Work", "work", " x"] }),
            json!({ "tags": ["Work", "WORK", " x"] }),
            tags(json!(["Work", " x"])),
        ),
        (json!({ "tags": null }), json!({ "tags": [] }), none.clone()),
        (
            json!({ "tags": ["a\"b\\{},'", "NULL", "🦀"] }),
            json!({ "tags": ["a\"b\\{},'", "NULL", "🦀"] }),
            tags(json!(["a\"b\\{},'", "NULL", "🦀"])),
        ),
    ];
    let full = json!({ "title": "x", "priority": "medium", "due_date": "2020-01-01T00:00", "due_timezone": "Asia/Tokyo", "tags": ["old"] });
    check_all(cases, async |(rest, graphql, expected)| {
        let with_title = |input: &Value| {
            let mut input = input.clone();
            input["title"] = json!("x");
            input
        };
        // Created, alone and among several, in either door.
        let made = ann.post("/api/tasks", with_title(&rest)).await.status(201).json.clone();
        assert_eq!(fields(&made), expected);
        assert_eq!(ann.get(path_of(&made)).await.good(), made);
        let bulk = ann.post("/api/tasks/bulk", json!({ "create": [full, with_title(&rest)] })).await.good();
        assert_eq!(fields(&bulk["tasks"][1]), expected);
        let made = ann.graphql(create()).variables(json!({ "input": with_title(&graphql) })).await.good();
        assert_eq!(fields(&in_rest_words(&made)), expected);
        let many = format!("mutation($inputs: [CreateTaskInput!]!) {{ createTasks(inputs: $inputs) {{ {TASK} }} }}");
        let many =
            ann.graphql(many).variables(json!({ "inputs": [{ "title": "y" }, with_title(&graphql)] })).await.good();
        assert_eq!(fields(&rest_fields(&many["createTasks"][1]).into()), expected);
        // Updated: what is omitted stays.
        for (input, graphql) in [(&rest, false), (&graphql, true)] {
            if input.as_object().unwrap().is_empty() {
                continue;
            }
            let old = ann.post("/api/tasks", full.clone()).await.good();
            let new = if graphql {
                let variables = json!({ "id": old["id"], "input": input });
                in_rest_words(&ann.graphql(update()).variables(variables).await.good())
            } else {
                ann.patch(path_of(&old), input.clone()).await.good()
            };
            let mut stays = fields(&old);
            for (name, value) in expected.as_object().unwrap() {
                let part = if name.starts_with("due") { "due" } else { name };
                if input.as_object().unwrap().keys().any(|given| given.starts_with(part)) {
                    stays[name] = value.clone();
                }
            }
            assert_eq!(fields(&new), stays, "{input}");
            assert_eq!(new["version"], 2);
        }
    })
    .await;
    // The feed and the list say the same of all of them.
    let listed = ann.tasks().await;
    let changes = ann.get("/api/tasks/changes?limit=1000").await.good();
    for task in listed.as_array().unwrap() {
        let change = changes["changes"].as_array().unwrap().iter().find(|change| change["task"]["id"] == task["id"]);
        assert_eq!(&change.unwrap()["task"], task);
    }
}

#[tokio::test]
async fn a_form_that_sends_back_what_it_got_changes_nothing() {
    let app = App::new().await;
    let ann = app.user("ann");
    for due in [
        json!({}),
        json!({ "due_date": "2026-03-29" }),
        json!({ "due_date": "2026-03-29T09:00" }),
        json!({ "due_date": "2026-03-29T09:00:00Z" }),
        json!({ "due_date": "2026-03-29T09:00", "due_timezone": "Asia/Kathmandu" }),
        // Skipped and repeated times.
        json!({ "due_date": "2026-03-29T02:30", "due_timezone": "Europe/Berlin" }),
        json!({ "due_date": "2026-10-25T02:30", "due_timezone": "Europe/Berlin" }),
    ] {
        let mut new = json!({ "title": "x", "priority": "low", "tags": ["a", "B"], "completed": true });
        new.as_object_mut().unwrap().extend(due.as_object().unwrap().clone());
        let made = ann.post("/api/tasks", new).await.good();
        let mut again = ann.put(path_of(&made), made.clone()).await.good();
        assert_eq!(again["version"].take(), 2);
        again["updated_at"] = made["updated_at"].clone();
        again["version"] = json!(1);
        assert_eq!(again, made);
    }
}

#[tokio::test]
async fn a_time_zone_alone_moves_a_due_time_and_nothing_else() {
    let app = App::new().await;
    let ann = app.user("ann");
    let due = json!({ "title": "x", "due_date": "2026-03-29T09:00", "due_timezone": "Europe/Berlin" });
    let task = ann.post("/api/tasks", due).await.good();
    let path = path_of(&task);
    for (zone, date, answered) in [
        (json!("Asia/Tokyo"), "2026-03-29T09:00:00+09:00", json!("Asia/Tokyo")),
        (json!("UTC"), "2026-03-29T09:00:00Z", json!(null)),
        (json!(null), "2026-03-29T09:00:00", json!(null)),
        (json!("America/New_York"), "2026-03-29T09:00:00-04:00", json!("America/New_York")),
        (json!(""), "2026-03-29T09:00:00", json!(null)),
    ] {
        let moved = ann.patch(&path, json!({ "due_timezone": zone })).await.good();
        assert_eq!((&moved["due_date"], &moved["due_timezone"]), (&json!(date), &answered), "{zone}");
    }
    let stale = ann.patch(&path, json!({ "due_timezone": "Asia/Tokyo" })).if_match("\"1\"").await;
    assert_eq!(stale.refused(412, "VERSION_CONFLICT").json["current"]["version"], 6);
    ann.patch(&path, json!({ "due_timezone": "Asia/Tokyo", "title": "y" })).if_match("\"6\"").await.status(200);
    let day = ann.patch(&path, json!({ "due_date": "2026-03-29" })).await.good();
    assert_eq!(fields(&day)["due_timezone"], json!(null));
    for zone in ["Asia/Tokyo", "UTC"] {
        let answer = ann.patch(&path, json!({ "due_timezone": zone })).await;
        assert_eq!(answer.refused(422, BAD_USER_INPUT).json["detail"][0]["loc"], json!(["body", "due_timezone"]));
    }
    // No zone is what a day has.
    assert_eq!(ann.patch(&path, json!({ "due_timezone": null })).await.good(), day);
    assert_eq!(ann.patch(&path, json!({ "due_timezone": null, "title": "z" })).await.good()["title"], "z");
    let missing = ann.patch("/api/tasks/00000000-0000-7000-8000-000000000000", json!({ "due_timezone": "UTC" })).await;
    missing.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_task_says_when_it_was_completed_until_it_is_reopened() {
    let app = App::new().await;
    let ann = app.user("ann");
    let graphql = async |field: &str| ann.graphql(format!("mutation {{ {field} }}")).await.good();
    let made = ann.post("/api/tasks", json!({ "title": "x", "completed": true })).await.good();
    assert_eq!(made["completed_at"], made["created_at"]);
    let bulk = json!({ "create": [{ "title": "a", "completed": true }, { "title": "b" }] });
    let bulk = ann.post("/api/tasks/bulk", bulk).await.good();
    assert_eq!(bulk["tasks"][0]["completed_at"], bulk["tasks"][0]["created_at"]);
    assert_eq!(bulk["tasks"][1]["completed_at"], json!(null));
    let task = ann.create("y").await;
    let (id, path) = (id_of(&task), path_of(&task));
    assert_eq!(task["completed_at"], json!(null));
    let now = async || ann.get(&path).await.good();
    for complete in [
        json!({ "rest": ["PATCH", format!("{path}/complete"), null] }),
        json!({ "rest": ["PATCH", format!("{path}/complete"), { "completed": true }] }),
        json!({ "rest": ["PUT", path, { "completed": true }] }),
        json!({ "rest": ["POST", "/api/tasks/bulk", { "complete": [id] }] }),
        json!({ "graphql": format!("toggleTask(id: \"{id}\") {{ id }}") }),
        json!({ "graphql": format!("setTaskCompleted(id: \"{id}\", completed: true) {{ id }}") }),
        json!({ "graphql": format!("updateTask(id: \"{id}\", input: {{ completed: true }}) {{ id }}") }),
        json!({ "graphql": format!("completeTasks(ids: [\"{id}\"]) {{ count }}") }),
        json!({ "graphql": "completeAll { count }" }),
    ] {
        match complete["graphql"].as_str() {
            Some(field) => drop(graphql(field).await),
            None => {
                let call = ann.call(complete["rest"][0].as_str().unwrap(), complete["rest"][1].as_str().unwrap());
                let body = Some(complete["rest"][2].clone()).filter(|body| !body.is_null());
                call.maybe_json(body).await.status(200);
            }
        }
        let completed = now().await;
        assert_eq!(completed["completed_at"], completed["updated_at"], "{complete}");
        // Kept by what doesn't complete it again.
        ann.patch(&path, json!({ "title": "z", "completed": true })).await.status(200);
        ann.patch(format!("{path}/complete"), json!({ "completed": true })).await.status(200);
        graphql(&format!("completeTasks(ids: [\"{id}\"]) {{ count }}")).await;
        assert_eq!(now().await["completed_at"], completed["completed_at"], "{complete}");
        let reopened = ann.patch(format!("{path}/complete"), json!({ "completed": false })).await.good();
        assert_eq!(reopened["completed_at"], json!(null), "{complete}");
    }
    let by_graphql = ann.graphql(format!("{{ task(id: \"{id}\") {{ completedAt }} }}")).await.good();
    assert_eq!(by_graphql["task"]["completedAt"], json!(null));
    ann.patch(&path, json!({ "completed": true })).await.status(200);
    assert_eq!(ann.patch(&path, json!({ "completed": false })).await.good()["completed_at"], json!(null));
}

#[tokio::test]
async fn a_selection_of_a_due_date_is_answered_as_selected() {
    let app = App::new().await;
    let ann = app.user("ann");
    let due = json!({ "title": "x", "due_date": "2026-03-29T09:00", "due_timezone": "Europe/Berlin", "tags": ["a"] });
    ann.post("/api/tasks", due).await.status(201);
    let query = "{ tasks { d: due { z: timeZone __typename date } due { at } t: tags p: priority } }";
    let expected = json!({ "d": { "z": "Europe/Berlin", "__typename": "Due", "date": "2026-03-29" },
                           "due": { "at": "2026-03-29T07:00:00.000000Z" }, "t": ["a"], "p": "NONE" });
    assert_eq!(ann.graphql(query).await.good()["tasks"][0], expected);
    let update = "mutation($id: ID!) { updateTask(id: $id, input: { title: \"y\" }, expectedVersion: 9) { id } }";
    let id = ann.tasks().await[0]["id"].clone();
    let conflict = ann.graphql(update).variables(json!({ "id": id })).await;
    let current = &conflict.json["errors"][0]["extensions"]["current"];
    let due = json!({ "date": "2026-03-29", "time": "09:00:00", "timeZone": "Europe/Berlin", "at": "2026-03-29T07:00:00.000000Z" });
    assert_eq!((&current["due"], &current["tags"], &current["priority"]), (&due, &json!(["a"]), &json!("NONE")));
}

/// The place and the type of each error of a body.
#[track_caller]
fn faults(answer: &Answer) -> Vec<(Value, Value)> {
    let detail = answer.refused(422, BAD_USER_INPUT).json["detail"].as_array().unwrap().clone();
    detail.into_iter().map(|fault| (fault["loc"].clone(), fault["type"].clone())).collect()
}

#[tokio::test]
async fn what_is_no_value_of_a_field_is_refused_at_its_place_by_rest() {
    let task = OneTask::new().await;
    let at = |loc: Value, kind: &str| {
        let mut path = json!(["body"]);
        path.as_array_mut().unwrap().extend(loc.as_array().unwrap().clone());
        (path, json!(kind))
    };
    let only = |loc: Value, kind: &str| vec![at(loc, kind)];
    let mut cases = Vec::new();
    for value in [json!("huge"), json!(1), json!(true), json!([]), json!({}), json!(" high"), json!("high\0")] {
        cases.push((json!({ "priority": value }), only(json!(["priority"]), "enum")));
    }
    for value in [
        json!("tomorrow"),
        json!("2026-02-30"),
        json!(1_774_774_800_000_i64),
        json!([]),
        json!(false),
        json!("2026-03-29T25:00"),
        json!("12026-03-29"),
        json!("29/03/2026"),
    ] {
        cases.push((json!({ "due_date": value }), only(json!(["due_date"]), "datetime_parsing")));
    }
    cases.push((json!({ "due_date": "0000-01-01" }), only(json!(["due_date"]), "value_error")));
    cases.push((
        json!({ "due_date": "2026-03-29T09:00", "due_timezone": 1 }),
        only(json!(["due_timezone"]), "string_type"),
    ));
    let zone = json!({ "due_date": "2026-03-29T09:00", "due_timezone": "Mars/Olympus" });
    cases.push((zone, only(json!(["due_timezone"]), "value_error")));
    let day = json!({ "due_date": "2026-03-29", "due_timezone": "Europe/Berlin" });
    cases.push((day, only(json!(["due_timezone"]), "value_error")));
    let nothing = json!({ "due_date": null, "due_timezone": "Europe/Berlin" });
    cases.push((nothing, only(json!(["due_timezone"]), "value_error")));
    let contradiction = json!({ "due_date": "2026-03-29T09:00:00+01:00", "due_timezone": "Europe/Berlin" });
    cases.push((contradiction, only(json!(["due_date"]), "value_error")));
    for value in [json!("home"), json!(1), json!({}), json!(true)] {
        cases.push((json!({ "tags": value }), only(json!(["tags"]), "list_type")));
    }
    cases.push((json!({ "tags": vec!["x"; 21] }), only(json!(["tags"]), "too_long")));
    cases.push((json!({ "tags": vec![1; 10_000] }), only(json!(["tags"]), "too_long")));
    let tags = json!(["ok", "", " ", "x".repeat(51), "a\nb", 1, null, ["x"]]);
    let kinds = [
        "string_too_short",
        "value_error",
        "string_too_long",
        "value_error",
        "string_type",
        "string_type",
        "string_type",
    ];
    let each = kinds.iter().enumerate().map(|(index, kind)| at(json!(["tags", index + 1]), kind)).collect();
    cases.push((json!({ "tags": tags }), each));
    let all = json!({ "priority": "x", "due_date": "x", "tags": [""] });
    let each = vec![
        at(json!(["priority"]), "enum"),
        at(json!(["due_date"]), "datetime_parsing"),
        at(json!(["tags", 0]), "string_too_short"),
    ];
    cases.push((all, each));
    check_all(cases, async |(body, expected)| {
        let mut body = body;
        body["title"] = json!("New");
        for (method, path) in task.writes() {
            assert_eq!(faults(&task.ann.call(method, path).json(body.clone()).await), expected, "{method}");
        }
        let bulk = task.ann.post("/api/tasks/bulk", json!({ "create": [{ "title": "x" }, body] })).await;
        let in_bulk = expected.into_iter().map(|(mut loc, kind)| {
            loc.as_array_mut().unwrap().splice(1..1, [json!("create"), json!(1)]);
            (loc, kind)
        });
        assert_eq!(faults(&bulk), in_bulk.collect::<Vec<_>>());
    })
    .await;
    let alone = task.ann.post("/api/tasks", json!({ "title": "x", "due_timezone": "Europe/Berlin" })).await;
    assert_eq!(faults(&alone), only(json!(["due_timezone"]), "value_error"));
    task.assert_unchanged().await;
}

#[tokio::test]
async fn what_is_no_value_of_a_field_is_refused_at_its_place_by_graphql() {
    let task = OneTask::new().await;
    let cases = [
        (json!({ "due": { "date": "2026-02-30" } }), &["due.date"][..]),
        (json!({ "due": { "date": 1 } }), &["due.date"]),
        (json!({ "due": { "date": "2026-03-29T09:00" } }), &["due.date"]),
        (json!({ "due": { "date": "0000-01-01" } }), &["due.date"]),
        (json!({ "due": { "date": "12026-01-01" } }), &["due.date"]),
        (json!({ "due": { "date": "2026-03-29", "time": "9" } }), &["due.time"]),
        (json!({ "due": { "date": "2026-03-29", "time": true } }), &["due.time"]),
        (json!({ "due": { "date": "2026-03-29", "time": "24:00" } }), &["due.time"]),
        (json!({ "due": { "date": "2026-03-29", "timeZone": "Europe/Berlin" } }), &["due.timeZone"]),
        (json!({ "due": { "date": "2026-03-29", "time": "09:00", "timeZone": "Mars" } }), &["due.timeZone"]),
        (json!({ "due": { "date": "x", "time": "x", "timeZone": "x" } }), &["due.date", "due.time", "due.timeZone"]),
        (json!({ "tags": vec!["x"; 21] }), &["tags"]),
        (json!({ "tags": ["ok", "", " ", "x".repeat(51), "a\tb"] }), &["tags.1", "tags.2", "tags.3", "tags.4"]),
    ];
    check_all(cases, async |(input, blamed)| {
        let mut input = input;
        input["title"] = json!("New");
        for document in [create(), update()] {
            let answer = task.ann.graphql(document).variables(json!({ "id": task.id, "input": input })).await;
            assert_eq!(answer.refused(200, BAD_USER_INPUT).fields(), blamed);
        }
        let many = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
        let answer = task.ann.graphql(many).variables(json!({ "inputs": [{ "title": "x" }, input] })).await;
        let blamed: Vec<_> = blamed.iter().map(|field| format!("1.{field}")).collect();
        assert_eq!(answer.refused(200, BAD_USER_INPUT).fields(), blamed);
    })
    .await;
    // What the types of the schema exclude.
    for (input, path) in [
        (json!({ "title": "x", "priority": "high" }), "input.priority"),
        (json!({ "title": "x", "priority": 1 }), "input.priority"),
        (json!({ "title": "x", "tags": [1] }), "input.tags.0"),
        (json!({ "title": "x", "tags": [null] }), "input.tags.0"),
        (json!({ "title": "x", "due": "2026-03-29" }), "input.due"),
        (json!({ "title": "x", "due": {} }), "input.due.date"),
        (json!({ "title": "x", "due": { "time": "09:00" } }), "input.due.date"),
        (json!({ "title": "x", "dueDate": "2026-03-29" }), "input.dueDate"),
    ] {
        let answer = task.ann.graphql(create()).variables(json!({ "input": input })).await;
        assert_eq!(answer.refused(200, BAD_USER_INPUT).ran_nothing().fields(), [path], "{input}");
    }
    task.ann.graphql("{ tasks(filter: { priorities: [HUGE] }) { id } }").await.refused(200, VALIDATION_FAILED);
    for (filter, blamed) in [
        (json!({ "tagsAny": [""] }), "filter.tagsAny.0"),
        (json!({ "tagsAll": vec!["x"; 21] }), "filter.tagsAll"),
        (json!({ "dueBefore": "2026-03-29" }), "filter.dueBefore"),
        (json!({ "dueAfter": 1 }), "filter.dueAfter"),
    ] {
        let query = "query($filter: TaskFilter) { tasks(filter: $filter) { id } }";
        let answer = task.ann.graphql(query).variables(json!({ "filter": filter })).await;
        assert_eq!(answer.refused(200, BAD_USER_INPUT).fields(), [blamed], "{filter}");
    }
    task.assert_unchanged().await;
}

#[tokio::test]
async fn what_is_no_filter_is_refused_by_rest() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("priority=huge", json!(["query", "priority", 0]), "enum"),
        ("priority=low,,HIGH,x", json!(["query", "priority", 2]), "enum"),
        ("tags=a&tags=%00", json!(["query", "tags", 1]), "value_error"),
        ("tags_match=some", json!(["query", "tags_match"]), "enum"),
        ("due_before=tomorrow", json!(["query", "due_before"]), "datetime_parsing"),
        ("due_after=2026-02-30", json!(["query", "due_after"]), "datetime_parsing"),
        ("has_due=maybe", json!(["query", "has_due"]), "bool_parsing"),
    ];
    check_all(cases, async |(query, loc, kind)| {
        let answer = ann.get(format!("/api/tasks?{query}")).await;
        assert_eq!(faults(&answer), [(loc, json!(kind))]);
    })
    .await;
    let many = vec!["x"; 21].join(",");
    let answer = ann.get(format!("/api/tasks?tags={many}")).await;
    assert_eq!(faults(&answer), [(json!(["query", "tags"]), json!("too_long"))]);
}
