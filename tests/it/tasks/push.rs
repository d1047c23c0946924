//! What replicas push, through both doors.

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    skip,
    support::{Answer, App, User, check_all, id_of, path_of, replica::change_in_rest_words},
};

const PUSH: &str = "mutation($changes: [TaskPush!]!) { pushTasks(changes: $changes) {
    conflicts { __typename
        ... on Task { id title description completed priority due { date time timeZone at } tags version createdAt updatedAt completedAt }
        ... on DeletedTask { id version deletedAt } }
    refused { id code message fields { field message } } } }";

/// Which API a push goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Door {
    Rest,
    Graphql,
}

pub const DOORS: [Door; 2] = [Door::Rest, Door::Graphql];

/// A side of a push in GraphQL's words: those of REST but for `due_date` and the priority.
fn in_graphql_words(side: &Value) -> Value {
    let Some(side) = side.as_object() else { return Value::Null };
    let mut side = side.clone();
    side.entry("title").or_insert("-".into());
    for name in ["completed", "tags", "priority"] {
        if side.get(name).is_some_and(Value::is_null) {
            side.remove(name);
        }
    }
    if let Some(priority) = side.get_mut("priority") {
        *priority = priority.as_str().unwrap().to_uppercase().into();
    }
    if let Some(date) = side.remove("due_date").filter(|date| !date.is_null()) {
        let (date, time) =
            date.as_str().unwrap().split_once('T').map_or((date.as_str().unwrap(), None), |(d, t)| (d, Some(t)));
        side.insert("due".into(), json!({ "date": date, "time": time, "timeZone": side.get("due_timezone") }));
    }
    side.remove("due_timezone");
    side.into()
}

/// A push of sides in REST's words.
pub fn call(user: &User, door: Door, changes: &[(Value, Value)]) -> crate::support::Call {
    let change = |words: fn(&Value) -> Value| {
        let changes = changes.iter().map(|(task, base)| json!({ "task": words(task), "base": words(base) }));
        json!(changes.collect::<Vec<_>>())
    };
    match door {
        Door::Rest => user.post("/api/tasks/push", json!({ "changes": change(Value::clone) })),
        Door::Graphql => user.graphql(PUSH).variables(json!({ "changes": change(in_graphql_words) })),
    }
}

/// What came of it: conflicts in REST's words without the user, and the ids that were refused, each with its fields.
pub fn result(door: Door, answer: Answer) -> (Vec<Value>, Vec<(String, Vec<String>)>) {
    let mut pushed = answer.good();
    let is_rest = door == Door::Rest;
    let mut pushed = if is_rest { pushed } else { pushed["pushTasks"].take() };
    let mut conflicts = pushed["conflicts"].as_array_mut().unwrap().split_off(0);
    for conflict in &mut conflicts {
        if !is_rest {
            *conflict = change_in_rest_words(conflict);
        } else if let Some(task) = conflict.get_mut("task") {
            task.as_object_mut().unwrap().remove("user_id");
        }
    }
    let refused = pushed["refused"].as_array().unwrap().iter().map(|refusal| {
        assert_eq!(refusal["code"], "BAD_USER_INPUT");
        let fields = refusal[if is_rest { "detail" } else { "fields" }].as_array().unwrap().iter();
        let field = |field: &Value| match field.get("loc") {
            Some(loc) => loc
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part.to_string().replace('"', ""))
                .collect::<Vec<_>>()
                .join("."),
            None => field["field"].as_str().unwrap().to_owned(),
        };
        (refusal["id"].as_str().unwrap().to_owned(), fields.map(field).collect())
    });
    let refused = refused.collect();
    (conflicts, refused)
}

pub async fn push(user: &User, door: Door, changes: &[(Value, Value)]) -> Vec<Value> {
    let (conflicts, refused) = result(door, call(user, door, changes).await);
    assert_eq!(refused, []);
    conflicts
}

