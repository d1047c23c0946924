//! `MAX_TASKS_PER_USER`.

use futures::future::join_all;
use serde_json::{Value, json};

use super::push::{DOORS, call, push};
use crate::{
    skip,
    support::{Answer, App, TestDb, User, check_all, path_of, proxy::proxied_with},
};

/// A server where a user may have this many tasks.
async fn limited_to(max: u32) -> App {
    let mut db = TestDb::fresh().await;
    db.config.max_tasks_per_user = max;
    App::on(db).await
}

/// Every way to create one task.
async fn create(user: &User) -> [Answer; 4] {
    [
        user.post("/api/tasks", json!({ "title": "x" })).await,
        user.post("/api/tasks/bulk", json!({ "create": [{ "title": "x" }] })).await,
        user.graphql(r#"mutation { createTask(input: { title: "x" }) { id } }"#).await,
        user.graphql(r#"mutation { createTasks(inputs: [{ title: "x" }]) { id } }"#).await,
    ]
}

#[track_caller]
fn assert_refused(answers: &[Answer; 4], max: u32) {
    for (answer, status) in answers.iter().zip([403, 403, 200, 200]) {
        answer.refused(status, "QUOTA_EXCEEDED");
        let limit = answer.json.get("limit").or_else(|| answer.json.pointer("/errors/0/extensions/limit"));
        assert_eq!(limit, Some(&json!(max)), "{answer}");
    }
}

#[tokio::test]
async fn creations_beyond_the_quota_are_refused_by_both_doors_until_something_is_deleted() {
    let app = limited_to(4).await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    for answer in create(&ann).await {
        answer.good();
    }
    assert_refused(&create(&ann).await, 4);
    let tasks = ann.tasks().await;
    assert_eq!(tasks.as_array().unwrap().len(), 4);
    bob.create("Others are not limited by it").await;
    ann.put(path_of(&tasks[0]), json!({ "title": "Changes are no creations" })).await.good();
    ann.delete(path_of(&tasks[0])).await.status(204);
    let two = json!({ "create": [{ "title": "x" }, { "title": "y" }] });
    ann.post("/api/tasks/bulk", two).await.refused(403, "QUOTA_EXCEEDED");
    ann.create("There is room for one").await;
    assert_refused(&create(&ann).await, 4);
    let problem = ann.post("/api/tasks", json!({ "title": "x" })).header("accept", "application/problem+json").await;
    assert_eq!((&problem.json["status"], &problem.json["limit"]), (&json!(403), &json!(4)));
}

#[tokio::test]
async fn what_is_restored_counts_and_what_is_in_the_trash_does_not() {
    let app = limited_to(2).await;
    let ann = app.user("ann");
    let gone = ann.create("Gone").await;
    ann.delete(path_of(&gone)).await.status(204);
    let (first, _) = (ann.create("a").await, ann.create("b").await);
    let restore = format!("{}/restore", path_of(&gone));
    ann.call("POST", &restore).await.refused(403, "QUOTA_EXCEEDED");
    let many = json!({ "ids": [gone["id"]] });
    ann.post("/api/tasks/restore", many).await.refused(403, "QUOTA_EXCEEDED");
    ann.delete(path_of(&first)).await.status(204);
    let restored = ann.call("POST", &restore).await.good();
    assert_eq!(ann.call("POST", &restore).await.good(), restored, "it is there, and needs no room");
}

#[tokio::test]
async fn a_creation_is_replayed_at_the_limit_and_one_that_was_refused_may_be_repeated() {
    let app = limited_to(1).await;
    let ann = app.user("ann");
    let create = |key: &str| ann.post("/api/tasks", json!({ "title": "x" })).key(key);
    let created = create("a").await.good();
    create("b").await.refused(403, "QUOTA_EXCEEDED");
    let again = create("a").await;
    assert!(again.is_replay() && again.json == created, "{again}");
    ann.delete(path_of(&created)).await.status(204);
    assert!(!create("b").await.is_replay());
    create("c").await.refused(403, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn what_is_pushed_beyond_the_quota_is_refused_by_itself() {
    let app = limited_to(3).await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let ids: [String; 5] = std::array::from_fn(|_| uuid::Uuid::now_v7().to_string());
        let of = |index: usize, title: &str| json!({ "id": ids[index], "title": title });
        for index in 0..3 {
            ann.post("/api/tasks", of(index, "a")).await.status(201);
        }
        // What is there is no creation.
        ann.post("/api/tasks", of(0, "a")).await.status(200);
        ann.post("/api/tasks", of(3, "a")).await.refused(403, "QUOTA_EXCEEDED");
        let changes = [
            (of(3, "a"), json!(null)),
            (of(0, "b"), of(0, "a")),
            (of(0, "b"), json!(null)),
            (of(3, "b"), of(3, "a")),
            (of(4, ""), json!(null)),
        ];
        let mut answer = call(&ann, door, &changes).key("one").await;
        let pushed = answer.json.pointer_mut("/data/pushTasks").map(Value::take).unwrap_or(answer.json);
        let refused = pushed["refused"].as_array().unwrap().iter().map(|one| (one["id"].clone(), one["code"].clone()));
        let expected = [(json!(ids[4]), json!("BAD_USER_INPUT")), (json!(ids[3]), json!("QUOTA_EXCEEDED"))];
        assert_eq!(refused.collect::<Vec<_>>(), expected);
        assert!(pushed["refused"].to_string().contains("A user may have 3 tasks here"), "{pushed}");
        assert_eq!(pushed["conflicts"].as_array().unwrap().len(), 2, "{pushed}");
        let again = call(&ann, door, &changes).key("one").await;
        assert!(again.is_replay() && again.text.contains("QUOTA_EXCEEDED"), "{again}");
        assert_eq!(
            (ann.task_count().await, &ann.get(format!("/api/tasks/{}", ids[0])).await.good()["title"]),
            (3, &json!("b"))
        );
        // What is deleted makes room for the next push.
        let deleted = json!({ "id": ids[1], "deleted": true });
        assert_eq!(push(&ann, door, &[(deleted, of(1, "a"))]).await, [] as [Value; 0]);
        assert_eq!(push(&ann, door, &[(of(3, "a"), json!(null))]).await, [] as [Value; 0]);
    })
    .await;
}

#[tokio::test]
async fn of_a_push_what_fits_is_created_and_what_it_deletes_makes_room() {
    let app = limited_to(3).await;
    check_all(DOORS, async |door| {
        let ann = app.user(&format!("{door:?}"));
        let ids: [String; 6] = std::array::from_fn(|_| uuid::Uuid::now_v7().to_string());
        let of = |index: usize| json!({ "id": ids[index], "title": "a" });
        let new = |index: usize| (of(index), json!(null));
        let refused = async |changes: &[(Value, Value)]| {
            let answer = call(&ann, door, changes).await.good();
            let pushed = answer.get("pushTasks").cloned().unwrap_or(answer);
            let refused = pushed["refused"].as_array().unwrap().iter().map(|one| one["id"].clone());
            refused.collect::<Vec<_>>()
        };
        ann.post("/api/tasks", of(0)).await.status(201);
        assert_eq!(refused(&[new(1), new(2), new(3), new(4)]).await, [json!(ids[3]), json!(ids[4])]);
        assert_eq!(ann.task_count().await, 3);
        let delete = |index: usize| (json!({ "id": ids[index], "deleted": true }), of(index));
        assert_eq!(refused(&[delete(0), new(3)]).await, [] as [Value; 0]);
        assert_eq!(refused(&[new(4), (json!({ "id": ids[4], "deleted": true }), of(4))]).await, [] as [Value; 0]);
        assert_eq!(refused(&[delete(1), new(5), delete(5), (of(2), of(2)), new(0)]).await, [] as [Value; 0]);
        assert_eq!(ann.task_count().await, 2);
    })
    .await;
}

#[tokio::test]
async fn only_what_a_restoration_adds_needs_room() {
    let app = limited_to(2).await;
    let ann = app.user("ann");
    let gone = ann.create("Gone").await;
    ann.delete(path_of(&gone)).await.status(204);
    let (one, two) = (ann.create("a").await, ann.create("b").await);
    let restore = |path: String| ann.call("POST", path + "/restore");
    let many = |ids: Value| ann.post("/api/tasks/restore", json!({ "ids": ids }));
    many(json!([one["id"], two["id"]])).key("k").await.good();
    let nowhere = uuid::Uuid::now_v7();
    restore(format!("/api/tasks/{nowhere}")).await.refused(404, "NOT_FOUND");
    many(json!([nowhere])).await.refused(404, "NOT_FOUND");
    restore(path_of(&gone)).header("if-match", "\"9\"").await.refused(412, "VERSION_CONFLICT");
    restore(path_of(&gone)).await.refused(403, "QUOTA_EXCEEDED");
    ann.delete(path_of(&two)).await.status(204);
    let restored = many(json!([gone["id"], one["id"]])).key("k").await;
    assert!(!restored.is_replay(), "what changed nothing left no record");
    assert_eq!(restored.good()["tasks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn zero_is_no_limit() {
    let app = limited_to(0).await;
    for _ in 0..3 {
        for answer in create(&app.user("ann")).await {
            answer.good();
        }
    }
}

/// Gives a user tasks without telling a server.
async fn plant(app: &App, user: &str, count: i64) {
    let plant =
        "INSERT INTO tasks (user_id, id, title) SELECT $1, gen_random_uuid(), 'x' FROM generate_series(1, $2::bigint)";
    app.db.superuser().await.execute(plant, &[&user, &count]).await.unwrap();
}

#[tokio::test]
async fn several_servers_together_exceed_it_by_no_more_than_a_percent() {
    const MAX: i64 = 40_000;
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.max_tasks_per_user = u32::try_from(MAX).unwrap();
    let first = App::on(db).await;
    let others = [first.another().await, first.another().await, first.another().await];
    let [second, third, fourth] = others;
    let servers = [first, second, third, fourth];
    plant(&servers[0], "ann", MAX - 600).await;
    // Each server is granted something while there is room, and keeps some of it.
    for server in &servers {
        server.user("ann").create("x").await;
    }
    let create = async |server: &App| {
        let mut created = 0;
        loop {
            let answers =
                join_all((0..4).map(|_| server.user("ann").post("/api/tasks", json!({ "title": "x" })).send()));
            let answers = answers.await;
            created += answers.iter().filter(|answer| answer.status == 201).count();
            if let Some(refused) = answers.iter().find(|answer| answer.status != 201) {
                refused.refused(403, "QUOTA_EXCEEDED");
                return created;
            }
        }
    };
    let created: usize = join_all(servers.iter().map(create)).await.into_iter().sum();
    let all = MAX - 600 + 4 + i64::try_from(created).unwrap();
    assert!((MAX..=MAX + MAX / 100).contains(&all), "{all}");
    // One that has just started knows nothing of that.
    let restarted = servers[0].another().await;
    restarted.user("ann").post("/api/tasks", json!({ "title": "x" })).await.refused(403, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn what_other_servers_did_counts() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.max_tasks_per_user = 50;
    let app = App::on(db).await;
    let ann = app.user("ann");
    ann.create("x").await;
    plant(&app, "ann", 49).await;
    ann.post("/api/tasks", json!({ "title": "x" })).await.refused(403, "QUOTA_EXCEEDED");
    let delete = "DELETE FROM tasks WHERE user_id = 'ann' AND title = 'x'";
    app.db.superuser().await.execute(delete, &[]).await.unwrap();
    // Changes since the last look count as creations at first, and then all is counted.
    ann.create("y").await;
    let update = "UPDATE tasks SET position = nextval('feed_positions')";
    app.db.superuser().await.execute(update, &[]).await.unwrap();
    plant(&app, "ann", 48).await;
    ann.create("z").await;
    ann.post("/api/tasks", json!({ "title": "x" })).await.refused(403, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn few_creations_look() {
    let Some((app, proxy)) = proxied_with(|config| config.max_tasks_per_user = 100_000).await else { skip!(Postgres) };
    let ann = app.user("ann");
    for _ in 0..104 {
        ann.create("x").await;
    }
    let looks = proxy.seen().executed.iter().filter(|executed| executed.sql.contains("AS looked")).count();
    assert_eq!(looks, 4, "one at first, and one for each 25 that were granted");
}

#[tokio::test]
async fn restoring_counts_as_creating_and_the_trash_does_not_count() {
    let app = limited_to(2).await;
    let ann = app.user("ann");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let task = ann.create("x").await;
        ann.delete(path_of(&task)).await.status(204);
        ids.push(task["id"].clone());
    }
    ann.create("There is room").await;
    ann.post("/api/tasks/restore", json!({ "ids": ids })).await.refused(403, "QUOTA_EXCEEDED");
    ann.post(format!("/api/tasks/{}/restore", ids[0].as_str().unwrap()), json!({})).await.good();
    assert_refused(&create(&ann).await, 2);
    let restore = format!("mutation {{ restoreTask(id: {}) {{ id }} }}", ids[1]);
    ann.graphql(restore).await.refused(200, "QUOTA_EXCEEDED");
}
