//! Tables of older backends, as they were found: each is recognized by itself, and its tasks are the same afterwards.

use serde_json::{Value, json};

use super::{file, import, sqlite, tasks, text};
use crate::{
    skip,
    support::{App, TestDb, check_all},
};

#[derive(Debug)]
enum Source {
    Sqlite(&'static str),
    Postgres(&'static str),
    File(&'static str, &'static str),
}
use Source::{File, Postgres, Sqlite};

#[derive(Debug)]
struct Old {
    name: &'static str,
    source: Source,
    args: &'static [&'static str],
    /// Ann's tasks by title, as far as the backend knew its fields. Bob has one.
    tasks: Value,
    /// What the report says.
    said: &'static [&'static str],
}

fn old(
    name: &'static str,
    source: Source,
    args: &'static [&'static str],
    said: &'static [&'static str],
    tasks: Value,
) -> Old {
    Old { name, source, args, tasks, said }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn schemas() -> Vec<Old> {
    vec![
        old(
            "SQLModel with integer ids and naive times",
            Sqlite(
                "CREATE TABLE task (id INTEGER PRIMARY KEY, user_id VARCHAR NOT NULL, title VARCHAR(200) NOT NULL,
                    description VARCHAR, completed BOOLEAN NOT NULL, created_at DATETIME, updated_at DATETIME);
                 INSERT INTO task VALUES
                    (1, 'ann', 'a', 'first', 0, '2025-01-02 03:04:05.678901', '2025-02-02 03:04:05.000000'),
                    (2, 'ann', 'b', NULL, 1, '2025-01-03 03:04:05', NULL),
                    (3, 'bob', 'c', NULL, 0, '2025-01-03 03:04:05', NULL);",
            ),
            &[],
            &["SQLite, table task: 3 records", "3 added"],
            json!([
                { "title": "a", "description": "first", "completed": false, "created_at": "2025-01-02T03:04:05.678901Z",
                  "updated_at": "2025-02-02T03:04:05.000000Z", "completed_at": null, "version": 1 },
                { "title": "b", "description": null, "completed": true, "created_at": "2025-01-03T03:04:05.000000Z",
                  "updated_at": "2025-01-03T03:04:05.000000Z" },
            ]),
        ),
        old(
            "SQLModel on Neon with UUIDs, an enum, an array and times with zones",
            Postgres(
                "CREATE TYPE priority AS ENUM ('LOW', 'MEDIUM', 'HIGH');
                 CREATE TABLE tasks (id uuid PRIMARY KEY, user_id varchar NOT NULL, title text NOT NULL, description text,
                    completed boolean NOT NULL, priority priority, due_date timestamptz, tags text[],
                    created_at timestamptz, updated_at timestamptz);
                 INSERT INTO tasks VALUES
                    ('6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11', 'ann', 'a', 'x', true, 'HIGH', '2026-03-29 09:00:00+02',
                     '{work,\"two words\"}', '2025-01-02 03:04:05.678901+00', '2025-01-02 05:04:05+02'),
                    ('6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f12', 'bob', 'b', null, false, null, null, null, now(), now());",
            ),
            &[],
            &["PostgreSQL, table public.tasks: 2 records"],
            json!([{ "id": "6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11", "title": "a", "completed": true, "priority": "high",
                     "due_date": "2026-03-29T07:00:00Z", "tags": ["work", "two words"],
                     "created_at": "2025-01-02T03:04:05.678901Z", "updated_at": "2025-01-02T03:04:05.000000Z" }]),
        ),
        old(
            "owners, days and priorities as numbers",
            Postgres(
                "CREATE TABLE task (id serial PRIMARY KEY, owner_id text NOT NULL, title text NOT NULL, is_completed boolean,
                    priority integer, due_date date, created_at timestamp);
                 INSERT INTO task (owner_id, title, is_completed, priority, due_date, created_at) VALUES
                    ('ann', 'a', null, 1, '2026-03-29', '2025-01-02 03:04:05'), ('ann', 'b', true, 4, null, null),
                    ('bob', 'c', false, 0, null, null);",
            ),
            &[],
            &["user_id       owner_id", "completed     is_completed"],
            json!([
                { "title": "a", "completed": false, "priority": "low", "due_date": "2026-03-29", "due_timezone": null },
                { "title": "b", "completed": true, "priority": "urgent", "due_date": null },
            ]),
        ),
        old(
            "ids as text, a status in words and tags with commas",
            Sqlite(
                "CREATE TABLE tasks (id TEXT PRIMARY KEY, user_id TEXT, title TEXT, status TEXT, due_at TEXT, tags TEXT);
                 INSERT INTO tasks VALUES ('clx1', 'ann', 'a', 'Pending', '2026-03-29T09:00:00', 'work, home,'),
                    ('clx2', 'ann', 'b', 'completed', NULL, ''), ('clx3', 'bob', 'c', 'todo', NULL, NULL);",
            ),
            &["--timezone", "Europe/Berlin"],
            &["completed     status", "due_date      due_at"],
            json!([
                { "title": "a", "completed": false, "due_date": "2026-03-29T09:00:00+02:00", "due_timezone": "Europe/Berlin",
                  "tags": ["work", "home"] },
                { "title": "b", "completed": true, "tags": [] },
            ]),
        ),
        old(
            "tags in tables of their own, SQLite",
            Sqlite(
                "CREATE TABLE todo (id INTEGER PRIMARY KEY, user_id TEXT, title TEXT, completed INTEGER);
                 CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT);
                 CREATE TABLE todotaglink (todo_id INTEGER, tag_id INTEGER, PRIMARY KEY (todo_id, tag_id));
                 INSERT INTO todo VALUES (1, 'ann', 'a', 0), (2, 'ann', 'b', 1), (3, 'bob', 'c', 0);
                 INSERT INTO tag VALUES (1, 'work'), (2, 'home');
                 INSERT INTO todotaglink VALUES (1, 1), (1, 2), (3, 2);",
            ),
            &[],
            &["tags          of the table todotaglink"],
            json!([{ "title": "a", "tags": ["work", "home"] }, { "title": "b", "tags": [] }]),
        ),
        old(
            "tags in a table of their own, PostgreSQL",
            Postgres(
                "CREATE TABLE todos (id serial PRIMARY KEY, user_id text, title text, completed boolean);
                 CREATE TABLE todo_tags (todo_id integer, tag text);
                 INSERT INTO todos (user_id, title, completed) VALUES ('ann', 'a', false), ('bob', 'c', false);
                 INSERT INTO todo_tags VALUES (1, 'work'), (2, 'home');",
            ),
            &[],
            &["tags          of the table todo_tags"],
            json!([{ "title": "a", "tags": ["work"] }]),
        ),
        old(
            "tags as JSON, priorities in any case, time zones left out",
            Postgres(
                "CREATE TABLE tasks (id bigint PRIMARY KEY, user_id text, title varchar(200), description text,
                    completed boolean, priority varchar, tags jsonb, due_date timestamp, category text);
                 INSERT INTO tasks VALUES (1, 'ann', 'a', '', false, 'Medium', '[\"x\", \"X\", \"y\"]', '2026-03-29 07:00', 'c'),
                    (2, 'bob', 'b', null, false, '', null, null, null);",
            ),
            &[],
            &["UNKNOWN       category: not kept", "UNKNOWN: 1 values of category are not kept"],
            json!([{ "title": "a", "description": "", "priority": "medium", "tags": ["x", "y"],
                     "due_date": "2026-03-29T07:00:00Z" }]),
        ),
        old(
            "UUIDs as text without hyphens",
            Sqlite(
                "CREATE TABLE tasks (id CHAR(32) PRIMARY KEY, user_id TEXT, title TEXT, completed BOOLEAN, tags JSON);
                 INSERT INTO tasks VALUES ('6e2e7b0c56a04b0a8f5c0e3c9b0b2f11', 'ann', 'a', 1, '[\"work\"]'),
                    ('6e2e7b0c56a04b0a8f5c0e3c9b0b2f12', 'bob', 'b', 1, 'null');",
            ),
            &[],
            &[],
            json!([{ "id": "6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11", "title": "a", "tags": ["work"] }]),
        ),
        old(
            "UUIDs as bytes, and a mark for deleted tasks",
            Sqlite(
                "CREATE TABLE tasks (id BLOB PRIMARY KEY, user_id TEXT, title TEXT, completed BOOLEAN, is_deleted BOOLEAN);
                 INSERT INTO tasks VALUES (x'6e2e7b0c56a04b0a8f5c0e3c9b0b2f11', 'ann', 'a', 1, 0),
                    (x'6e2e7b0c56a04b0a8f5c0e3c9b0b2f13', 'eve', 'gone', 1, 1),
                    (x'6e2e7b0c56a04b0a8f5c0e3c9b0b2f12', 'bob', 'b', 1, NULL);",
            ),
            &[],
            &["is_deleted    is_deleted", "3 added"],
            json!([{ "id": "6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11", "title": "a" }]),
        ),
        old(
            "generated columns between the others, and a view that is broken",
            Sqlite(
                "CREATE TABLE task (id INTEGER PRIMARY KEY, user_id TEXT, slug TEXT AS (lower(title)), title TEXT,
                    description TEXT, day TEXT AS (substr(created_at, 1, 10)) STORED, created_at TEXT);
                 INSERT INTO task (user_id, title, description, created_at) VALUES
                    ('ann', 'A', 'x', '2025-01-02 03:04:05'), ('bob', 'B', NULL, NULL);
                 CREATE TABLE gone (a TEXT);
                 CREATE VIEW report AS SELECT a FROM gone;
                 DROP TABLE gone;
                 PRAGMA writable_schema = ON;
                 INSERT INTO sqlite_master VALUES
                    ('table', 'vec', 'vec', 0, 'CREATE VIRTUAL TABLE vec USING no_such_module(x)');",
            ),
            &["--map", "day=due_date"],
            &["UNKNOWN       slug: not kept", "UNKNOWN: 2 values of slug are not kept"],
            json!([{ "title": "A", "description": "x", "created_at": "2025-01-02T03:04:05.000000Z",
                     "due_date": "2025-01-02" }]),
        ),
        old(
            "a view with the tasks, and spaces around ids",
            Sqlite(
                "CREATE TABLE items (id TEXT, user_id TEXT, title TEXT);
                 CREATE VIEW tasks AS SELECT * FROM items;
                 INSERT INTO items VALUES ('1 ', ' ann', 'a'), ('2', 'bob', 'b');",
            ),
            &[],
            &["2 added"],
            json!([{ "title": "a" }]),
        ),
        old(
            "tags in a column and in a table, SQLite",
            Sqlite(
                "CREATE TABLE tasks (id INTEGER PRIMARY KEY, user_id TEXT, title TEXT, tags TEXT);
                 CREATE TABLE task_tags (task_id INTEGER, name TEXT);
                 INSERT INTO tasks VALUES (1, 'ann', 'a', 'x,y'), (2, 'ann', 'b', NULL), (3, 'bob', 'c', 'x');
                 INSERT INTO task_tags VALUES (1, 'y'), (1, 'z'), (2, 'w');",
            ),
            &[],
            &["tags          tags", "tags          of the table task_tags"],
            json!([{ "title": "a", "tags": ["x", "y", "z"] }, { "title": "b", "tags": ["w"] }]),
        ),
        old(
            "a category that becomes a tag beside others, ids as text in one table, and a column named t",
            Postgres(
                "CREATE TABLE task (id uuid PRIMARY KEY, user_id text, title text, t text, category text);
                 CREATE TABLE tag (id serial PRIMARY KEY, name text);
                 CREATE TABLE task_tags (task_id text, tag_id integer);
                 INSERT INTO task VALUES ('6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11', 'ann', 'a', 'x', 'home'),
                    ('6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f12', 'bob', 'b', null, null);
                 INSERT INTO tag (name) VALUES ('work');
                 INSERT INTO task_tags VALUES ('6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11', 1);",
            ),
            &["--map", "category=tags"],
            &["tags          category", "tags          of the table task_tags", "UNKNOWN: 1 values of t are not kept"],
            json!([{ "id": "6e2e7b0c-56a0-4b0a-8f5c-0e3c9b0b2f11", "title": "a", "tags": ["home", "work"] }]),
        ),
        old(
            "other tables that refer to tasks, SQLite",
            Sqlite(
                "CREATE TABLE Task (id TEXT PRIMARY KEY, userId TEXT, title TEXT);
                 CREATE TABLE Tag (id TEXT PRIMARY KEY, name TEXT);
                 CREATE TABLE _TaskToTag (A TEXT REFERENCES Tag (id), B TEXT REFERENCES task (id));
                 CREATE TABLE task_labels (task_id TEXT, label_id INTEGER);
                 CREATE TABLE subtasks (id INTEGER, todoId TEXT, title TEXT);
                 CREATE TABLE sessions (id INTEGER, user_id TEXT);
                 INSERT INTO Task VALUES ('a1', 'ann', 'a'), ('a2', 'bob', 'b');",
            ),
            &[],
            &[
                "UNKNOWN       table _TaskToTag: not read", "UNKNOWN       table subtasks: not read",
                "UNKNOWN       table task_labels: not read\nthe first 2",
            ],
            json!([{ "title": "a" }]),
        ),
        old(
            "other tables that refer to tasks, PostgreSQL",
            Postgres(
                "CREATE TABLE todos (id serial PRIMARY KEY, user_id text, title text);
                 CREATE TABLE todos_files (owner integer REFERENCES todos, name text);
                 CREATE TABLE reminders (todo_id integer, at timestamptz);
                 CREATE TABLE other (at timestamptz);
                 INSERT INTO todos (user_id, title) VALUES ('ann', 'a'), ('bob', 'b');",
            ),
            &[],
            &["table public.reminders: not read\n  UNKNOWN       table public.todos_files: not read\nthe first 2"],
            json!([{ "title": "a" }]),
        ),
        old(
            "completed is what has a time of completion, and versions",
            Sqlite(
                "CREATE TABLE tasks (id INTEGER, user_id TEXT, title TEXT, completed_at TEXT, version INTEGER);
                 INSERT INTO tasks VALUES (1, 'ann', 'a', '2025-01-02 03:04:05', 7), (2, 'ann', 'b', NULL, 1),
                    (3, 'bob', 'c', NULL, 1);",
            ),
            &[],
            &["version       version: not kept, each begins with 1"],
            json!([
                { "title": "a", "completed": true, "completed_at": "2025-01-02T03:04:05.000000Z", "version": 1 },
                { "title": "b", "completed": false, "completed_at": null },
            ]),
        ),
        old(
            "a zone beside some due times, and --timezone for the others",
            File(
                "old.csv",
                "id,user_id,title,due_date,due_timezone\n1,ann,a,2026-03-29T09:00:00,\n\
                 2,ann,b,2026-03-29T09:00:00,America/New_York\n3,bob,c,,\n",
            ),
            &["--timezone", "Europe/Berlin"],
            &[],
            json!([
                { "title": "a", "due_date": "2026-03-29T09:00:00+02:00", "due_timezone": "Europe/Berlin" },
                { "title": "b", "due_date": "2026-03-29T09:00:00-04:00", "due_timezone": "America/New_York" },
            ]),
        ),
        old(
            "names in camel case",
            Postgres(
                "CREATE TABLE \"Task\" (id text PRIMARY KEY, \"userId\" text, title text, \"isCompleted\" boolean,
                    \"dueDate\" timestamp(3), \"createdAt\" timestamp(3), \"completedAt\" timestamp(3));
                 INSERT INTO \"Task\" VALUES
                    ('a1', 'ann', 'a', true, null, '2025-01-02 03:04:05.678', '2025-01-03 03:04:05.678'),
                    ('a2', 'bob', 'b', false, null, now(), now());",
            ),
            &[],
            &["user_id       userId"],
            json!([{ "title": "a", "completed": true, "created_at": "2025-01-02T03:04:05.678000Z",
                     "completed_at": "2025-01-03T03:04:05.678000Z" }]),
        ),
        old(
            "other names, in another schema",
            Postgres(
                "CREATE SCHEMA app;
                 CREATE TABLE app.items (key integer PRIMARY KEY, account text, text text, ready boolean, internal text);
                 CREATE TABLE tasks (id integer, user_id text, title text);
                 INSERT INTO app.items VALUES (1, 'ann', 'a', true, 'x'), (2, 'bob', 'b', false, 'x');",
            ),
            &[
                "--table", "app.items", "--map", "key=id", "--map", "account=user_id", "--map", "text=title", "--map",
                "ready=completed", "--map", "internal=none",
            ],
            &["PostgreSQL, table app.items"],
            json!([{ "title": "a", "completed": true }]),
        ),
        old(
            "CSV with semicolons, a mark of its encoding and line breaks",
            File(
                "old.csv",
                "\u{feff}id;user_id;title;description;completed;priority;tags;due_date\n\
                 1;ann;\"a;\";\"two\nlines\";f;LOW;\"{x,\"\"y z\"\"}\";2026-03-29\n2;bob;b;;1;;;\n",
            ),
            &[],
            &["CSV: 2 records"],
            json!([{ "title": "a;", "description": "two\nlines", "completed": false, "priority": "low",
                     "tags": ["x", "y z"], "due_date": "2026-03-29" }]),
        ),
        old(
            "CSV with semicolons, and more commas within quotes",
            File("old.csv", "\"id\";\"user_id\";\"title\";\"a,b,c,d\"\n1;ann;a;\n2;bob;b;\n"),
            &[],
            &["UNKNOWN       a,b,c,d: not kept"],
            json!([{ "title": "a" }]),
        ),
        old(
            "NDJSON, each line with what it has",
            File(
                "old.ndjson",
                "{\"id\": 7, \"user_id\": \"ann\", \"title\": \"a\"}\n\n\
                 {\"id\": 8, \"user_id\": \"ann\", \"title\": \"b\", \"completed\": true, \"tags\": [\"x\"], \"due_date\": \"2026-03-29T09:00:00+01:00\"}\n\
                 {\"id\": 9, \"user_id\": \"bob\", \"title\": \"c\"}",
            ),
            &[],
            &["NDJSON: 3 records"],
            json!([
                { "title": "a", "completed": false, "tags": [] },
                { "title": "b", "completed": true, "tags": ["x"], "due_date": "2026-03-29T08:00:00Z" },
            ]),
        ),
    ]
}

