//! Pushes against a plain implementation of their rules: random changes of a few clients, with random bases.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tandem::task::{
    Change, DeletedTask, Due, Priority, PushTime, PushedChange, Tags, Task, TaskId, TaskPush, TaskState, merge,
};
use tokio::runtime::Runtime;

use super::push::{DOORS, beginning, push};
use crate::support::App;

/// Values of the fields, by number.
type State = [usize; 6];

const TITLES: [&str; 3] = ["a", "b", "c"];
const DESCRIPTIONS: [Option<&str>; 3] = [None, Some(""), Some("d")];
const PRIORITIES: [Priority; 3] = [Priority::None, Priority::Low, Priority::Urgent];
const DUES: [Option<(&str, Option<&str>)>; 3] =
    [None, Some(("2026-03-29T09:00:00", Some("Europe/Berlin"))), Some(("2026-03-29T09:00:00", Some("Europe/Paris")))];
const TAGS: [&[&str]; 3] = [&[], &["x"], &["x", "y"]];

/// What is pushed of one task: its number, the new state and the base; `None` for deleted and for none.
type Push = (usize, Option<State>, Option<State>);

/// What is there, with its version.
#[derive(Clone, Copy, Debug, PartialEq)]
enum There {
    Task(State, i64),
    Gone(i64),
}

/// The rules, as they are told. Whether the push is applied.
fn apply(server: &mut BTreeMap<usize, There>, (task, new, base): Push) -> bool {
    let Some(There::Task(row, version)) = server.get(&task).copied() else {
        let is_known = server.contains_key(&task);
        return match (new, base) {
            (None, _) => true,
            (Some(new), None) if !is_known => {
                server.insert(task, There::Task(new, 1));
                true
            }
            _ => false,
        };
    };
    let Some(new) = new else {
        if base == Some(row) {
            server.insert(task, There::Gone(version + 1));
        }
        return base == Some(row);
    };
    let Some(base) = base else { return new == row };
    let mut merged = row;
    for field in 0..6 {
        if new[field] != base[field] {
            if row[field] != base[field] && row[field] != new[field] {
                return false;
            }
            merged[field] = new[field];
        }
    }
    if merged == row {
        return new == row;
    }
    server.insert(task, There::Task(merged, version + 1));
    true
}

fn state() -> impl Strategy<Value = State> {
    // Mostly alike, so that there is something to merge.
    prop_oneof![
        3 => Just([0; 6]),
        5 => (0..6_usize, 0..2_usize).prop_map(|(field, value)| { let mut state = [0; 6]; state[field] = value; state }),
        2 => (0..3_usize, 0..3_usize, 0..2_usize, 0..3_usize, 0..3_usize, 0..3_usize)
            .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f]),
    ]
}

/// The base is a state that a client had, one that the server has, or any other.
#[derive(Clone, Debug)]
enum Base {
    None,
    OfServer,
    Other(State),
}

type Step = (usize, Option<(usize, State)>, Base);

fn step() -> impl Strategy<Value = Step> {
    let base = prop_oneof![2 => Just(Base::None), 5 => Just(Base::OfServer), 3 => state().prop_map(Base::Other)];
    let new = prop_oneof![1 => Just(None), 5 => (0..7_usize, state()).prop_map(Some)];
    (0..4_usize, new, base)
}

/// A step, given what is there. Of a new state, mostly one field differs from the base.
fn pushed((task, new, base): &Step, server: &BTreeMap<usize, There>) -> Push {
    let base = match (base, server.get(task)) {
        (Base::None, _) | (Base::OfServer, None | Some(There::Gone(_))) => None,
        (Base::OfServer, Some(There::Task(row, _))) => Some(*row),
        (Base::Other(state), _) => Some(*state),
    };
    let new = new.map(|(field, state)| match base {
        Some(mut base) if field < 6 => {
            base[field] = state[field];
            base
        }
        _ => state,
    });
    (*task, new, base)
}

