//! What frontends of the older backends send besides a title, in the shapes in which they send it: it is kept, or they are told
//! that it isn't. And what some of them need a setting for.

use serde_json::{Value, json};
use tandem::{
    rest::{DeleteForm, ListForm, RestSettings, UnknownFields},
    task::Priority,
};

use crate::support::{App, check_all, path_of, user::User};

/// A body that creates a task, what is kept of it, and the names of what isn't.
type Shape = (&'static str, Value, Value, &'static str);

fn shapes() -> [Shape; 14] {
    [
        (
            "a date picker's toISOString",
            json!({ "title": "Buy milk", "description": "2 litres", "priority": "high", "due_date": "2026-03-29T10:00:00.000Z",
                    "tags": ["work", "home"] }),
            json!({ "priority": "high", "due_date": "2026-03-29T10:00:00Z", "tags": ["work", "home"] }),
            "",
        ),
        (
            "an input of the type datetime-local, and words for people",
            json!({ "title": "Buy milk", "priority": "Medium", "due_date": "2026-03-29T09:00" }),
            json!({ "priority": "medium", "due_date": "2026-03-29T09:00:00", "tags": [] }),
            "",
        ),
        (
            "an input of the type date",
            json!({ "title": "Buy milk", "priority": "LOW", "due_date": "2026-03-29", "tags": null }),
            json!({ "priority": "low", "due_date": "2026-03-29", "tags": [] }),
            "",
        ),
        (
            "a form with nothing filled in",
            json!({ "title": "Buy milk", "description": "", "priority": "", "due_date": "", "tags": [] }),
            json!({ "description": "", "priority": null, "due_date": null, "tags": [] }),
            "",
        ),
        (
            "null for what isn't set",
            json!({ "title": "Buy milk", "description": null, "priority": null, "due_date": null, "tags": null, "completed": false }),
            json!({ "description": null, "priority": null, "due_date": null, "tags": [], "completed": false }),
            "",
        ),
        (
            "a time with the browser's offset",
            json!({ "title": "Buy milk", "due_date": "2026-03-29T09:00:00+05:00" }),
            json!({ "due_date": "2026-03-29T04:00:00Z", "due_timezone": null }),
            "",
        ),
        (
            "a time in the browser's zone",
            json!({ "title": "Buy milk", "due_date": "2026-03-29T04:00:00.000Z", "due_timezone": "Asia/Karachi" }),
            json!({ "due_date": "2026-03-29T09:00:00+05:00", "due_timezone": "Asia/Karachi" }),
            "",
        ),
        (
            "a category and a color",
            json!({ "title": "Buy milk", "category": "errands", "color": "#f00", "priority": "urgent" }),
            json!({ "priority": "urgent" }),
            "category, color",
        ),
        (
            "names in camel case",
            json!({ "title": "Buy milk", "dueDate": "2026-03-29", "isCompleted": false, "userId": "ann" }),
            json!({ "due_date": null, "completed": false }),
            "dueDate, isCompleted, userId",
        ),
        (
            "a status in words",
            json!({ "title": "Buy milk", "status": "pending", "priority": "none" }),
            json!({ "priority": null, "completed": false }),
            "status",
        ),
        (
            "recurrence and reminders",
            json!({ "title": "Buy milk", "due_date": "2026-03-29T09:00:00", "is_recurring": true, "recurrence_pattern": "weekly",
                    "reminder_at": "2026-03-29T08:00:00Z" }),
            json!({ "due_date": "2026-03-29T09:00:00" }),
            "is_recurring, recurrence_pattern, reminder_at",
        ),
        (
            "the user's id",
            json!({ "title": "Buy milk", "user_id": "bob", "tags": ["Home", "home"] }),
            json!({ "user_id": "ann", "tags": ["Home"] }),
            "user_id",
        ),
        (
            "times of the client's own",
            json!({ "title": "Buy milk", "created_at": "2020-01-01T00:00:00Z", "completed": true, "completed_at": "2020-01-01T00:00:00Z" }),
            json!({ "completed": true }),
            "completed_at, created_at",
        ),
        (
            "one task of an assistant's",
            json!({ "title": "Buy milk", "due_date": "2026-12-31", "priority": "high", "tags": ["ai"], "estimated_time": 30,
                    "subtasks": [{ "title": "a" }] }),
            json!({ "due_date": "2026-12-31", "priority": "high", "tags": ["ai"] }),
            "estimated_time, subtasks",
        ),
    ]
}

