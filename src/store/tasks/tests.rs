//! Every statement for a user reads and changes only rows of its owner, and only as the API role.

use std::{any::type_name, collections::BTreeSet, fs, path::Path};

use chrono::DateTime;
use diesel::{debug_query, pg::Pg};
use serde_json::json;

use super::{
    push::EditedRows,
    trash::{CountTrash, Empty, FindTrashed, ListTrash, Purge, Restore, Restored},
    *,
};
use crate::{
    store::{
        pool::Look,
        sql::{
            claim::{Claim, Recall},
            fingerprint::Fingerprint,
            statement::{Read, Statement, WriteStatement},
        },
    },
    task::{
        Cursor, Due, IdempotencyKey, ListKey, Merged, Priority, PushTime, PushedChange, Search, SortColumn, Tag, Tags,
        TagsMatch, TaskSort, TaskStatus, TrashRequest,
    },
};

const OWNER: &str = "ann";
const TABLES: [&str; 3] = ["tasks", "deleted_tasks", "idempotency_keys"];

/// The statements of each operation, with their values.
#[derive(Default)]
struct Statements {
    of: BTreeSet<String>,
    all: Vec<String>,
}

impl Statements {
    fn read<R: Read>(mut self, read: &R) -> Self {
        self.of.insert(type_name::<R>().rsplit("::").next().unwrap().to_owned());
        self.all.push(read.statement(OWNER).debug());
        self
    }

    fn write<W: Write>(mut self, write: &W) -> Self {
        self.of.insert(type_name::<W>().rsplit("::").next().unwrap().to_owned());
        self.all.extend(write.first(OWNER).map(|first| debug_query::<Pg, _>(&first).to_string()));
        self.all.push(write.statement(OWNER).debug());
        let (first, statement) = write.under_key(OWNER);
        self.all.extend(first.map(|first| debug_query::<Pg, _>(&first).to_string()));
        self.all.push(statement.recorded(W::OUTCOME, "key", 0).debug());
        self
    }

    /// With edits of each kind, whatever it would decide.
    fn merge<M: Merge>(mut self, merge: &M, edits: &M::Edits) -> Self {
        self.of.insert(type_name::<M>().rsplit("::").next().unwrap().to_owned());
        self.all.push(merge.read(OWNER).debug());
        self.all.extend(M::statements(edits, OWNER).iter().map(|edit| debug_query::<Pg, _>(edit).to_string()));
        self
    }
}

fn statements() -> Statements {
    let new = || NewTask {
        id: None,
        title: "x".to_owned().try_into().unwrap(),
        description: None,
        completed: false,
        priority: Priority::High,
        due: Due::parse("2026-01-01T09:00", "Europe/Berlin".parse().ok()).ok(),
        tags: Tags::parse(["a"].into_iter().map(|tag| Ok(tag.to_owned()))).unwrap(),
    };
    let id = TaskId::generate();
    let target = TaskTarget::new(id, Some(1));
    let patch = TaskPatch { completed: Some(true), ..TaskPatch::default() };
    let key = IdempotencyKey::try_from(&b"key"[..]).unwrap();
    let claim =
        Claim { key: Arc::new(key), part: 0, fingerprint: Fingerprint::of("complete_all", &CompleteAll).unwrap() };
    let keys = [claim.expire(OWNER), claim.insert(OWNER), claim.record(OWNER, json!([])), claim.release(OWNER)];
    let keys = keys.map(|key| debug_query::<Pg, _>(&key).to_string());
    let search = Search::parse("x".to_owned()).unwrap().unwrap();
    let tag = || vec![Tag::try_from("a".to_owned()).unwrap()];
    let filter = Filter {
        status: TaskStatus::Pending,
        search: Some(search.clone()),
        priorities: Some(vec![1, 2]),
        tags: vec![TagsMatch::any(tag()), TagsMatch::all(tag())],
        due_before: Some(DateTime::UNIX_EPOCH),
        due_after: Some(DateTime::UNIX_EPOCH),
        has_due: Some(true),
    };
    let row = json!({ "user_id": OWNER, "id": id.as_uuid(), "title": "x", "completed": false, "version": 1,
                      "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z" });
    let task: Task = serde_json::from_value::<TaskRow>(row).unwrap().into();
    let after = |sort| Some(Cursor::of(&task, ListKey::of(sort, &filter)));
    let request = PageRequest { after: after(TaskSort::default()), ..PageRequest::default() };
    let due = TaskSort::ascending(SortColumn::Due);
    let by_due = PageRequest { sort: due, before: after(due), offset: 1.try_into().unwrap(), ..PageRequest::default() };
    let priority = TaskSort::descending(SortColumn::Priority);
    let by_priority = PageRequest { sort: priority, from_end: true, ..PageRequest::default() };
    let time = PushTime { changes: DateTime::UNIX_EPOCH, deletions: DateTime::UNIX_EPOCH };
    let one = EditedRows::new(time, true, Merged { updated: vec![task.clone()], ..Merged::default() });
    let (created, updated) = (vec![task.clone(), task.clone()], vec![task.clone(), task]);
    let edits = EditedRows::new(time, true, Merged { created, updated, deleted: vec![id], ..Merged::default() });
    let (trash, lifetime) =
        (TrashRequest { search: Some(search.clone()), ..TrashRequest::default() }, TimeDelta::days(30));
    let statements = Statements::default()
        .read(&List { filter: Filter::default(), request: PageRequest::default() })
        .read(&List { filter: filter.clone(), request })
        .read(&List { filter: filter.clone(), request: by_due })
        .read(&List { filter: filter.clone(), request: by_priority })
        .read(&Total(filter.clone()))
        .read(&Counts(filter))
        .read(&ReadTags(10))
        .read(&Find(id))
        .read(&ReadChanges::new(&Since::Beginning, Limit::default()))
        .read(&Recall(claim.clone()))
        .write(&Insert::from_iter([new(), new()]))
        .write(&Update::new(target, patch.clone()))
        .merge(&MoveDue::new(target, None, patch), &one)
        .write(&Delete { target, keeps_text: true })
        .write(&Delete { target, keeps_text: false })
        .write(&Toggle(target))
        .write(&SetCompleted { target, completed: true })
        .write(&CompleteMany(vec![id.as_uuid()]))
        .write(&DeleteMany { ids: vec![id.as_uuid()], keeps_text: true })
        .write(&DeleteMany { ids: vec![id.as_uuid()], keeps_text: false })
        .write(&CompleteAll)
        .write(&ClearCompleted { keeps_text: true })
        .write(&ClearCompleted { keeps_text: false })
        .read(&ListTrash { request: trash, lifetime })
        .read(&CountTrash { search: Some(search), lifetime })
        .read(&FindChanges(vec![id]))
        .read(&FindTrashed { ids: vec![id.as_uuid()], lifetime })
        .merge(
            &Restore { ids: vec![id.as_uuid()], expected: Some(1), lifetime },
            &Restored { ids: vec![id.as_uuid()], time: DateTime::UNIX_EPOCH },
        )
        .write(&Purge { id: id.as_uuid(), lifetime })
        .write(&Empty { lifetime })
        .merge(&Create::from_iter([new()]), &edits)
        .merge(&Push { pushes: vec![TaskPush { id, change: PushedChange::Refused }], keeps_text: true }, &edits)
        .merge(&Push { pushes: vec![TaskPush { id, change: PushedChange::Refused }], keeps_text: true }, &one);
    let imported = ImportedTask {
        id,
        state: new().into_state().1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        completed_at: None,
    };
    let mut statements = statements
        .write(&Import::from_iter([imported.clone()]))
        .write(&ImportTrash::from_iter([(imported, DateTime::UNIX_EPOCH)]))
        .read(&ExportTrash { after: Position { number: 0, id: id.as_uuid() }, limit: 1, lifetime })
        .read(&Taken(vec![id.as_uuid()]));
    statements.all.extend(keys);
    statements.all.extend(Erase::statements(OWNER).map(|erase| debug_query::<Pg, _>(&erase).to_string()));
    statements.of.insert("Erase".to_owned());
    statements.all.push(debug_query::<Pg, _>(&Look { most: 1, last: None }.statement(OWNER)).to_string());
    statements
}

