//! Ids that clients make.

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    skip,
    support::{App, User, check_all, path_of, proxy::proxied},
};

const V4: &str = "9b2e5d0a-6c1f-4e0b-8a51-3c9f2d7e4b10";
const V7: &str = "01a1fe19-a73c-72af-a397-b7572654bf7a";
const CREATE: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { id title version } }";
const CREATE_MANY: &str =
    "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id title version } }";

async fn create(user: &User, input: Value) -> crate::support::Answer {
    user.graphql(CREATE).variables(json!({ "input": input })).await
}

#[tokio::test]
async fn a_task_has_the_id_that_its_client_made() {
    let app = App::new().await;
    let ann = app.user("ann");
    let made = ann.post("/api/tasks", json!({ "id": V4, "title": "a" })).await;
    assert_eq!(made.status(201).json["id"], V4);
    assert_eq!(made.header("location"), format!("/api/tasks/{V4}"));
    let made = create(&ann, json!({ "id": V7.to_uppercase(), "title": "b" })).await;
    assert_eq!(made.data()["createTask"], json!({ "id": V7, "title": "b", "version": 1 }));
    let many = ann.post("/api/tasks", json!({ "id": null, "title": "c" })).await.good();
    assert_eq!(Uuid::parse_str(many["id"].as_str().unwrap()).unwrap().get_version_num(), 7);
    assert_eq!(ann.get(format!("/api/tasks/{V7}")).await.good()["title"], "b");
}

#[tokio::test]
async fn an_id_must_be_a_uuid_of_version_4_or_7() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (version, uuid) = ("Value error, must be a UUID of version 4 or 7", "Input should be a valid UUID");
    let cases = [
        ("00000000-0000-0000-0000-000000000000", version),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", version),
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", version),
        ("9b2e5d0a-6c1f-4e0b-ca51-3c9f2d7e4b10", version),
        ("", uuid),
        ("1", uuid),
    ];
    check_all(cases, async |(id, message)| {
        let rest = ann.post("/api/tasks", json!({ "id": id, "title": "a" })).await;
        let fault = &rest.refused(422, "BAD_USER_INPUT").json["detail"][0];
        assert_eq!(fault["loc"], json!(["body", "id"]), "{id}");
        assert!(fault["msg"].as_str().unwrap().starts_with(message), "{id}: {fault}");
        let graphql = create(&ann, json!({ "id": id, "title": "a" })).await;
        let fields = &graphql.json["errors"][0]["extensions"]["fields"];
        assert_eq!((graphql.code(), fields), ("BAD_USER_INPUT", &json!({ "id": message })), "{id}");
    })
    .await;
    let rest = ann.post("/api/tasks", json!({ "id": 1, "title": "a" })).await;
    assert_eq!(rest.refused(422, "BAD_USER_INPUT").json["detail"][0]["type"], "string_type");
    assert_eq!(ann.task_count().await, 0);
}

#[tokio::test]
async fn an_id_that_is_there_is_answered_if_the_task_says_the_same_and_is_taken_if_not() {
    let app = App::new().await;
    let ann = app.user("ann");
    let new = json!({ "id": V4, "title": "a", "description": "b", "tags": ["c"], "priority": "high",
                      "due_date": "2026-03-29T09:00", "due_timezone": "Europe/Berlin", "completed": true });
    let first = ann.post("/api/tasks", new.clone()).await;
    let again = ann.post("/api/tasks", new.clone()).await;
    assert_eq!(
        (first.status(201).json.clone(), again.status(200).json.clone()),
        (again.json.clone(), first.json.clone())
    );
    assert_eq!(again.header("location"), format!("/api/tasks/{V4}"));
    let others = [
        ("title", json!("A")),
        ("description", Value::Null),
        ("tags", json!(["C"])),
        ("priority", json!("low")),
        ("due_date", json!("2026-03-29T09:01")),
        ("due_timezone", Value::Null),
        ("completed", json!(false)),
    ];
    check_all(others, async |(field, value)| {
        let mut other = new.clone();
        other[field] = value;
        let answer = ann.post("/api/tasks", other.clone()).await;
        let detail = format!("Another task has the id {V4}, or had it");
        assert_eq!(answer.refused(409, "ID_TAKEN").json["detail"], detail, "{field}");
        let answer = ann.post("/api/tasks/bulk", json!({ "create": [{ "title": "x" }, other] })).await;
        answer.refused(409, "ID_TAKEN");
    })
    .await;
    assert_eq!(ann.tasks().await, json!([first.json]), "nothing has changed");
    let input = json!({ "id": V4, "title": "a" });
    assert_eq!(create(&ann, input.clone()).await.code(), "ID_TAKEN");
    ann.delete(path_of(&first.json)).await.status(204);
    ann.post("/api/tasks", new).await.refused(409, "ID_TAKEN");
    assert_eq!(create(&ann, input).await.code(), "ID_TAKEN");
    assert_eq!(ann.task_count().await, 0);
}