/// Where the feed begins, with which it has tombstones as well.
pub async fn beginning(user: &User) -> String {
    let page = user.get("/api/tasks/changes?cursor=latest").await.good();
    format!("/api/tasks/changes?cursor={}", page["cursor"].as_str().unwrap())
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// A task that is there, in REST's words, and what a client would have of it.
async fn there(user: &User) -> (String, Value) {
    let base = json!({ "id": new_id(), "title": "a", "description": "b", "completed": false, "priority": "high",
                       "due_date": "2026-03-29T09:00:00", "due_timezone": "Europe/Berlin", "tags": ["home"] });
    user.post("/api/tasks", base.clone()).await.status(201);
    (format!("/api/tasks/{}", id_of(&base)), base)
}

fn with(state: &Value, mut changes: Value) -> Value {
    let mut state = state.clone();
    state.as_object_mut().unwrap().append(changes.as_object_mut().unwrap());
    state
}

#[tokio::test]
async fn a_new_task_is_created_once_and_conflicts_with_another_of_its_id() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let task = json!({ "id": new_id(), "title": "a", "tags": ["x"], "completed": true });
        for _ in 0..2 {
            assert_eq!(push(&ann, door, &[(task.clone(), Value::Null)]).await, [] as [Value; 0]);
        }
        let tasks = ann.tasks().await;
        assert_eq!(
            (tasks.as_array().unwrap().len(), &tasks[0]["version"], &tasks[0]["title"]),
            (1, &json!(1), &json!("a"))
        );
        assert_eq!((&tasks[0]["id"], tasks[0]["completed_at"].is_string()), (&task["id"], true));
        let conflicts = push(&ann, door, &[(with(&task, json!({ "title": "b" })), Value::Null)]).await;
        let mut there = tasks[0].clone();
        there.as_object_mut().unwrap().remove("user_id");
        assert_eq!(conflicts, [json!({ "task": there })]);
        // What is deleted can't be created again.
        ann.delete(path_of(&tasks[0])).await.status(204);
        let conflicts = push(&ann, door, &[(task.clone(), Value::Null)]).await;
        assert_eq!((&conflicts[0]["deleted"]["id"], &conflicts[0]["deleted"]["version"]), (&task["id"], &json!(2)));
        assert_eq!(ann.task_count().await, 0);
    })
    .await;
}

#[tokio::test]
async fn each_field_that_a_client_changes_is_merged_with_what_others_changed() {
    let app = App::new().await;
    let fields = [
        ("title", json!("A"), json!("other")),
        ("description", Value::Null, json!("other")),
        ("completed", json!(true), Value::Null),
        ("priority", Value::Null, json!("low")),
        ("due_date", json!("2026-03-30"), json!("2026-03-29T09:00:01")),
        ("tags", json!(["Home"]), json!([])),
    ];
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        for (field, value, other) in &fields {
            let (path, base) = there(&ann).await;
            let mut change = json!({ field.to_owned(): value });
            if *field == "due_date" {
                change["due_timezone"] = Value::Null;
            }
            let task = with(&base, change);
            // Others have changed another field meanwhile.
            let elsewhere =
                if *field == "title" { json!({ "tags": ["others"] }) } else { json!({ "title": "others" }) };
            ann.patch(&path, elsewhere.clone()).await.status(200);
            let changes = [(task.clone(), base.clone())];
            assert_eq!(push(&ann, door, &changes).await, [] as [Value; 0], "{field}");
            // Repeated, it changes nothing, and tells of what others have changed.
            assert_eq!(push(&ann, door, &changes).await.len(), 1, "{field}");
            let now = ann.get(&path).await.good();
            assert_eq!((&now[*field], &now["version"]), (value, &json!(3)), "{field}: {now}");
            for (name, value) in elsewhere.as_object().unwrap() {
                assert_eq!(&now[name], value, "{field}");
            }
            // Others have changed the same.
            if other.is_null() {
                continue;
            }
            let (path, base) = there(&ann).await;
            let mut task = with(&base, json!({ "description": "mine", "completed": true }));
            task[*field] = value.clone();
            if *field == "due_date" {
                task["due_timezone"] = Value::Null;
            }
            ann.patch(&path, json!({ field.to_owned(): other })).await.status(200);
            let before = ann.get(&path).await.good();
            let conflicts = push(&ann, door, &[(task, base)]).await;
            assert_eq!((&conflicts[0]["task"]["version"], conflicts.len()), (&json!(2), 1), "{field}");
            assert_eq!(ann.get(&path).await.good(), before, "{field}: none of the fields is set");
        }
    })
    .await;
}

