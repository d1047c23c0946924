//! The import as a whole: what it reports, what it leaves alone, and what it survives.

use std::{
    collections::BTreeSet,
    fmt::Write,
    io::{BufRead, BufReader},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use super::{file, import, import_with, sqlite, tasks, text};
use crate::{
    skip,
    support::{App, SECRET, TestDb, cluster::scratch_dir, command::tandem, eventually, path_of, stream::Stream, token},
};

const DIRTY: &str =
    "CREATE TABLE tasks (id INTEGER, user_id TEXT, title TEXT, description TEXT, status TEXT, priority TEXT,
        due_date TEXT, tags TEXT, created_at TEXT, color TEXT);
     INSERT INTO tasks VALUES
        (1, 'ann', printf('%.*c', 300, 'x'), NULL, 'pending', NULL, NULL, NULL, NULL, 'red'),
        (2, NULL, 'b', NULL, 'pending', NULL, NULL, NULL, NULL, NULL),
        (3, 'ann', '', printf('%.*c', 1001, 'y'), 'archived', 'critical', 'tomorrow', '[1]', 'long ago', NULL),
        (4, 'ann', 'd', NULL, 'in progress', 'HIGH', '2026-02-30', NULL, NULL, NULL),
        (5, 'ann', 'e', NULL, 'in progress', 'HIGH', NULL, NULL, NULL, NULL),
        (5, 'ann', 'e again', NULL, 'done', NULL, NULL, NULL, NULL, NULL),
        (6, 'ann', 'f' || char(10) || 'g', NULL, 'done', NULL, NULL, NULL, NULL, NULL),
        (7, 'ann', CAST(x'ff41' AS TEXT), NULL, 'done', NULL, NULL, NULL, NULL, NULL),
        (NULL, 'ann', 'h', NULL, 'done', NULL, NULL, NULL, NULL, NULL);";

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_does_not_fit_is_named_with_its_row_its_column_and_its_value() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let source = sqlite(DIRTY);
    let dry = import(&app.db, &[text(&source)]);
    assert_eq!(dry.code, 3, "{}", dry.err);
    for line in [
        "left out: id 1: title: should have at most 200 characters: \"xxxx",
        "left out: id 2: user_id: there is none",
        "left out: id 3: title: should have at least 1 character: \"\"",
        "left out: id 3: description: should have at most 1000 characters: \"yyyy",
        "left out: id 3: status: neither true nor false, completed nor pending: \"archived\"",
        "left out: id 3: priority: none of none, low, medium, high, urgent and 1 to 4: \"critical\"",
        "left out: id 3: due_date: Input should be a valid date or datetime: \"tomorrow\"",
        "left out: id 3: tags: not a text: \"[1]\"",
        "left out: id 3: created_at: not a time like 2026-03-29T09:00:00: \"long ago\"",
        "left out: id 4: due_date: Input should be a valid date or datetime: \"2026-02-30\"",
        "changed: id 5: status: in progress became pending: \"in progress\"",
        "left out: id 5: another one before it has the same id",
        "left out: id 6: title: must not contain control characters: \"f\\ng\"",
        "left out: id 7: title: not a text: {\"not UTF-8\":",
        "id: there is none",
        "UNKNOWN: 1 values of color are not kept",
        "9 read, 8 left out, 1 changed",
    ] {
        assert!(dry.out.contains(line), "{line}\n{}", dry.out);
    }
    assert!(!dry.out.contains("changed: id 4"), "it is left out: {}", dry.out);
    let applied = import(&app.db, &[text(&source), "--apply", "--truncate"]);
    assert!(applied.out.contains("changed: id 1: title: cut from 300 to 200 characters"), "{}", applied.out);
    assert!(applied.out.contains("2 added, 0 there before"), "{}", applied.out);
    let imported = tasks(&app, "ann").await;
    assert_eq!((&imported[0]["title"], &imported[1]["title"]), (&json!("e"), &json!("x".repeat(200))));
    let tagged = sqlite(
        "CREATE TABLE tasks (id INTEGER, user_id TEXT, title TEXT); INSERT INTO tasks VALUES (1, 'ann', 'a');
         CREATE TABLE task_tags (task_id INTEGER, tag TEXT); INSERT INTO task_tags VALUES (1, printf('%.*c', 51, 'x'));",
    );
    let dry = import(&app.db, &[text(&tagged)]);
    assert!(
        dry.out.contains("left out: id 1: tags: tag 1: should have at most 50 characters: \"[\\\"xx"),
        "{}",
        dry.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_records_are_named() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ndjson = file("a.ndjson", "{\"id\": 1, \"user_id\": \"ann\", \"title\": \"a\"}\nnot json\n[1]\n{\"id\": 2}\n");
    let dry = import(&app.db, &[text(&ndjson)]);
    for line in
        ["left out: line 2: not a JSON object", "left out: line 3: not a JSON object", "line 4: user_id: there is none"]
    {
        assert!(dry.out.contains(line), "{line}\n{}", dry.out);
    }
    let csv = file("a.csv", "id,user_id,title\n1,ann,a\n2,ann\n");
    let dry = import(&app.db, &[text(&csv)]);
    assert!(dry.out.contains("left out: line 3: 2 values, and 3 names in the first line"), "{}", dry.out);
    let array = file("a.json", "[{\"id\": 1}]");
    assert!(import(&app.db, &[text(&array)]).err.contains("one object per line"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_strange_in_a_file_is_named_with_its_line() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    for (name, contents, lines) in [
        (
            "lines.csv",
            "id,user_id,title\r\n\r\n1,ann,\"a\r\nb\"\r\n\r\n2,ann\r\n",
            vec!["left out: line 3: title: must not contain", "left out: line 6: 2 values"],
        ),
        (
            "quotes.csv",
            "id,user_id,title\n1,ann,\"a\n2,ann,\"b\n3,ann,c\n",
            vec!["left out: line 2: text behind a closing quote", "2 read, 1 left out"],
        ),
        (
            "times.csv",
            "id,user_id,title,due_date,due_timezone,created_at,done,completed_at\n\
                       1,ann,a,2026-03-29T09:00,Mars,,,\n2,ann,b,,,1767322800,,\n3,ann,c,,,,0,2025-01-02\n",
            vec![
                "left out: line 2: due_timezone: ",
                ": \"Mars\"",
                "left out: line 3: created_at: a number, and not a time like 2026-03-29T09:00:00: import from a view",
                "changed: line 4: completed_at: dropped, as the task isn't completed: \"2025-01-02\"",
            ],
        ),
        (
            "deleted.csv",
            "id,user_id,title,deleted_at,is_deleted,updated_at\n1,ann,a,,1,2020-01-01\n2,ann,b,,true,\n\
                         3,ann,c,,0,\n4,ann,d,2026-01-01,false,\n5,ann,e,9999-12-31T23:59:59Z,,\n",
            vec![
                "left out: line 2: it was deleted, and is too old for the trash",
                "left out: line 5: is_deleted: the column of the time of deletion says otherwise: \"false\"",
                "changed: line 6: deleted_at: is in the future, became now: \"9999-12-31T23:59:59Z\"",
                "3 added",
            ],
        ),
    ] {
        let imported = import(&app.db, &[text(&file(name, contents)), "--source", name, "--apply"]);
        for line in lines {
            assert!(imported.out.contains(line), "{name}: {line}\n{}{}", imported.out, imported.err);
        }
    }
    let trash = app.user("ann").get("/api/tasks/trash").await.good();
    assert_eq!(trash.as_array().unwrap().iter().map(|task| &task["title"]).collect::<Vec<_>>(), ["e", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_understood_are_refused_with_what_to_do() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    for (name, contents, args, reason) in [
        ("empty.csv", &b""[..], &[][..], "the file is empty"),
        ("old.csv.gz", b"\x1f\x8b\x08\0", &[], "gunzip it first"),
        ("utf16.csv", b"\xff\xfei\0d\0", &[], "not UTF-8: convert the file with iconv"),
        ("latin.csv", b"id,user_id,title,\xe9\n", &[], "not UTF-8: convert the file with iconv"),
        ("twice.csv", b"id,user_id,title,title\n1,ann,a,b\n", &[], "two columns are called title"),
        ("open.csv", b"id,user_id,title\n\n1,ann,\"a\n2,ann,b\n", &[], "the record of line 3 opens a quote"),
        ("table.csv", b"id,user_id,title\n", &["--table", "tasks"], "leave out --table"),
        ("table.ndjson", b"{\"id\": 1}\n", &["--table", "tasks"], "leave out --table"),
        (
            "two.csv",
            b"id,user_id,text,body\n1,ann,a,b\n",
            &["--map", "text=title", "--map", "body=title"],
            "--map gives one field two columns, text and body",
        ),
    ] {
        let path = scratch_dir().join(name);
        std::fs::write(&path, contents).unwrap();
        let refused = import(&app.db, &[&[text(&path)], args].concat());
        assert!(refused.code != 0 && refused.code != 3, "{name}: {}", refused.out);
        assert!(refused.err.contains(reason), "{name}: {reason}: {}", refused.err);
    }
    let latin = scratch_dir().join("latin.ndjson");
    std::fs::write(&latin, b"{\"id\": 1, \"user_id\": \"ann\", \"title\": \"th\xe9\"}\n").unwrap();
    let err = import(&app.db, &[text(&latin)]).err;
    assert!(err.contains("line 1: not UTF-8: convert the file with iconv"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_the_same_however_the_table_is_named() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let old = TestDb::empty().await.unwrap();
    let script = "CREATE TABLE tasks (id integer, user_id text, title text); INSERT INTO tasks VALUES (1, 'ann', 'a')";
    old.client().await.batch_execute(script).await.unwrap();
    for (args, said) in [
        (&[][..], "1 added"),
        (&["--table", "tasks"], "0 added, 1 there before"),
        (&["--table", "public.tasks"], "0 added, 1 there before"),
    ] {
        let imported = import(&app.db, &[&[old.url(), "--apply"], args].concat());
        assert!(imported.out.contains(said), "{args:?}: {}", imported.out);
    }
    let script = "CREATE SCHEMA app; CREATE TABLE app.tasks (id integer, user_id text, title text)";
    old.client().await.batch_execute(script).await.unwrap();
    let err = import(&app.db, &[old.url()]).err;
    assert!(err.contains("--table: ") && err.contains("public.tasks") && err.contains("app.tasks"), "{err}");
    assert_eq!(import(&app.db, &[old.url(), "--table", "app.tasks"]).code, 0);
    let dot = sqlite("CREATE TABLE \"my.tasks\" (id INTEGER, user_id TEXT, title TEXT);");
    assert_eq!(import(&app.db, &[text(&dot), "--table", "my.tasks"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ids_replaces_another_only_when_it_is_whole() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let source = file("a.csv", "id,user_id,title\n1,ann,a\n");
    let before = std::fs::read_to_string(&source).unwrap();
    let refused = import(&app.db, &[text(&source), "--id-map", text(&source), "--apply"]);
    assert!(refused.code != 0 && refused.err.contains("name another file with --id-map"), "{}", refused.err);
    let dry = import(&app.db, &[text(&source), "--id-map", text(&source)]);
    assert!(dry.code != 0 && dry.err.contains("--apply"), "{}", dry.err);
    assert_eq!(std::fs::read_to_string(&source).unwrap(), before);
    let map = file("ids.csv", "those of before");
    let failed = import(&app.db, &[text(&source), "--map", "x=title", "--id-map", text(&map), "--apply"]);
    assert!(failed.code != 0, "{}", failed.out);
    assert_eq!(std::fs::read_to_string(&map).unwrap(), "those of before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_understood_is_refused_with_what_to_do() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let source = sqlite("CREATE TABLE items (id INTEGER, user_id TEXT, text TEXT); CREATE TABLE users (id INTEGER);");
    let source = text(&source);
    for (args, reason) in [
        (vec![source], "name one with --table. There are: items, users"),
        (vec![source, "--table", "items"], "no column has the title: name it with --map theirs=title"),
        (
            vec![source, "--table", "items", "--map", "label=title"],
            "there is no column label: there are id, user_id, text",
        ),
        (vec![source, "--map", "text=heading"], "`heading` is no field"),
        (vec!["/nowhere/old.db"], "No such file"),
        (vec![source, "--timezone", "Mars"], "must be a time zone like Europe/Berlin"),
    ] {
        let refused = import(&app.db, &args);
        assert!(refused.code != 0 && refused.code != 3 && refused.err.contains(reason), "{reason}: {}", refused.err);
    }
    let both = sqlite("CREATE TABLE task (id INTEGER); CREATE TABLE tasks (id INTEGER);");
    assert!(import(&app.db, &[text(&both)]).err.contains("name one with --table: task, tasks"));
    let empty = TestDb::empty().await.unwrap();
    let fine = file("a.csv", "id,user_id,title\n1,ann,a\n");
    assert!(import(&empty, &[text(&fine), "--apply"]).err.contains("run `tandem migrate`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_since_an_import_stays_when_it_is_repeated() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let source = file("a.csv", "id,user_id,title\n1,ann,a\n2,ann,b\n3,ann,c\n");
    let map = scratch_dir().join("ids.csv");
    let args = [text(&source), "--apply", "--id-map", text(&map)];
    assert_eq!(import(&app.db, &args).code, 0);
    let (ann, before) = (app.user("ann"), tasks(&app, "ann").await);
    let ids = std::fs::read_to_string(&map).unwrap();
    assert_eq!(
        ids,
        format!(
            "user_id,old_id,new_id\nann,1,{}\nann,2,{}\nann,3,{}\n",
            before[0]["id"], before[1]["id"], before[2]["id"]
        )
        .replace('"', "")
    );
    assert_eq!(Uuid::parse_str(before[0]["id"].as_str().unwrap()).unwrap().get_version_num(), 5);
    ann.put(path_of(&before[0]), json!({ "title": "edited" })).await.good();
    ann.delete(path_of(&before[1])).await.status(204);
    let again = import(&app.db, &args);
    assert!(again.out.contains("0 added, 3 there before"), "{}", again.out);
    let titles: Vec<_> = tasks(&app, "ann").await.iter().map(|task| task["title"].clone()).collect();
    assert_eq!(titles, ["c", "edited"]);
    // Another backend has other tasks with the same ids.
    let other = import(&app.db, &[text(&source), "--apply", "--source", "other"]);
    assert!(other.out.contains("3 added"), "{}", other.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_quota_tasks_are_left_out_and_those_that_are_there_are_not() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let rows = (1..=9).fold(String::new(), |rows, id| rows + &format!("{id},ann,t{id}\n"));
    let source = file("a.csv", &format!("id,user_id,title\n{rows}10,bob,b\n"));
    let settings = [("MAX_TASKS_PER_USER", "5")];
    let dry = import_with(&app.db, &[text(&source)], &settings);
    assert!(dry.code == 3 && dry.out.contains("user ann: 4 of 9 tasks are more than MAX_TASKS"), "{}", dry.out);
    let map = scratch_dir().join("ids.csv");
    for said in ["6 added, 0 there before", "0 added, 6 there before"] {
        let imported = import_with(&app.db, &[text(&source), "--apply", "--id-map", text(&map)], &settings);
        assert!(imported.code == 3 && imported.out.contains(said), "{}", imported.out);
        assert_eq!(imported.out.matches("more tasks than MAX_TASKS_PER_USER").count(), 4, "{}", imported.out);
        let ids = std::fs::read_to_string(&map).unwrap();
        let listed: BTreeSet<_> = ids.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().to_owned()).collect();
        let there = [tasks(&app, "ann").await, tasks(&app, "bob").await].concat();
        assert_eq!(listed, there.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect(), "{ids}");
    }
    assert_eq!((tasks(&app, "ann").await.len(), tasks(&app, "bob").await.len()), (5, 1));
    assert!(import(&app.db, &[text(&source), "--apply"]).out.contains("4 added, 6 there before"));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_serving_server_see_imported_tasks() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let another = app.another().await;
    let live = another.live.clone();
    tokio::spawn(async move { live.keep_polling().await });
    let url = another.listen().await;
    let mut stream = Stream::open("rest_sse", &url, &token("ann"), None).await;
    assert!(stream.next().await.0.is_empty());
    let source = file("a.csv", "id,user_id,title\n1,ann,a\n2,bob,b\n");
    assert_eq!(import(&app.db, &[text(&source), "--apply"]).code, 0);
    let told = timeout(Duration::from_mins(1), stream.next()).await.unwrap().0;
    assert_eq!(told, ["a"]);
}

/// A file of this many tasks of eight users.
fn many(count: usize) -> std::path::PathBuf {
    let mut csv = "id,user_id,title,description,completed,priority,tags\n".to_owned();
    for id in 0..count {
        writeln!(csv, "{id},user-{},Task {id},Something to do,{},high,\"work,home\"", id % 8, id % 2).unwrap();
    }
    file("many.csv", &csv)
}

async fn count(db: &TestDb) -> (i64, i64) {
    let count = "SELECT count(*), count(DISTINCT (user_id, title)) FROM tasks";
    let row = db.superuser().await.query_one(count, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_is_resumed_and_all_is_there_once() {
    const COUNT: usize = 20_000;
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let source = many(COUNT);
    for kills in 1..=3 {
        let mut command = tandem(&scratch_dir(), &["import", text(&source), "--apply"]);
        command.env("DATABASE_URL", db.url()).env("BETTER_AUTH_SECRET", SECRET).stdout(Stdio::null());
        let mut process = command.spawn().unwrap();
        eventually("some of it is there", async || {
            count(&db).await.0 >= kills * 3000 || process.try_wait().unwrap().is_some()
        })
        .await;
        assert!(process.try_wait().unwrap().is_none(), "it was done before it was killed");
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let (some, _) = count(&db).await;
    let done = import(&db, &[text(&source), "--apply"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let all = i64::try_from(COUNT).unwrap();
    assert_eq!(count(&db).await, (all, all));
    assert!(some < all && !done.out.contains(" 0 there before"), "{}", done.out);
}

/// Takes a minute and more without optimizations.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn two_hundred_thousand_tasks_are_imported_in_bounded_memory() {
    const COUNT: usize = 200_000;
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let source = many(COUNT);
    let mut command = tandem(&scratch_dir(), &["import", text(&source), "--apply"]);
    command.env("DATABASE_URL", db.url()).env("BETTER_AUTH_SECRET", SECRET).stdout(Stdio::piped());
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    for _progress in BufReader::new(process.stderr.take().unwrap()).lines() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = value.and_then(|value| value.parse().ok()).unwrap_or(peak);
    }
    let done = String::from_utf8(process.wait_with_output().unwrap().stdout).unwrap();
    println!("{} peak {peak} kB", done.lines().last().unwrap());
    let all = i64::try_from(COUNT).unwrap();
    assert_eq!(count(&db).await, (all, all));
    assert!((1..200 * 1024).contains(&peak), "{peak} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_tasks_are_in_the_trash_if_they_are_not_too_old() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let now = chrono::Utc::now();
    let [yesterday, long_ago] = [1, 40].map(|days| (now - chrono::TimeDelta::days(days)).format("%F %T").to_string());
    let csv = format!("id,user_id,title,deleted_at\n1,ann,a,\n2,ann,b,{yesterday}\n3,ann,c,{long_ago}\n");
    let source = file("a.csv", &csv);
    let imported = import(&app.db, &[text(&source), "--apply"]);
    assert!(
        imported.out.contains("left out: line 4: it was deleted, and is too old for the trash"),
        "{}",
        imported.out
    );
    assert!(imported.out.contains("2 added"), "{}", imported.out);
    let ann = app.user("ann");
    let trash = ann.get("/api/tasks/trash").await.good();
    assert_eq!((tasks(&app, "ann").await.len(), trash.as_array().unwrap().len()), (1, 1), "{trash}");
    let id = trash[0]["id"].as_str().unwrap();
    ann.post(format!("/api/tasks/{id}/restore"), json!({})).await.good();
    // It was restored since, and the other one deleted.
    ann.delete(path_of(&tasks(&app, "ann").await[0])).await.status(204);
    assert!(import(&app.db, &[text(&source), "--apply"]).out.contains("0 added, 2 there before"));
    assert_eq!(tasks(&app, "ann").await[0]["title"], "b");
}