#[track_caller]
fn assert_has(task: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&task[name], value, "{name} in {task}");
    }
}

async fn with(rest: RestSettings) -> (App, User) {
    let app = App::builder().rest(rest).build().await;
    let ann = app.user("ann");
    (app, ann)
}

#[tokio::test]
async fn what_a_frontend_sends_is_kept_or_named_as_ignored() {
    let (_app, ann) = with(RestSettings::default()).await;
    check_all(shapes(), async |(_, body, kept, ignored)| {
        for base in ["/api/tasks", "/api/v1/tasks", "/api/ann/tasks"] {
            let made = ann.post(base, body.clone()).await;
            assert_eq!(made.status(201).header("ignored-fields"), ignored);
            assert_has(&made.json, &kept);
            assert_has(&ann.get(path_of(&made.json)).await.good(), &kept);
            // The same body as an edit of another task.
            let other = ann.create("Other").await;
            let edited = ann.put(path_of(&other), body.clone()).await;
            assert_eq!(edited.status(200).header("ignored-fields"), ignored);
            assert_has(&edited.json, &kept);
        }
        let bulk = ann.post("/api/tasks/bulk", json!({ "create": [body, body] })).await;
        assert_eq!(bulk.status(200).header("ignored-fields"), ignored);
        assert_has(&bulk.json["tasks"][1], &kept);
    })
    .await;
    let task = ann.create("x").await;
    let toggled = ann.patch(format!("{}/complete", path_of(&task)), json!({ "done": true })).await;
    assert_eq!(toggled.status(200).header("ignored-fields"), "done");
}

#[tokio::test]
async fn unknown_fields_are_ignored_or_refused_if_the_server_is_set_to() {
    let (_app, lenient) = with(RestSettings { unknown_fields: UnknownFields::Ignore, ..RestSettings::default() }).await;
    let (_other, strict) =
        with(RestSettings { unknown_fields: UnknownFields::Refuse, ..RestSettings::default() }).await;
    check_all(shapes(), async |(_, body, kept, ignored)| {
        let made = lenient.post("/api/tasks", body.clone()).await;
        assert_eq!(made.status(201).header("ignored-fields"), "");
        assert_has(&made.json, &kept);
        let answer = strict.post("/api/tasks", body.clone()).await;
        if ignored.is_empty() {
            assert_has(&answer.status(201).json, &kept);
            return;
        }
        let faults: Vec<Value> = ignored
            .split(", ")
            .map(|name| {
                json!({ "type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": body[name] })
            })
            .collect();
        assert_eq!(answer.refused(422, "BAD_USER_INPUT").json["detail"], json!(faults));
        let bulk = strict.post("/api/tasks/bulk", json!({ "create": [{ "title": "x" }, body] })).await;
        let loc = json!(["body", "create", 1, ignored.split(", ").next()]);
        assert_eq!(bulk.refused(422, "BAD_USER_INPUT").json["detail"][0]["loc"], loc);
    })
    .await;
}