#[tokio::test]
async fn a_deletion_conflicts_with_any_change_and_a_change_with_a_deletion() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let deleted = |base: &Value| json!({ "id": base["id"], "deleted": true, "title": "" });
        let feed = beginning(&ann).await;
        let (path, base) = there(&ann).await;
        let known_id = base.clone();
        ann.patch(&path, json!({ "completed": true })).await.status(200);
        for base in [base.clone(), Value::Null] {
            let conflicts = push(&ann, door, &[(deleted(&known_id), base)]).await;
            assert_eq!(conflicts[0]["task"]["version"], 2);
        }
        let known = with(&base, json!({ "completed": true }));
        for _ in 0..2 {
            assert_eq!(push(&ann, door, &[(deleted(&base), known.clone())]).await, [] as [Value; 0]);
        }
        ann.get(&path).await.status(404);
        let feed = ann.get(feed).await.good();
        let tombstone = feed["changes"].as_array().unwrap().last().unwrap()["deleted"].clone();
        assert_eq!((&tombstone["id"], &tombstone["version"]), (&base["id"], &json!(3)));
        let conflicts = push(&ann, door, &[(with(&known, json!({ "title": "b" })), known.clone())]).await;
        assert_eq!(conflicts, [json!({ "deleted": tombstone })]);
        // What was never there.
        let (id, nowhere) = (new_id(), new_id());
        let changes = [
            (json!({ "id": id, "deleted": true }), Value::Null),
            (json!({ "id": id, "deleted": true }), json!({ "id": id, "title": "a" })),
            (json!({ "id": nowhere, "title": "b" }), json!({ "id": nowhere, "title": "a" })),
        ];
        let conflicts = push(&ann, door, &changes).await;
        assert_eq!((&conflicts[0]["deleted"]["id"], &conflicts[0]["deleted"]["version"]), (&json!(nowhere), &json!(0)));
        // A base that is deleted is the same as none.
        let changes = [(json!({ "id": id, "title": "a" }), json!({ "id": id, "deleted": true }))];
        assert_eq!(push(&ann, door, &changes).await, [] as [Value; 0]);
        assert_eq!(ann.get(format!("/api/tasks/{id}")).await.good()["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn changes_of_one_task_follow_each_other_and_each_is_a_version() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let feed = beginning(&ann).await;
        let (x, y) = (new_id(), new_id());
        let of = |id: &str, title: &str| json!({ "id": id, "title": title });
        let deleted = |id: &str| json!({ "id": id, "deleted": true });
        let changes = [
            (of(&x, "a"), Value::Null),
            (of(&y, "a"), Value::Null),
            (of(&x, "b"), of(&x, "a")),
            (of(&x, "c"), of(&x, "b")),
            (of(&x, "d"), of(&x, "a")),
            (of(&y, "b"), of(&y, "a")),
            (deleted(&y), of(&y, "b")),
            (deleted(&y), of(&y, "b")),
            (of(&y, "c"), of(&y, "b")),
        ];
        let conflicts = push(&ann, door, &changes).await;
        let feed = ann.get(feed).await.good();
        let mut state = feed["changes"].as_array().unwrap().clone();
        for change in &mut state {
            if let Some(task) = change.get_mut("task") {
                task.as_object_mut().unwrap().remove("user_id");
            }
        }
        assert_eq!((&state[0]["task"]["title"], &state[0]["task"]["version"]), (&json!("c"), &json!(3)), "{feed}");
        assert_eq!((&state[1]["deleted"]["id"], &state[1]["deleted"]["version"]), (&json!(y), &json!(3)), "{feed}");
        assert_eq!(conflicts, state, "conflicts are answered as the feed has it: {conflicts:?}");
        // Repeated, they change nothing, and what is there is told: they have come further than the first of them.
        let id = new_id();
        let changes = [(of(&id, "a"), Value::Null), (of(&id, "b"), of(&id, "a")), (of(&id, "c"), of(&id, "b"))];
        assert_eq!(push(&ann, door, &changes).await, [] as [Value; 0]);
        let conflicts = push(&ann, door, &changes).await;
        let state = &conflicts[0]["task"];
        assert_eq!((&state["title"], &state["version"]), (&json!("c"), &json!(3)));
    })
    .await;
}