/// The types under a folder that implement a trait of operations.
fn operations(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(operations(&path));
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for of in ["\nimpl Read for ", "\nimpl Write for ", "\nimpl Merge for ", "\nimpl Work for "] {
            found.extend(source.split(of).skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_operation_is_here() {
    assert_eq!(statements().of, operations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")));
}

/// Whether a condition begins with the owner and the role.
fn is_owned(condition: &str, values: &[String]) -> bool {
    let condition = condition.trim_start_matches('(');
    let role = match condition.strip_prefix("user_id, key, part) = ($1, $") {
        Some(key) => key.split_once(')').map(|(_, role)| role),
        // The query builder binds the owner anew in each part of a list.
        None => condition.strip_prefix("user_id = $").and_then(|value| {
            let (number, role) = value.split_at(value.find(' ')?);
            let value = values.get(number.parse::<usize>().ok()? - 1)?;
            (value == OWNER).then_some(role)
        }),
    };
    role.is_some_and(|role| role.starts_with(" AND current_user = 'tandem_api'"))
}

/// The values of a statement. A comma in brackets or quotes doesn't end one.
fn split(values: &str) -> Vec<String> {
    let (mut split, mut depth, mut is_quoted) = (vec![String::new()], 0, false);
    for c in values.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '[' | '(' => depth += 1,
            ']' | ')' if depth == 0 => break,
            ']' | ')' => depth -= 1,
            ',' if depth == 0 && !is_quoted => split.push(String::new()),
            c => split.last_mut().unwrap().push(c),
        }
    }
    split.iter().map(|value| value.trim().to_owned()).collect()
}

#[test]
fn every_statement_names_its_owner_and_its_role_wherever_it_names_a_table() {
    for statement in statements().all {
        let (sql, values) = statement.split_once(" -- binds: [").unwrap();
        let sql = &sql.replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
        let values = split(values);
        assert_eq!(values[0], OWNER, "{sql}");
        let mut tables = 0;
        for table in ["FROM", "UPDATE"].iter().flat_map(|keyword| TABLES.map(|table| format!("{keyword} {table} "))) {
            for rest in sql.split(&table).skip(1) {
                assert!(
                    rest.split_once("WHERE ").is_some_and(|(_, condition)| is_owned(condition, &values)),
                    "{table}in {sql}"
                );
                tables += 1;
            }
        }
        for rest in sql.split("INSERT INTO ").skip(1) {
            let (columns, values) = rest.split_once(") ").unwrap();
            assert!(columns.contains(" (user_id, "), "{sql}");
            let is_guarded = values.starts_with("VALUES ($1, ") && values.contains("WHEN current_user = 'tandem_api'");
            // What it reads is looked at above.
            let is_read = [" FROM tasks ", " FROM deleted_tasks "].iter().any(|from| values.contains(from));
            assert!(is_guarded || values.starts_with("SELECT user_id, ") && is_read, "{sql}");
            tables += 1;
        }
        assert!(tables > 0, "{sql}");
    }
}