fn in_domain([title, description, completed, priority, due, tags]: State) -> TaskState {
    TaskState {
        title: TITLES[title].to_owned().try_into().unwrap(),
        description: DESCRIPTIONS[description].map(|text| text.to_owned().try_into().unwrap()),
        completed: completed == 1,
        priority: PRIORITIES[priority],
        due: DUES[due].map(|(date, zone)| Due::parse(date, zone.map(|zone| zone.parse().unwrap())).unwrap()),
        tags: Tags::parse(TAGS[tags].iter().map(|tag| Ok((*tag).to_owned()))).unwrap(),
    }
}

fn in_words(id: TaskId, state: Option<State>) -> Value {
    let Some([title, description, completed, priority, due, tags]) = state else {
        return json!({ "id": id.to_string(), "deleted": true });
    };
    json!({ "id": id.to_string(), "title": TITLES[title], "description": DESCRIPTIONS[description],
            "completed": completed == 1, "priority": PRIORITIES[priority].word(),
            "due_date": DUES[due].map(|(date, _)| date), "due_timezone": DUES[due].and_then(|(_, zone)| zone),
            "tags": TAGS[tags] })
}

/// The state of a task of REST's.
fn read(task: &Value) -> State {
    let at = |found: Option<usize>| found.unwrap_or_else(|| panic!("another value in {task}"));
    let due = |due: &Option<(&str, Option<&str>)>| match due {
        None => task["due_date"].is_null(),
        Some((_, zone)) => task["due_timezone"] == json!(zone),
    };
    let priority = task["priority"].as_str().unwrap_or("none");
    [
        at(TITLES.iter().position(|title| task["title"] == *title)),
        at(DESCRIPTIONS.iter().position(|text| task["description"] == json!(text))),
        usize::from(task["completed"] == true),
        at(PRIORITIES.iter().position(|known| known.word() == priority)),
        at(DUES.iter().position(due)),
        at(TAGS.iter().position(|tags| task["tags"] == json!(tags))),
    ]
}

fn runner(cases: u32) -> TestRunner {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Runs { cases, failure_persistence: None, ..Runs::default() }, seed)
}

/// Applies a merge as the store does.
fn store(server: &mut HashMap<TaskId, Change>, time: PushTime, pushes: &[TaskPush]) -> Vec<Change> {
    let merged = merge("ann", time, server.values().cloned(), pushes, usize::MAX);
    for task in merged.created.into_iter().chain(merged.updated) {
        server.insert(task.id, Change::Task(task));
    }
    for id in merged.deleted {
        let Some(Change::Task(Task { version, .. })) = server.get(&id) else { panic!("{id} is not there") };
        let deleted = DeletedTask { id, version: version + 1, position: 0, deleted_at: time.deletions };
        server.insert(id, Change::Deleted(deleted));
    }
    merged.conflicts
}

