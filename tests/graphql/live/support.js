// What the programs here share: changes made beside the client under test, and the replica it keeps.

import assert from "node:assert/strict";

const { TANDEM_URL, TANDEM_TOKEN } = process.env;

export const url = TANDEM_URL;
export const token = TANDEM_TOKEN;

const rest = async (method, path, body) => {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/api/tasks${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
};

export const create = (title) => rest("POST", "", { title });
export const complete = ({ id }) => rest("PATCH", `/${id}/complete`, { completed: true });
export const remove = ({ id }) => rest("DELETE", `/${id}`);

// A copy of the user's tasks. Each change comes once, and a later one never has a lower version.
export class Replica {
  tasks = new Map();
  cursors = [];

  set(id, version, task) {
    assert.ok(version > (this.tasks.get(id)?.version ?? 0), `version ${version} of ${id} came late`);
    this.tasks.set(id, { version, ...task });
  }

  applyGraphql = ({ items, cursor, reset }) => {
    if (reset) this.tasks.clear();
    for (const { __typename, id, version, title, completed } of items) {
      this.set(id, version, __typename === "DeletedTask" ? { deleted: true } : { title, completed });
    }
    this.cursors.push(cursor);
  };

  applyRest = ({ changes, cursor, reset }) => {
    if (reset) this.tasks.clear();
    for (const { task, deleted } of changes) {
      if (deleted) this.set(deleted.id, deleted.version, { deleted: true });
      else this.set(task.id, task.version, { title: task.title, completed: task.completed });
    }
    this.cursors.push(cursor);
  };

  titles() {
    const present = [...this.tasks.values()].filter(({ deleted }) => !deleted);
    return present.map(({ title, completed }) => title + (completed ? " ✓" : "")).sort();
  }
}

// Waits until the replica holds these titles.
export const holds = async (replica, titles) => {
  const until = Date.now() + 20_000;
  while (JSON.stringify(replica.titles()) !== JSON.stringify([...titles].sort())) {
    assert.ok(Date.now() < until, `never ${JSON.stringify(titles)}, but ${JSON.stringify(replica.titles())}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

// Lets a client follow from the beginning, see changes, miss some, and catch up. `breakOff` cuts its connection, and runs
// what it is given before there is another one.
export const play = async (replica, breakOff) => {
  await holds(replica, ["Water plants"]);
  const bread = await create("Bread");
  await holds(replica, ["Water plants", "Bread"]);
  await complete(bread);
  await holds(replica, ["Water plants", "Bread ✓"]);
  await breakOff(async () => {
    await remove(bread);
    await create("Milk");
  });
  await holds(replica, ["Water plants", "Milk"]);
  await create("Salt");
  await holds(replica, ["Water plants", "Milk", "Salt"]);
};
