import assert from "node:assert/strict";
import { token, url } from "./support.js";

process.env.NEXT_PUBLIC_API_URL = url;
const { api } = await import("./recipes/rest.js");

const tasks = api("ann", token);
assert.deepEqual((await tasks.getTasks()).map(({ title }) => title), ["Water plants"]);
const { id } = await tasks.createTask({ title: "Bread", description: "" });
await tasks.updateTask(id, { title: "Rye bread", description: "From Noor" });
assert.equal((await tasks.toggleComplete(id, true)).completed, true);
assert.deepEqual((await tasks.getTasks("completed")).map(({ title }) => title), ["Rye bread"]);
await tasks.deleteTask(id);
await assert.rejects(tasks.updateTask(id, { title: "Gone" }), /not found/i);
await assert.rejects(api("ben", token).getTasks(), Error, "another user's");