#[test]
fn the_merge_follows_its_rules() {
    let run = |rounds: Vec<Vec<Step>>| {
        let ids: [TaskId; 4] = std::array::from_fn(|_| TaskId::generate());
        let (mut server, mut model) = (HashMap::new(), BTreeMap::new());
        // By number, in the order of the ids.
        for (number, steps) in rounds.iter().enumerate() {
            let at = DateTime::from_timestamp_micros(i64::try_from(number).unwrap()).unwrap();
            let time = PushTime { changes: at, deletions: at };
            let (mut pushes, mut expected) = (Vec::new(), Vec::new());
            for step in steps {
                let push @ (task, new, base) = pushed(step, &model);
                let base = base.map(in_domain);
                let change = match new {
                    Some(new) => PushedChange::Set { task: in_domain(new), base },
                    None => PushedChange::Delete { base },
                };
                pushes.push(TaskPush { id: ids[task], change });
                if !apply(&mut model, push) && !expected.contains(&task) {
                    expected.push(task);
                }
            }
            let conflicts = store(&mut server, time, &pushes);
            let told: Vec<_> = conflicts.iter().map(Change::id).collect();
            prop_assert_eq!(told, expected.iter().map(|task| ids[*task]).collect::<Vec<_>>());
            for conflict in conflicts {
                let there = server.get(&conflict.id()).cloned();
                let absent = DeletedTask { id: conflict.id(), version: 0, position: 0, deleted_at: at };
                prop_assert_eq!(conflict, there.unwrap_or(Change::Deleted(absent)));
            }
            for (number, id) in ids.iter().enumerate() {
                let there = server.get(id).map(|change| match change {
                    Change::Task(task) => {
                        prop_assert_eq!(task.completed_at.is_some(), task.completed);
                        Ok(There::Task(read(&as_json(task)), task.version))
                    }
                    Change::Deleted(task) => Ok(There::Gone(task.version)),
                });
                prop_assert_eq!(there.transpose()?, model.get(&number).copied(), "task {}", number);
            }
        }
        Ok(())
    };
    runner(3000).run(&vec(vec(step(), 1..6), 1..8), run).unwrap();
}

/// A task as REST would write it, as far as [`read`] looks at it.
fn as_json(task: &Task) -> Value {
    json!({ "title": task.title, "description": task.description, "completed": task.completed,
            "priority": task.priority.word(), "due_date": task.due.as_ref().map(Due::to_rest),
            "due_timezone": task.due.as_ref().and_then(Due::zone).map(|zone| zone.name().to_owned()), "tags": task.tags })
}

#[test]
fn the_server_follows_its_rules() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(App::new());
    let ids: [TaskId; 4] = std::array::from_fn(|_| TaskId::generate());
    let mut user = 0;
    let run = |rounds: Vec<Vec<Step>>| {
        user += 1;
        let ann = app.user(&format!("ann-{user}"));
        let (mut model, beginning) = (BTreeMap::new(), runtime.block_on(beginning(&ann)));
        for (number, steps) in rounds.iter().enumerate() {
            let (mut changes, mut expected) = (Vec::new(), Vec::new());
            for step in steps {
                let push @ (task, new, base) = pushed(step, &model);
                let base = base.map_or(Value::Null, |base| in_words(ids[task], Some(base)));
                changes.push((in_words(ids[task], new), base));
                if !apply(&mut model, push) && !expected.contains(&task) {
                    expected.push(task);
                }
            }
            let conflicts = runtime.block_on(push(&ann, DOORS[number % 2], &changes));
            let feed = runtime.block_on(ann.get(&beginning).send()).good();
            let mut there = BTreeMap::new();
            for change in feed["changes"].as_array().unwrap() {
                let mut change = change.clone();
                let (id, state) = match change.get_mut("task") {
                    Some(task) => {
                        task.as_object_mut().unwrap().remove("user_id");
                        (task["id"].clone(), There::Task(read(task), task["version"].as_i64().unwrap()))
                    }
                    None => {
                        let deleted = &change["deleted"];
                        (deleted["id"].clone(), There::Gone(deleted["version"].as_i64().unwrap()))
                    }
                };
                let number = ids.iter().position(|known| id == known.to_string()).unwrap();
                there.insert(number, (state, change));
            }
            let states: BTreeMap<_, _> = there.iter().map(|(number, (state, _))| (*number, *state)).collect();
            prop_assert_eq!(&states, &model);
            prop_assert_eq!(conflicts.len(), expected.len());
            for (task, conflict) in expected.iter().zip(conflicts) {
                match there.get(task) {
                    Some((_, change)) => prop_assert_eq!(&conflict, change),
                    None => prop_assert_eq!(&conflict["deleted"]["version"], &json!(0)),
                }
            }
        }
        Ok(())
    };
    let run = std::cell::RefCell::new(run);
    runner(60).run(&vec(vec(step(), 1..6), 1..8), |rounds| (run.borrow_mut())(rounds)).unwrap();
}