#[tokio::test]
async fn a_push_with_unknown_parts_is_refused_if_the_server_is_set_to_but_a_status_is_known() {
    let settings = RestSettings { unknown_fields: UnknownFields::Refuse, status: true, ..RestSettings::default() };
    let (_app, ann) = with(settings).await;
    let task = ann.create("a").await;
    let misspelt = json!({ "changes": [{ "task": { "id": task["id"], "title": "b" }, "basis": {} }] });
    let refused = ann.post("/api/tasks/push", misspelt).await;
    let loc = json!(["body", "changes", 0, "basis"]);
    assert_eq!(refused.refused(422, "BAD_USER_INPUT").json["detail"][0]["loc"], loc);
    let base = json!({ "id": task["id"], "title": "a", "status": "pending" });
    let deleted = json!({ "id": task["id"], "title": "a", "status": "pending", "deleted": true });
    let pushed = ann.post("/api/tasks/push", json!({ "changes": [{ "task": deleted, "base": base }] })).await;
    assert_eq!(pushed.good(), json!({ "conflicts": [], "refused": [] }));
    ann.get(path_of(&task)).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn lists_are_envelopes_if_the_server_is_set_to() {
    let (_app, ann) = with(RestSettings { lists: ListForm::Envelope, ..RestSettings::default() }).await;
    let task = ann.create("x").await;
    for base in ["/api/tasks", "/api/v1/tasks", "/api/ann/tasks"] {
        assert_eq!(ann.get(base).await.good(), json!({ "tasks": [task], "total": 1 }));
        assert_eq!(ann.get(format!("{base}?status=completed")).await.good(), json!({ "tasks": [], "total": 0 }));
        assert_eq!(ann.get(format!("{base}?envelope=false")).await.good(), json!([task]));
    }
    let document = ann.get("/openapi.json").await.good();
    let parameters = document["paths"]["/api/tasks"]["get"]["parameters"].as_array().unwrap().clone();
    let envelope = parameters.iter().find(|parameter| parameter["name"] == "envelope").unwrap();
    assert_eq!(envelope["schema"]["default"], json!(true));
}

#[tokio::test]
async fn deletions_have_a_message_if_the_server_is_set_to() {
    let (_app, ann) = with(RestSettings { delete: DeleteForm::Message, ..RestSettings::default() }).await;
    let path = path_of(&ann.create("x").await);
    let message = json!({ "message": "Task deleted successfully" });
    assert_eq!(ann.delete(&path).key("k").await.status(200).json, message);
    let again = ann.delete(&path).key("k").await;
    assert!(again.is_replay());
    assert_eq!(again.status(200).json, message);
    ann.delete(&path).await.refused(404, "NOT_FOUND");
    let document = ann.get("/openapi.json").await.good();
    let responses = &document["paths"]["/api/tasks/{task_id}"]["delete"]["responses"];
    assert!(responses["204"].is_null() && responses["200"].is_object());
}

#[tokio::test]
async fn new_tasks_have_the_default_priority_if_theirs_is_omitted() {
    let (_app, ann) = with(RestSettings { default_priority: Priority::Medium, ..RestSettings::default() }).await;
    let cases = [
        (json!({ "title": "x" }), json!("medium")),
        (json!({ "title": "x", "priority": null }), json!(null)),
        (json!({ "title": "x", "priority": "" }), json!(null)),
        (json!({ "title": "x", "priority": "none" }), json!(null)),
        (json!({ "title": "x", "priority": "high" }), json!("high")),
    ];
    check_all(cases, async |(body, priority)| {
        let made = ann.post("/api/tasks", body.clone()).await.good();
        assert_eq!(made["priority"], priority);
        let bulk = ann.post("/api/tasks/bulk", json!({ "create": [body] })).await.good();
        assert_eq!(bulk["tasks"][0]["priority"], priority);
        assert_eq!(ann.put(path_of(&made), json!({ "title": "y" })).await.good()["priority"], priority);
    })
    .await;
    let made = ann.graphql(r#"mutation { createTask(input: { title: "x" }) { priority } }"#).await.good();
    assert_eq!(made["createTask"]["priority"], "NONE", "GraphQL has a default of its own");
    let document = ann.get("/openapi.json").await.good();
    let priority = &document["components"]["schemas"]["CreateTask"]["properties"]["priority"];
    assert_eq!(priority["default"], "medium");
}

#[tokio::test]
async fn tasks_have_a_status_if_the_server_is_set_to() {
    let (app, ann) = with(RestSettings { status: true, ..RestSettings::default() }).await;
    let cases = [
        (json!({}), "pending"),
        (json!({ "status": "pending" }), "pending"),
        (json!({ "status": "completed" }), "completed"),
        (json!({ "status": null }), "pending"),
        (json!({ "status": "completed", "completed": false }), "pending"),
        (json!({ "status": "pending", "completed": true }), "completed"),
    ];
    check_all(cases, async |(body, status)| {
        let mut new = body.clone();
        new["title"] = json!("x");
        let made = ann.post("/api/tasks", new.clone()).await;
        assert_eq!(made.status(201).header("ignored-fields"), "");
        assert_eq!((&made.json["status"], &made.json["completed"]), (&json!(status), &json!(status == "completed")));
        let bulk = ann.post("/api/tasks/bulk", json!({ "create": [new] })).await.good();
        assert_eq!(bulk["tasks"][0]["status"], status);
        let other = ann.create("Other").await;
        assert_eq!(ann.put(path_of(&other), new).await.good()["status"], status);
        if body["status"].is_string() {
            let path = format!("{}/complete", path_of(&other));
            assert_eq!(ann.patch(&path, body).await.good()["status"], status);
        }
    })
    .await;
    for word in [json!("done"), json!("COMPLETED"), json!(1), json!("")] {
        let answer = ann.post("/api/tasks", json!({ "title": "x", "status": word })).await;
        let fault = &answer.refused(422, "BAD_USER_INPUT").json["detail"][0];
        assert_eq!((&fault["loc"], &fault["type"]), (&json!(["body", "status"]), &json!("enum")));
    }
    // Wherever REST has a task.
    let task = ann.create("x").await;
    assert!(ann.tasks().await.as_array().unwrap().iter().all(|task| task["status"].is_string()));
    let changes = ann.get("/api/tasks/changes").await.good();
    assert!(changes["changes"].as_array().unwrap().iter().all(|change| change["task"]["status"].is_string()));
    let conflict = ann.put(path_of(&task), json!({ "title": "y" })).if_match("\"9\"").await;
    assert_eq!(conflict.refused(412, "VERSION_CONFLICT").json["current"]["status"], "pending");
    let document = ann.get("/openapi.json").await.good();
    let schemas = &document["components"]["schemas"];
    let has = |name: &str| schemas[name]["properties"]["status"].is_object();
    assert!(["Task", "CreateTask", "UpdateTask", "Completion"].into_iter().all(has));
    // GraphQL is as it was.
    assert_eq!(app.user("ann").graphql("{ tasks { status } }").await.code(), "GRAPHQL_VALIDATION_FAILED");
    let (_other, plain) = with(RestSettings::default()).await;
    assert_eq!(plain.create("x").await.get("status"), None);
}

#[tokio::test]
async fn the_lists_that_frontends_offer_are_answered() {
    let (_app, ann) = with(RestSettings::default()).await;
    for (title, priority, due, tags) in [
        ("a", "low", "2026-03-30", json!(["work"])),
        ("b", "high", "2026-03-29T09:00", json!(["home", "work"])),
        ("c", "", "", json!([])),
        ("d", "urgent", "2026-03-29", json!(["Home"])),
    ] {
        let new = json!({ "title": title, "priority": priority, "due_date": due, "tags": tags });
        ann.post("/api/tasks", new).await.status(201);
    }
    let cases = [
        ("priority=high", "b"),
        ("priority=high,low&sort=title", "ab"),
        ("priority=high&priority=urgent&sort=title", "bd"),
        ("priority=none", "c"),
        ("priority=", "dcba"),
        ("tags=home&sort=title", "bd"),
        ("tags=home,work&sort=-title", "dba"),
        ("tags=home,work&tags_match=all", "b"),
        ("sort=priority", "dbac"),
        ("sort_by=priority&sort_order=asc", "abdc"),
        ("sort=due_date", "bdac"),
        ("sort_by=due_date&sort_order=desc", "adbc"),
        ("sort=due_date&offset=1&limit=2", "da"),
        ("sort=due_date&page=2&limit=3", "c"),
        ("due_before=2026-03-30", "db"),
        ("due_before=2026-03-29T12:00:00Z", "b"),
        ("due_after=2026-03-29T12:00:00Z&sort=title", "ad"),
        ("has_due=false", "c"),
        ("has_due=1&search=D", "d"),
    ];
    check_all(cases, async |(query, titles)| {
        let answer = ann.get(format!("/api/ann/tasks?{query}&count=true")).await;
        let listed: String = answer.json.as_array().unwrap().iter().map(|t| t["title"].as_str().unwrap()).collect();
        assert_eq!(listed, titles);
        if !query.contains("limit") {
            assert_eq!(answer.header("x-total-count"), titles.len().to_string());
        }
    })
    .await;
}
