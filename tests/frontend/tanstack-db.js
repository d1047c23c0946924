import assert from "node:assert/strict";
import { makeTasks } from "./recipes/tanstack-db.js";
import { create, graphql, options, play, rename, shows, token, url } from "./support.js";

const tasks = makeTasks(url, async () => token, options);
await tasks.preload();
const read = () => [...tasks.values()];
await play(read);

// Written here: shown at once, and stored.
const id = crypto.randomUUID();
const milk = { id, title: "Milk", description: null, completed: false, priority: "NONE", due: null, tags: [], version: 0 };
const inserted = tasks.insert(milk);
assert.equal(tasks.get(id).title, "Milk");
await inserted.isPersisted.promise;
await shows(read, ["Water plants", "Milk"]);
await tasks.update(id, (draft) => { draft.completed = true; }).isPersisted.promise;
assert.equal((await graphql("query($id: ID!) { task(id: $id) { completed } }", { id })).task.completed, true);

// Changed by others first, without this client having heard of it: rolled back.
const other = await create("Salt");
await shows(read, ["Water plants", "Milk", "Salt"]);
const conflicting = tasks.update(other, (draft) => { draft.title = "Sea salt"; });
const [mine] = await Promise.allSettled([conflicting.isPersisted.promise, rename(other, "Rock salt")]);
const kept = mine.status === "fulfilled" ? (await graphql("query($id: ID!) { task(id: $id) { title } }", { id: other })).task.title : "Rock salt";
await shows(read, ["Water plants", "Milk", kept]);
await tasks.delete(id).isPersisted.promise;
await shows(read, ["Water plants", kept]);
await tasks.cleanup();