/// What is known of a task is what it is.
#[track_caller]
fn assert_has(task: &Value, known: &Value) {
    for (field, value) in known.as_object().unwrap() {
        assert_eq!(&task[field], value, "{field} of {task}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_tables_are_recognized_and_their_tasks_are_what_they_were() {
    if TestDb::on_server().await.is_none() {
        skip!(Postgres)
    }
    check_all(schemas().iter().map(|old| (old.name, old)), async |(_, old)| {
        let app = App::on_server().await.unwrap();
        let (mut of_source, mut path) = (None, None);
        let place = match old.source {
            Sqlite(script) => text(path.insert(sqlite(script))),
            File(name, contents) => text(path.insert(file(name, contents))),
            Postgres(script) => {
                let db = of_source.insert(TestDb::empty().await.unwrap());
                db.client().await.batch_execute(script).await.unwrap();
                db.url()
            }
        };
        let args = [&[place][..], old.args].concat();
        let dry = import(&app.db, &args);
        assert!(dry.code == 0 && dry.out.contains("nothing was written"), "{}{}", dry.out, dry.err);
        assert_eq!(tasks(&app, "ann").await, Vec::<Value>::new());
        let applied = import(&app.db, &[&args[..], &["--apply"]].concat());
        assert_eq!(applied.code, 0, "{}{}", applied.out, applied.err);
        for said in old.said {
            assert!(applied.out.contains(said), "{said}: {}", applied.out);
        }
        let imported = tasks(&app, "ann").await;
        let expected = old.tasks.as_array().unwrap();
        assert_eq!(imported.len(), expected.len(), "{imported:?}");
        imported.iter().zip(expected).for_each(|(task, known)| assert_has(task, known));
        assert_eq!(tasks(&app, "bob").await.len(), 1);
        let again = import(&app.db, &[&args[..], &["--apply"]].concat());
        assert!(again.out.contains("\n0 added, ") && !again.out.contains(" 0 there before"), "{}", again.out);
        assert_eq!(tasks(&app, "ann").await, imported);
    })
    .await;
}
