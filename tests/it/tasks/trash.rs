//! The trash: what it has, how a task comes back, and when what it said is gone.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        App, TestDb, User, check_all,
        cluster::Cluster,
        id_of, path_of,
        replica::{Outlet, Replica, rest_fields},
    },
};

const TRASHED: &str = "id title description completed priority due { date time timeZone at } tags version createdAt \
                       completedAt deletedAt purgeAt";
const RESTORE: &str = "mutation($ids: [ID!]!) { restoreTasks(ids: $ids) { count tasks { id version } } }";

/// A task with everything that a task can have.
async fn full(ann: &User) -> Value {
    let new = json!({ "title": "Milch für Ärzte", "description": "2 litres", "completed": true, "priority": "high",
                      "due_date": "2026-03-29T09:00", "due_timezone": "Europe/Berlin", "tags": ["Home", "Ä"] });
    ann.post("/api/tasks", new).await.good()
}

async fn trash(user: &User) -> Value {
    user.get("/api/tasks/trash").await.good()
}

/// The ids of a list.
fn ids(tasks: &Value) -> Vec<&str> {
    tasks.as_array().unwrap().iter().map(id_of).collect()
}

async fn delete(user: &User, task: &Value) {
    user.delete(path_of(task)).await.status(204);
}

async fn restore(user: &User, door: Outlet, id: &str, expected: Option<i64>) -> crate::support::Answer {
    match door {
        Outlet::Rest => {
            let call = user.call("POST", format!("/api/tasks/{id}/restore"));
            if let Some(version) = expected { call.if_match(&format!("\"{version}\"")).await } else { call.await }
        }
        Outlet::Graphql => {
            let document =
                "mutation($id: ID!, $version: Int) { restoreTask(id: $id, expectedVersion: $version) { version } }";
            user.graphql(document).variables(json!({ "id": id, "version": expected })).await
        }
    }
}

/// A server that keeps what deleted tasks said for this many days.
async fn keeping(db: TestDb, days: i64) -> App {
    let mut db = db;
    db.config.trash_lifetime = TimeDelta::days(days);
    App::on(db).await
}

#[tokio::test]
async fn a_deleted_task_is_in_the_trash_as_it_was_and_comes_back_with_all_of_it() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = full(&ann).await;
    let path = path_of(&task);
    delete(&ann, &task).await;

    let mut trashed = trash(&ann).await[0].clone();
    let query = format!("{{ trash {{ totalCount nodes {{ {TRASHED} }} edges {{ node {{ id }} }} }} }}");
    let connection = ann.graphql(query).await.data()["trash"].clone();
    assert_eq!((&connection["totalCount"], &connection["edges"][0]["node"]["id"]), (&json!(1), &task["id"]));
    let mut node = rest_fields(&connection["nodes"][0]);
    let purge_at = node.remove("purgeAt").unwrap();
    node.insert("purge_at".to_owned(), purge_at.clone());
    node.insert("user_id".to_owned(), json!("ann"));
    node.insert("updated_at".to_owned(), task["updated_at"].clone());
    assert_eq!(trashed, Value::Object(node));
    let deleted_at = trashed.as_object_mut().unwrap().remove("deleted_at").unwrap();
    trashed.as_object_mut().unwrap().remove("purge_at");
    let [deleted, purged] =
        [deleted_at, purge_at].map(|at| DateTime::parse_from_rfc3339(at.as_str().unwrap()).unwrap());
    assert_eq!(purged - deleted, TimeDelta::days(30));
    let mut expected = task.clone();
    expected["version"] = json!(2);
    assert_eq!(trashed, expected);

    let restored = ann.call("POST", format!("{path}/restore")).await;
    assert_eq!(restored.header("etag"), "\"3\"");
    let restored = restored.good();
    expected["version"] = json!(3);
    assert!(restored["updated_at"].as_str() > task["updated_at"].as_str());
    expected["updated_at"] = restored["updated_at"].clone();
    assert_eq!(restored, expected, "its creation and its completion are what they were");
    assert_eq!((&ann.get(&path).await.good(), trash(&ann).await), (&restored, json!([])));
    assert_eq!(ids(&ann.get("/api/tasks?tags=%C3%A4").await.good()), [id_of(&task)], "by a tag in folded case");
    assert_eq!(ann.call("POST", format!("{path}/restore")).await.good(), restored, "a second time does nothing");

    ann.patch(&path, json!({ "title": "Changed" })).await.good();
    delete(&ann, &task).await;
    assert_eq!((&trash(&ann).await[0]["title"], &trash(&ann).await[0]["version"]), (&json!("Changed"), &json!(5)));
}

