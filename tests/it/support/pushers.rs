//! Clients that push what they changed, without looking at the feed, among others that change the same tasks.
//!
//! Each has tasks of its own. Nobody else changes their descriptions, so nothing that it wrote there may be lost, and nothing
//! but a deletion conflicts, whatever others do to the titles and however often a push is repeated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    followers::{Actor, dice},
    id_of,
    replica::Outlet,
};

/// How many tasks a client keeps, more or less.
const KEPT: usize = 5;
const PUSH: &str = "mutation($changes: [TaskPush!]!) { pushTasks(changes: $changes) {
    conflicts { __typename ... on Task { id title description } ... on DeletedTask { id version } } refused { id } } }";

/// Pushes until the load has ended; then everything that it wrote must be there.
pub(super) async fn push(mut actor: Actor, outlet: Outlet) {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut typed = 0;
    while !actor.has_ended() {
        let (mut changes, mut deleted) = (Vec::new(), BTreeSet::new());
        for _ in 0..=dice(4) {
            typed += 1;
            let there: Vec<_> = known.keys().filter(|id| !deleted.contains(*id)).cloned().collect();
            if there.len() < KEPT {
                let id = Uuid::now_v7().to_string();
                let task = json!({ "id": id, "title": "Pushed", "description": typed.to_string() });
                changes.push(json!({ "task": task }));
                known.insert(id, task);
                continue;
            }
            let id = there[dice(there.len())].clone();
            let base = known[&id].clone();
            if dice(10) == 0 {
                actor.doom(&id);
                changes.push(json!({ "task": { "id": id, "title": "-", "deleted": true }, "base": base }));
                deleted.insert(id);
                continue;
            }
            let mut task = base.clone();
            task["description"] = json!(typed.to_string());
            changes.push(json!({ "task": task, "base": base }));
            known.insert(id, task);
        }
        let conflicts = push_all(&mut actor, outlet, &changes).await;
        let mut gone = deleted.clone();
        for conflict in conflicts {
            let id = id_of(&conflict).to_owned();
            if conflict.get("title").is_none() {
                assert!(actor.was_doomed(&id), "nobody has deleted {id}: {conflict}");
                gone.insert(id);
            } else {
                // A deletion of what others have changed; or a push that is repeated, and was done before.
                let is_kept = known[&id]["description"] == conflict["description"];
                assert!(gone.remove(&id) || is_kept, "nobody else has changed this: {conflict} after {changes:?}");
                known.insert(id, conflict);
            }
        }
        known.retain(|id, _| !gone.contains(id));
        for id in known.keys() {
            actor.introduce(id);
        }
        actor.wrote(changes.len());
    }
    let list = actor.list().await;
    let there: BTreeMap<_, _> = list.as_array().unwrap().iter().map(|task| (id_of(task), task)).collect();
    for (id, state) in known {
        match there.get(&*id) {
            Some(task) => assert_eq!(task["description"], state["description"], "what was typed last"),
            None => assert!(actor.was_doomed(&id), "nobody has deleted {id}"),
        }
    }
}

/// Pushes until it is answered; the tasks that conflict, without a title if they are deleted.
async fn push_all(actor: &mut Actor, outlet: Outlet, changes: &[Value]) -> Vec<Value> {
    loop {
        let pushed = match outlet {
            Outlet::Rest => {
                let body = json!({ "changes": changes });
                actor.ask(|http, server| http.post(format!("{server}/api/tasks/push")).json(&body)).await
            }
            Outlet::Graphql => {
                actor.graphql(PUSH, json!({ "changes": changes })).await.map(|mut data| data["pushTasks"].take())
            }
        };
        let Some(pushed) = pushed else { continue };
        assert_eq!(pushed["refused"], json!([]), "{changes:?}");
        let state = |conflict: &Value| {
            let state = conflict.get("task").or_else(|| conflict.get("deleted")).unwrap_or(conflict);
            let fields = ["id", "title", "description"].iter();
            fields.filter_map(|name| Some(((*name).to_owned(), state.get(*name)?.clone()))).collect()
        };
        return pushed["conflicts"].as_array().unwrap().iter().map(state).collect();
    }
}