#[tokio::test]
async fn what_is_invalid_is_refused_by_itself_and_told_what_is_there() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let (path, base) = there(&ann).await;
        let [good, new, nil] = [new_id(), new_id(), Uuid::nil().to_string()];
        let bad_tags: Vec<_> = (0..21).map(|number| number.to_string()).collect();
        let changes = [
            (json!({ "id": new, "title": "x".repeat(201), "tags": ["ok", ""], "description": "\u{0}" }), Value::Null),
            (json!({ "id": good, "title": "good" }), Value::Null),
            (with(&base, json!({ "title": "" })), with(&base, json!({ "tags": bad_tags }))),
            (json!({ "id": "no-uuid", "title": "x" }), Value::Null),
            (json!({ "id": nil, "title": "x" }), Value::Null),
            (with(&base, json!({ "title": "x" })), with(&base, json!({ "id": good }))),
            (json!({ "id": new, "title": "x", "due_date": "2026-02-30" }), Value::Null),
            (with(&base, json!({ "due_timezone": "Mars/Olympus" })), base.clone()),
        ];
        let (conflicts, refused) = result(door, call(&ann, door, &changes).await);
        let expected = match door {
            Door::Rest => [
                (&new, vec!["0.task.title", "0.task.description", "0.task.tags.1"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["2.task.title", "2.base.tags"]),
                (&"no-uuid".to_owned(), vec!["3.task.id"]),
                (&nil, vec!["4.task.id"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["5.base.id"]),
                (&new, vec!["6.task.due_date"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["7.task.due_timezone"]),
            ]
            .map(|(id, fields)| {
                (id.clone(), fields.iter().map(|field| format!("body.changes.{field}")).collect::<Vec<_>>())
            }),
            Door::Graphql => [
                (&new, vec!["title", "description", "tags.1"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["title", "base.tags"]),
                (&"no-uuid".to_owned(), vec!["id"]),
                (&nil, vec!["id"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["base.id"]),
                (&new, vec!["due.date"]),
                (&base["id"].as_str().unwrap().to_owned(), vec!["due.timeZone"]),
            ]
            .map(|(id, fields)| (id.clone(), fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())),
        };
        assert_eq!(refused, expected);
        let state = |conflict: &Value| {
            let (task, deleted) = (&conflict["task"], &conflict["deleted"]);
            let state = if task.is_null() { deleted } else { task };
            (id_of(state).to_owned(), state["version"].as_i64().unwrap(), task["title"].as_str().map(ToOwned::to_owned))
        };
        let told: Vec<_> = conflicts.iter().map(state).collect();
        let absent = |id: &str| (id.to_owned(), 0, None);
        let there = (id_of(&base).to_owned(), 1, Some("a".to_owned()));
        assert_eq!(told, [absent(&new), there, absent(&nil), absent("no-uuid")]);
        assert_eq!(ann.get(format!("/api/tasks/{good}")).await.good()["title"], "good");
        assert_eq!(ann.get(&path).await.good()["version"], 1);
        let message =
            ann.graphql(PUSH).variables(json!({ "changes": [{ "task": { "id": good, "title": "" } }] })).await;
        let refusal = &message.data()["pushTasks"]["refused"][0];
        assert_eq!(refusal["message"], "title: String should have at least 1 character");
    })
    .await;
}

#[tokio::test]
async fn a_push_has_up_to_100_changes_which_are_read_as_a_whole() {
    let app = App::new().await;
    let ann = app.user("ann");
    let change = || (json!({ "id": new_id(), "title": "a" }), Value::Null);
    check_all(DOORS, async |door| {
        assert_eq!(push(&ann, door, &[]).await, [] as [Value; 0]);
        let many: Vec<_> = (0..100).map(|_| change()).collect();
        assert_eq!(push(&ann, door, &many).await, [] as [Value; 0]);
        let mut more = many.clone();
        more.push((json!({ "id": "no-uuid", "title": "a" }), Value::Null));
        let answer = call(&ann, door, &more).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{answer}");
    })
    .await;
    assert_eq!(ann.task_count().await, 200);
    let id = new_id();
    let bodies = [
        (json!({}), json!(["changes"])),
        (json!({ "changes": null }), json!(["changes"])),
        (json!({ "changes": {} }), json!(["changes"])),
        (json!({ "changes": [1] }), json!(["changes", 0])),
        (json!({ "changes": [{}] }), json!(["changes", 0, "task"])),
        (json!({ "changes": [{ "task": null }] }), json!(["changes", 0, "task"])),
        (json!({ "changes": [{ "task": { "title": "a" } }] }), json!(["changes", 0, "task", "id"])),
        (json!({ "changes": [{ "task": { "id": 1, "title": "a" } }] }), json!(["changes", 0, "task", "id"])),
        (json!({ "changes": [{ "task": { "id": id, "title": "a" }, "base": 1 }] }), json!(["changes", 0, "base"])),
        (
            json!({ "changes": [{ "task": { "id": id, "title": "a" }, "base": {} }] }),
            json!(["changes", 0, "base", "id"]),
        ),
    ];
    check_all(bodies, async |(body, place)| {
        let answer = ann.post("/api/tasks/push", body.clone()).await;
        let loc = answer.refused(422, "BAD_USER_INPUT").json["detail"][0]["loc"].as_array().unwrap()[1..].to_vec();
        assert_eq!(json!(loc), place, "{body}");
    })
    .await;
    assert_eq!(ann.task_count().await, 200);
    // A client may send the whole document that it has.
    let answer =
        ann.post("/api/tasks/push", json!({ "changes": [{ "task": { "id": id, "title": "a", "version": 3 } }] })).await;
    assert_eq!(
        (answer.header("ignored-fields"), answer.json.clone()),
        ("version", json!({ "conflicts": [], "refused": [] }))
    );
}

#[tokio::test]
async fn a_push_under_a_key_is_replayed_and_nothing_is_stored_if_nothing_changed() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let (path, base) = there(&ann).await;
        ann.patch(&path, json!({ "title": "others" })).await.status(200);
        let id = new_id();
        let changes =
            [(with(&base, json!({ "title": "mine" })), base.clone()), (json!({ "id": id, "title": "a" }), Value::Null)];
        let first = call(&ann, door, &changes).key("one").await;
        assert!(!first.is_replay());
        assert_eq!(result(door, first).0[0]["task"]["title"], "others");
        ann.patch(&path, json!({ "title": "later" })).await.status(200);
        let again = call(&ann, door, &changes).key("one").await;
        assert!(again.is_replay());
        assert_eq!(result(door, again).0[0]["task"]["title"], "later", "as it is now: {door:?}");
        let other = call(&ann, door, &[changes[1].clone()]).key("one").await;
        assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED", "{door:?}");
        let fresh = call(&ann, door, &changes).key("two").await;
        assert_eq!(result(door, fresh).0[0]["task"]["title"], "later");
        // Nothing was changed, so the key is free.
        ann.patch(&path, json!({ "title": "a" })).await.status(200);
        let retried = call(&ann, door, &changes).key("two").await;
        assert_eq!((retried.is_replay(), result(door, retried).0), (false, vec![]), "{door:?}");
        assert_eq!(ann.get(&path).await.good()["title"], "mine");
    })
    .await;
}