#[tokio::test]
async fn tasks_are_restored_one_by_one_or_many_all_or_none_through_both_doors() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let bobs = bob.create("Bob's").await;
    delete(&bob, &bobs).await;
    let stranger = uuid::Uuid::now_v7().to_string();
    check_all([Outlet::Rest, Outlet::Graphql], async |door| {
        let mut tasks = Vec::new();
        for title in ["a", "b", "c"] {
            tasks.push(ann.create(title).await);
        }
        let [first, second, third] = [0, 1, 2].map(|index| id_of(&tasks[index]).to_owned());
        for id in [&stranger, id_of(&bobs)] {
            assert_eq!(restore(&ann, door, id, None).await.code(), "NOT_FOUND");
            assert_eq!(restore(&ann, door, id, Some(2)).await.code(), "NOT_FOUND");
        }
        ann.post("/api/tasks/bulk", json!({ "delete": [first, second] })).await.good();
        let many = async |ids: Vec<&String>| match door {
            Outlet::Rest => ann.post("/api/tasks/restore", json!({ "ids": ids })).await,
            Outlet::Graphql => ann.graphql(RESTORE).variables(json!({ "ids": ids })).await,
        };
        for other in [&stranger, &id_of(&bobs).to_owned()] {
            assert_eq!(many(vec![&first, other]).await.code(), "NOT_FOUND");
        }
        assert_eq!(trash(&ann).await.as_array().unwrap().len(), 2);
        let restored = many(vec![&third, &second, &first, &second]).await.good();
        let restored = if door == Outlet::Rest { &restored["tasks"] } else { &restored["restoreTasks"]["tasks"] };
        assert_eq!(ids(restored), [&first, &second, &third], "oldest first");
        let versions: Vec<_> = restored.as_array().unwrap().iter().map(|task| &task["version"]).collect();
        assert_eq!(versions, [3, 3, 1], "what was there is as it was");
        many(Vec::new()).await.good();
        let over: Vec<_> = std::iter::repeat_n(&first, 101).collect();
        assert_eq!(many(over).await.code(), "BAD_USER_INPUT");
    })
    .await;
    assert_eq!(ids(&trash(&bob).await), [id_of(&bobs)]);
    for body in [json!({}), json!({ "ids": null }), json!({ "ids": "x" }), json!({ "ids": ["x"] })] {
        ann.post("/api/tasks/restore", body).await.refused(422, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn an_expected_version_is_that_of_the_deletion() {
    let app = App::new().await;
    let ann = app.user("ann");
    check_all([Outlet::Rest, Outlet::Graphql], async |door| {
        let task = ann.create("Mine").await;
        let id = id_of(&task);
        delete(&ann, &task).await;
        for expected in [1, 3] {
            let refused = restore(&ann, door, id, Some(expected)).await;
            assert_eq!(refused.code(), "VERSION_CONFLICT", "{refused}");
            let told = format!("Task has changed: expected version {expected}, its deletion is at version 2");
            assert!(refused.text.contains(&told) && !refused.text.contains("current"), "{refused}");
        }
        restore(&ann, door, id, Some(2)).await.good();
        restore(&ann, door, id, Some(2)).await.good();
        delete(&ann, &task).await;
        assert_eq!(restore(&ann, door, id, Some(2)).await.code(), "VERSION_CONFLICT");
        restore(&ann, door, id, Some(4)).await.good();
    })
    .await;
}

#[tokio::test]
async fn the_trash_is_read_page_by_page_newest_first_and_searched() {
    let app = App::new().await;
    let ann = app.user("ann");
    let titles = ["Milch", "milk", "Müsli 100%", "MÜSLI", "bread", "salt_"];
    for title in titles {
        let task = ann.post("/api/tasks", json!({ "title": title, "description": format!("of {title}") })).await.good();
        delete(&ann, &task).await;
    }
    let mut newest: Vec<_> = titles.to_vec();
    newest.reverse();
    let titles_of = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles_of(&trash(&ann).await), newest);

    let (mut seen, mut next) = (Vec::new(), "/api/tasks/trash?limit=4&count=true".to_owned());
    while !next.is_empty() {
        let page = ann.get(&next).await;
        assert_eq!(page.header("x-total-count"), "6");
        next = page.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
        seen.extend(titles_of(&page.json));
    }
    assert_eq!(seen, newest);

    let page =
        "query($first: Int, $after: String, $search: String) { trash(first: $first, after: $after, search: $search) {
        edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }";
    let ask = async |variables: Value| ann.graphql(page).variables(variables).await;
    let first = ask(json!({ "first": 4 })).await.data()["trash"].clone();
    let end = first["pageInfo"]["endCursor"].clone();
    assert_eq!((&first["edges"][3]["cursor"], &first["pageInfo"]["hasNextPage"]), (&end, &json!(true)));
    let second = ask(json!({ "first": 4, "after": end })).await.data()["trash"].clone();
    assert_eq!((second["edges"].as_array().unwrap().len(), &second["totalCount"]), (2, &json!(6)));
    let info = &second["pageInfo"];
    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(false), &json!(true)));
    let count = ann.graphql(r#"{ trash(search: "mil") { totalCount } }"#).await;
    assert_eq!(count.data()["trash"]["totalCount"], 2);

    let cases = [("mil", 2), ("MIL", 2), ("müsli", 2), ("100%", 1), ("t_", 1), ("of b", 1), ("x", 0), ("_", 1)];
    check_all(cases, async |(search, found)| {
        let answer = ask(json!({ "search": search })).await;
        assert_eq!(answer.data()["trash"]["totalCount"], found, "{search}");
        let query: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        let list = ann.get(format!("/api/tasks/trash?search={query}")).header("prefer", "count=exact").await;
        assert_eq!((list.json.as_array().unwrap().len(), list.header("x-total-count")), (found, &*found.to_string()));
    })
    .await;

    let list = ann.graphql("{ tasksConnection(sort: UPDATED_DESC) { totalCount } }").await;
    assert_eq!(list.data()["tasksConnection"]["totalCount"], 0);
    for variables in [json!({ "after": end, "search": "mil" }), json!({ "first": -1 }), json!({ "after": "x" })] {
        assert_eq!(ask(variables).await.code(), "BAD_USER_INPUT");
    }
    let other = format!("/api/tasks?sort=updated&cursor={}", end.as_str().unwrap());
    ann.get(other).await.refused(422, "BAD_USER_INPUT");
    for query in ["limit=0", "limit=1001", "cursor=", "count=perhaps"] {
        ann.get(format!("/api/tasks/trash?{query}")).await.refused(422, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn every_way_to_delete_fills_the_trash_and_tells_the_ids_to_restore() {
    let app = App::new().await;
    let ann = app.user("ann");
    let new = |completed: bool| json!({ "create": vec![json!({ "title": "x", "completed": completed }); 3] });
    ann.post("/api/tasks/bulk", new(true)).await.good();
    let cleared = ann.graphql("mutation { clearCompleted { count ids } }").await.data()["clearCompleted"].clone();
    assert_eq!((&cleared["count"], cleared["ids"].as_array().unwrap().len()), (&json!(3), 3));
    let created = ann.post("/api/tasks/bulk", new(false)).await.good()["tasks"].clone();
    let document = "mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { count ids } }";
    let deleted = ann.graphql(document).variables(json!({ "ids": ids(&created) })).await;
    let deleted = deleted.data()["deleteTasks"].clone();
    assert_eq!(deleted["ids"], json!(ids(&created)));
    assert_eq!(trash(&ann).await.as_array().unwrap().len(), 6);
    for bulk in [cleared, deleted] {
        let restored = ann.graphql(RESTORE).variables(json!({ "ids": bulk["ids"] })).await;
        let told = &restored.data()["restoreTasks"];
        assert_eq!((&told["count"], json!(ids(&told["tasks"]))), (&json!(3), bulk["ids"].clone()));
    }
    assert_eq!((ann.task_count().await, trash(&ann).await), (6, json!([])));
}

#[tokio::test]
async fn clearing_more_than_a_thousand_tasks_tells_the_ids_of_the_oldest() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let many = "INSERT INTO tasks (user_id, id, title, completed, created_at)
                SELECT 'ann', gen_random_uuid(), 'x', true, now() - n * interval '1 s' FROM generate_series(1, 1005) n";
    app.db.superuser().await.batch_execute(many).await.unwrap();
    let ann = app.user("ann");
    let oldest = ann.get("/api/tasks?sort=created&order=asc").await.good();
    let clear = || ann.graphql("mutation { clearCompleted { count ids } }").key("once");
    let cleared = clear().await;
    let told = &cleared.data()["clearCompleted"];
    assert_eq!((&told["count"], &told["ids"]), (&json!(1005), &json!(ids(&oldest))));
    let again = clear().await;
    assert_eq!((again.is_replay(), &again.text), (true, &cleared.text));
}

#[tokio::test]
async fn what_is_purged_is_gone_and_its_tombstone_stays() {
    let app = App::new().await;
    let ann = app.user("ann");
    let start = ann.get("/api/tasks/changes").await.good()["cursor"].as_str().unwrap().to_owned();
    let mut tasks = Vec::new();
    for title in ["a", "b", "c", "d"] {
        let task = ann.create(title).await;
        delete(&ann, &task).await;
        tasks.push(task);
    }
    let changes = async || ann.get(format!("/api/tasks/changes?cursor={start}")).await.good()["changes"].clone();
    let before = changes().await;
    let trash_path = |task: &Value| format!("/api/tasks/trash/{}", id_of(task));
    ann.delete(trash_path(&tasks[0])).await.status(204);
    let purge = "mutation($id: ID!) { purgeTask(id: $id) { id version deletedAt } }";
    let purged = ann.graphql(purge).variables(json!({ "id": tasks[1]["id"] })).await;
    assert_eq!(json!({ "deleted": rest_fields(&purged.data()["purgeTask"]) }), before[1]);
    for task in &tasks[..2] {
        ann.delete(trash_path(task)).await.refused(404, "NOT_FOUND");
        assert_eq!(ann.graphql(purge).variables(json!({ "id": task["id"] })).await.code(), "NOT_FOUND");
        assert_eq!(restore(&ann, Outlet::Rest, id_of(task), None).await.code(), "NOT_FOUND");
        assert_eq!(restore(&ann, Outlet::Rest, id_of(task), Some(2)).await.code(), "NOT_FOUND");
    }
    let kept = ann.create("Kept").await;
    ann.delete(trash_path(&kept)).await.refused(404, "NOT_FOUND");
    assert_eq!(ids(&trash(&ann).await), [id_of(&tasks[3]), id_of(&tasks[2])]);

    assert_eq!(ann.graphql("mutation { emptyTrash { count } }").await.data()["emptyTrash"]["count"], 2);
    assert_eq!(ann.delete("/api/tasks/trash").await.good(), json!({ "count": 0 }));
    assert_eq!(trash(&ann).await, json!([]));
    let after = changes().await;
    assert_eq!(after.as_array().unwrap()[..4], before.as_array().unwrap()[..]);
    assert_eq!(ann.task_count().await, 1);
}

/// A page of the feed has a task once, in its last state.
#[tokio::test]
async fn a_replica_learns_of_a_restored_task_wherever_it_was() {
    let app = App::new().await;
    let ann = app.user("ann");
    let mut tasks = Vec::new();
    for title in ["a", "b", "c"] {
        tasks.push(ann.create(title).await);
    }
    let mut replicas = Vec::new();
    let mut start_replica = async || {
        let mut replica = Replica::default();
        replica.catch_up(&ann).await;
        replicas.push(replica);
    };
    // In the middle of its first sync, too.
    let mut syncing = Replica::default();
    syncing.apply(&ann.get(syncing.path(1)).await.good());
    start_replica().await;
    delete(&ann, &tasks[1]).await;
    start_replica().await;
    restore(&ann, Outlet::Rest, id_of(&tasks[1]), None).await.good();
    start_replica().await;
    ann.delete(path_of(&tasks[2])).await.status(204);
    ann.delete(format!("/api/tasks/trash/{}", id_of(&tasks[2]))).await.status(204);
    replicas.push(syncing);
    for mut replica in replicas {
        let page = ann.get(replica.path(1000)).await.good();
        assert_eq!(page["reset"], false, "the head never goes back");
        replica.catch_up(&ann).await;
        replica.assert_is(&ann.tasks().await);
        assert_eq!(replica.version(id_of(&tasks[1])), 3);
    }
}

#[tokio::test]
async fn under_a_key_nothing_is_done_twice_and_no_deletion_keeps_text() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let mut tasks = Vec::new();
    for title in ["secret a", "secret b", "secret c"] {
        tasks.push(
            ann.post("/api/tasks", json!({ "title": title, "tags": ["secret"], "completed": true })).await.good(),
        );
    }
    let [one, two, three] = [0, 1, 2].map(|index| tasks[index]["id"].clone());
    let path = |id: &Value| format!("/api/tasks/{}", id.as_str().unwrap());
    let calls = [
        ("DELETE", path(&one), None),
        ("POST", "/api/tasks/bulk".to_owned(), Some(json!({ "delete": [two] }))),
        ("POST", "/graphql".to_owned(), Some(json!({ "query": "mutation { clearCompleted { count ids } }" }))),
        ("DELETE", format!("/api/tasks/trash/{}", three.as_str().unwrap()), None),
    ];
    for (index, (method, path, body)) in calls.into_iter().enumerate() {
        let call = || ann.call(method, &path).maybe_json(body.clone()).key(&format!("key-{index}"));
        let first = call().await;
        assert!(first.status.is_success(), "{first}");
        let again = call().await;
        assert_eq!((again.is_replay(), &again.text), (true, &first.text), "{method} {path}");
    }
    let admin = app.db.superuser().await;
    let outcomes = "SELECT coalesce(string_agg(outcome::text, ' '), '') FROM idempotency_keys";
    let stored: String = admin.query_one(outcomes, &[]).await.unwrap().get(0);
    assert!(stored.contains(two.as_str().unwrap()) && !stored.contains("secret"), "{stored}");

    // What has left the trash can't be told again.
    let delete_two = || ann.post("/api/tasks/bulk", json!({ "delete": [two] })).key("key-1");
    assert_eq!(delete_two().await.good()["tasks"][0]["title"], "secret b");
    for (method, path, body) in [
        ("POST", format!("{}/restore", path(&one)), None),
        ("POST", "/api/tasks/restore".to_owned(), Some(json!({ "ids": [two] }))),
    ] {
        let call = || ann.call(method, &path).maybe_json(body.clone()).key(&path);
        let first = call().await;
        first.status(200);
        let again = call().await;
        assert_eq!((again.is_replay(), &again.text), (true, &first.text), "{method} {path}");
    }
    let replayed = delete_two().await;
    assert!(replayed.is_replay());
    assert_eq!(replayed.good(), json!({ "tasks": [] }));
    let document = "mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { count ids } }";
    let ask = || ann.graphql(document).variables(json!({ "ids": [one, two] })).key("both");
    let first = ask().await;
    ann.delete("/api/tasks/trash").key("empty").await.good();
    let again = ask().await;
    assert_eq!((again.is_replay(), &again.text), (true, &first.text));
    assert_eq!(ann.delete("/api/tasks/trash").key("empty").await.good(), json!({ "count": 2 }));
}

#[tokio::test]
async fn what_is_past_its_time_can_neither_be_seen_nor_restored_before_it_is_swept() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let app = keeping(db, 7).await;
    let ann = app.user("ann");
    let (old, new) = (ann.create("old").await, ann.create("new").await);
    for task in [&old, &new] {
        delete(&ann, task).await;
    }
    let admin = app.db.superuser().await;
    let age = "UPDATE deleted_tasks SET deleted_at = now() - interval '7 days' WHERE title = 'old'";
    admin.batch_execute(age).await.unwrap();
    let list = ann.get("/api/tasks/trash?count=true").await;
    assert_eq!((ids(&list.json), list.header("x-total-count")), (vec![id_of(&new)], "1"));
    assert_eq!(restore(&ann, Outlet::Rest, id_of(&old), None).await.code(), "NOT_FOUND");
    assert_eq!(restore(&ann, Outlet::Graphql, id_of(&old), Some(2)).await.code(), "NOT_FOUND");
    ann.post("/api/tasks/restore", json!({ "ids": [old["id"], new["id"]] })).await.refused(404, "NOT_FOUND");
    ann.delete(format!("/api/tasks/trash/{}", id_of(&old))).await.refused(404, "NOT_FOUND");
    assert_eq!(ann.delete("/api/tasks/trash").await.good(), json!({ "count": 1 }), "those that could be restored");
    let left = admin.query_one("SELECT count(title) FROM deleted_tasks", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0, "but all are emptied");
}