#[tokio::test]
async fn a_bulk_may_have_ids_and_keeps_its_order() {
    let app = App::new().await;
    let ann = app.user("ann");
    ann.post("/api/tasks", json!({ "id": V4, "title": "known" })).await.status(201);
    // The server's own ids sort before the first one, and after the last.
    let [first, last] = ["ffffffff-ffff-4fff-bfff-ffffffffffff", "00000000-0000-4000-8000-000000000000"];
    let new = json!([{ "id": first, "title": "a" }, { "title": "b" }, { "id": V4, "title": "known" }, { "title": "c" },
                     { "id": last, "title": "d" }]);
    let create = || ann.post("/api/tasks/bulk", json!({ "create": new })).key("many");
    let made = create().await.good();
    let titles: Vec<_> = made["tasks"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["a", "b", "known", "c", "d"]);
    assert_eq!((&made["tasks"][0]["id"], &made["tasks"][4]["id"]), (&json!(first), &json!(last)));
    let again = create().await;
    assert_eq!((again.is_replay(), again.good()), (true, made.clone()));
    let twice = ann.post(
        "/api/tasks/bulk",
        json!({ "create": [{ "title": "x" }, { "id": V7, "title": "x" }, { "id": V7, "title": "x" }] }),
    );
    let twice = twice.await;
    assert_eq!(twice.refused(422, "BAD_USER_INPUT").json["detail"][0]["loc"], json!(["body", "create", 2, "id"]));
    let inputs = json!([{ "id": V7, "title": "x" }, { "id": V7, "title": "x" }]);
    let twice = ann.graphql(CREATE_MANY).variables(json!({ "inputs": inputs })).await;
    assert_eq!((twice.code(), twice.fields()), ("BAD_USER_INPUT", vec!["1.id"]));
    assert_eq!(ann.task_count().await, 5);
    // Oldest first is not by ids.
    let ids = json!([last, first, V4]);
    let completed = ann.post("/api/tasks/bulk", json!({ "complete": ids })).await.good();
    let titles: Vec<_> = completed["tasks"].as_array().unwrap().iter().map(|task| &task["title"]).collect();
    assert_eq!(titles, ["known", "d", "a"]);
    let deleted =
        ann.graphql("mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { ids } }").variables(json!({ "ids": ids }));
    assert_eq!(deleted.await.data()["deleteTasks"]["ids"], json!([V4, last, first]));
}

#[tokio::test]
async fn a_key_covers_the_id() {
    let app = App::new().await;
    let ann = app.user("ann");
    let create = |id: Option<&str>, key: &str| ann.post("/api/tasks", json!({ "id": id, "title": "a" })).key(key);
    let first = create(Some(V4), "one").await;
    let again = create(Some(V4), "one").await;
    assert_eq!((again.status(201).is_replay(), &again.json), (true, &first.json));
    create(Some(V7), "one").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    create(None, "one").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    // Nothing was done under this key, so it is free.
    let known = create(Some(V4), "two").await;
    assert_eq!((known.status(200).is_replay(), &known.json), (false, &first.json));
    ann.patch(path_of(&first.json), json!({ "title": "b" })).await.status(200);
    create(Some(V4), "two").await.refused(409, "ID_TAKEN");
    assert_eq!(create(Some(V4), "one").await.status(201).json, first.json, "as it was");
    create(None, "two").await.status(201);
}

/// What the server asks the database for another user's id is what it asks for one that nobody has.
#[tokio::test]
async fn another_users_id_is_like_one_that_nobody_has() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let free = Uuid::now_v7().to_string();
    ann.post("/api/tasks", json!({ "id": V4, "title": "Ann's" })).await.status(201);
    let gone = ann.post("/api/tasks", json!({ "id": V7, "title": "Ann's" })).await.good();
    ann.delete(path_of(&gone)).await.status(204);
    bob.post("/api/tasks", json!({ "id": Uuid::now_v7(), "title": "warm" })).await.status(201);
    let mut seen = Vec::new();
    for id in [V4, V7, &free] {
        proxy.forget();
        let answer = bob.post("/api/tasks", json!({ "id": id, "title": "Bob's" })).await;
        let asked = proxy.seen();
        seen.push((answer.status, answer.json["version"].clone(), asked.statements, asked.flushes));
    }
    assert!(seen[0].0 == 201 && seen[0] == seen[2] && seen[1] == seen[2], "{seen:?}");
    assert_eq!(ann.get(format!("/api/tasks/{V4}")).await.good()["title"], "Ann's");
    assert_eq!(bob.get(format!("/api/tasks/{V4}")).await.good()["title"], "Bob's");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creations_at_once_with_one_id_one_creates() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    for _ in 0..5 {
        let id = Uuid::now_v7();
        let create =
            |number: usize| ann.post("/api/tasks", json!({ "id": id, "title": format!("{}", number % 2) })).send();
        let answers = join_all((0..10).map(create)).await;
        let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(201), count(200), count(409)), (1, 4, 5));
    }
}

/// Whoever writes to the table without the user's lock may do so between reading and writing.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_turns_up_in_between_is_looked_at() {
    // On Citus it is another server that waits.
    let Some(app) = App::on_server().await.filter(|app| !app.db.is_spread()) else { skip!(Postgres) };
    let (ann, admin) = (app.user("ann"), app.db.superuser().await);
    for (id, title, status) in [(V4, "same", 200), (V7, "other", 409)] {
        admin.batch_execute("BEGIN").await.unwrap();
        let insert = format!("INSERT INTO tasks (user_id, id, title) VALUES ('ann', '{id}', '{title}')");
        admin.batch_execute(&insert).await.unwrap();
        let create = tokio::spawn(ann.post("/api/tasks", json!({ "id": id, "title": "same" })).send());
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO tasks%'";
        let other = app.db.superuser().await;
        while other.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        admin.batch_execute("COMMIT").await.unwrap();
        assert_eq!(create.await.unwrap().status.as_u16(), status);
    }
}