#[tokio::test]
async fn a_replayed_conflict_tells_nothing_that_is_gone() {
    let app = App::new().await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let (path, base) = there(&ann).await;
        ann.patch(&path, json!({ "title": "secret" })).await.status(200);
        let changes = [
            (json!({ "id": new_id(), "title": "a" }), Value::Null),
            (with(&base, json!({ "title": "mine" })), base.clone()),
        ];
        let conflict = result(door, call(&ann, door, &changes).key("one").await).0;
        assert_eq!(conflict[0]["task"]["title"], "secret");
        ann.delete(&path).await.status(204);
        ann.delete(format!("/api/tasks/trash/{}", id_of(&base))).await.status(204);
        let again = call(&ann, door, &changes).key("one").await;
        assert!(again.is_replay() && !again.text.contains("secret"), "{again}");
        assert_eq!(result(door, again).0[0]["deleted"]["version"], 3);
    })
    .await;
}

#[tokio::test]
async fn of_a_deleted_side_only_the_id_is_looked_at_and_null_is_the_default() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (path, base) = there(&ann).await;
    let id = id_of(&base);
    let defaults =
        json!({ "id": new_id(), "title": "a", "completed": null, "priority": null, "tags": null, "deleted": null });
    let untitled = json!({ "id": new_id() });
    for (door, push) in [
        (Door::Graphql, json!([{ "task": defaults }, { "task": untitled }])),
        (Door::Rest, json!([{ "task": defaults }])),
    ] {
        let answer = match door {
            Door::Graphql => ann.graphql(PUSH).variables(json!({ "changes": push })).await,
            Door::Rest => ann.post("/api/tasks/push", json!({ "changes": push })).await,
        };
        let (_, refused) = result(door, answer);
        let expected = [(id_of(&untitled).to_owned(), vec!["title".to_owned()])];
        assert_eq!(refused, if door == Door::Graphql { &expected[..] } else { &[] });
    }
    let deletion = json!([{ "task": { "id": id, "deleted": true }, "base": { "id": id, "deleted": true } }]);
    let answer = ann.graphql(PUSH).variables(json!({ "changes": deletion })).await;
    assert_eq!(id_of(&result(Door::Graphql, answer).0[0]["task"]), id, "a deleted base is none");
    ann.get(&path).await.status(200);
}