/// Everything that is in the tables.
async fn everything(app: &App) -> String {
    let admin = app.db.superuser().await;
    let mut found = String::new();
    for table in ["tasks", "deleted_tasks", "idempotency_keys"] {
        let rows = format!("SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} AS row");
        found += admin.query_one(&rows, &[]).await.unwrap().get(0);
    }
    // Of a cluster, the rows are not in the coordinator's dump.
    if let Some(cluster) = Cluster::shared().filter(|_| !app.db.is_spread()) {
        let name = url::Url::parse(app.db.url()).unwrap().path().trim_start_matches('/').to_owned();
        let dump = cluster.run("pg_dump", &["--inserts", &cluster.url("postgres", &name)], b"");
        found += &String::from_utf8(dump).unwrap();
    }
    found
}

async fn sweep(app: &App) -> usize {
    app.store.sweep().await.map_err(|error| error.report()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_purged_or_never_kept_is_in_no_backup() {
    const SAID: [&str; 5] = ["Milch", "litres", "Berlin", "2026-03-29", "Home"];
    if TestDb::on_server().await.is_none() {
        skip!(Postgres)
    }
    let cases = [
        "swept",
        "swept by a server that keeps nothing",
        "purged",
        "emptied",
        "deleted by a server that keeps nothing",
    ];
    check_all(cases, async |how| {
        let app = keeping(TestDb::on_server().await.unwrap(), 7).await;
        let ann = app.user("ann");
        let task = full(&ann).await;
        if how == "deleted by a server that keeps nothing" {
            let forgetful = keeping(TestDb::at(app.db.config.clone(), app.db.url()), 0).await;
            let task_too = full(&ann).await;
            ann.post("/api/tasks/bulk", json!({ "complete": [task["id"]] })).await.good();
            let ann = forgetful.user("ann");
            delete(&ann, &task).await;
            let many = json!({ "delete": [full(&ann).await["id"]] });
            ann.post("/api/tasks/bulk", many).await.good();
            ann.graphql("mutation { clearCompleted { count } }").await.data();
            assert_eq!(trash(&ann).await, json!([]));
            assert_eq!(restore(&ann, Outlet::Rest, id_of(&task_too), None).await.code(), "NOT_FOUND");
        } else {
            delete(&ann, &task).await;
            let before = everything(&app).await;
            assert!(SAID.iter().all(|word| before.contains(word)), "{before}");
        }
        let admin = app.db.superuser().await;
        match how {
            "swept" => {
                assert_eq!(sweep(&app).await, 0);
                let age = "UPDATE deleted_tasks SET deleted_at = now() - interval '7 days'";
                admin.batch_execute(age).await.unwrap();
                assert_eq!((sweep(&app).await, sweep(&app).await), (1, 0));
            }
            "swept by a server that keeps nothing" => {
                let forgetful = keeping(TestDb::at(app.db.config.clone(), app.db.url()), 0).await;
                assert_eq!(trash(&forgetful.user("ann")).await, json!([]));
                assert_eq!((sweep(&forgetful).await, sweep(&forgetful).await), (1, 0));
            }
            "purged" => {
                ann.delete(format!("/api/tasks/trash/{}", id_of(&task))).await.status(204);
            }
            "emptied" => {
                assert_eq!(ann.delete("/api/tasks/trash").await.good(), json!({ "count": 1 }));
            }
            _ => {}
        }
        let after = everything(&app).await;
        let left: Vec<_> = SAID.iter().filter(|word| after.contains(**word)).collect();
        assert_eq!(left, Vec::<&&str>::new());
        assert!(after.contains(id_of(&task)), "the tombstone stays");
        let deleted = ann.get("/api/tasks/changes").await.good();
        assert_eq!(deleted["changes"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn any_number_of_tasks_is_swept_and_their_tombstones_stay() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let trashed = "INSERT INTO deleted_tasks (user_id, deleted_at, id, version, title, completed, created_at, updated_at, priority, tags)
                   SELECT u, now() - d * interval '1 day', gen_random_uuid(), 2, 'x', false, now(), now(), 0, '{}'
                   FROM unnest(array['ann', 'bob']) u, unnest(array[29, 30]) d, generate_series(1, 1250)";
    let admin = app.db.superuser().await;
    admin.batch_execute(trashed).await.unwrap();
    assert_eq!(sweep(&app).await, 2500);
    let left = "SELECT count(*), count(title), count(tags), count(created_at) FROM deleted_tasks";
    let left = admin.query_one(left, &[]).await.unwrap();
    let counts: [i64; 4] = [0, 1, 2, 3].map(|column| left.get(column));
    assert_eq!(counts, [5000, 2500, 2500, 2500]);
    let list = app.user("bob").get("/api/tasks/trash?count=true").await;
    assert_eq!(list.header("x-total-count"), "1250");
}