#[tokio::test]
async fn ids_that_are_none_are_told_once_and_unknown_parts_of_a_change_are_named() {
    let app = App::new().await;
    let ann = app.user("ann");
    let twice =
        json!({ "changes": [{ "task": { "id": "zz", "title": "a" } }, { "task": { "id": "zz", "title": "b" } }] });
    let answer = ann.post("/api/tasks/push", twice).await.good();
    assert_eq!((answer["conflicts"].as_array().unwrap().len(), answer["refused"].as_array().unwrap().len()), (1, 2));
    let id = new_id().to_uppercase();
    let misspelt = json!({ "changes": [{ "task": { "id": id, "title": "" }, "basis": { "id": id } }] });
    let answer = ann.post("/api/tasks/push", misspelt).await;
    assert_eq!(answer.header("ignored-fields"), "basis");
    assert_eq!(answer.good()["refused"][0]["id"], id.to_lowercase(), "as everywhere else");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_pushes_at_once_each_is_merged_with_what_the_others_left() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    for round in 0..5 {
        let (path, base) = there(&ann).await;
        let edits = [
            json!({ "title": "x" }),
            json!({ "title": "y" }),
            json!({ "description": "x" }),
            json!({ "priority": "low" }),
            json!({ "tags": ["x"] }),
            json!({ "completed": true }),
        ];
        let pushes = edits.iter().zip(DOORS.iter().cycle()).map(|(edit, door)| {
            let changes = [(with(&base, edit.clone()), base.clone())];
            let ann = ann.clone();
            async move { push(&ann, *door, &changes).await.len() }
        });
        let conflicts: usize = join_all(pushes).await.iter().sum();
        let now = ann.get(&path).await.good();
        assert_eq!((conflicts, &now["version"]), (1, &json!(6)), "of two titles, one: round {round}");
        assert_eq!(
            (&now["description"], &now["priority"], &now["completed"]),
            (&json!("x"), &json!("low"), &json!(true))
        );
    }
}
