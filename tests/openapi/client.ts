// A client whose types come from docs/openapi.json: what the document says wrongly doesn't compile, or fails below.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./node_modules/.generated/tandem.js";

type Task = components["schemas"]["Task"];

const client = createClient<paths>({
  baseUrl: process.env.TANDEM_URL!,
  headers: { Authorization: `Bearer ${process.env.TANDEM_TOKEN}` },
});

const key = { header: { "Idempotency-Key": "typescript-1" } };
const body = { title: "Buy milk", description: "2 litres" };
const created = await client.POST("/api/tasks", { params: key, body });
const again = await client.POST("/api/tasks", { params: key, body });
assert.equal(created.response.status, 201);
assert.deepEqual(again.data, created.data);
assert.equal(again.response.headers.get("idempotent-replayed"), "true");

const task: Task = created.data!;
const path = { task_id: task.id };
const updated = await client.PATCH("/api/tasks/{task_id}", {
  params: { path, header: { "If-Match": `"${task.version}"` } },
  body: { title: "Buy oat milk" },
});
assert.equal(updated.data?.version, 2);

const stale = await client.PUT("/api/tasks/{task_id}", {
  params: { path, header: { "If-Match": '"1"' } },
  body: { title: "Buy soy milk" },
});
assert.equal(stale.error?.code, "VERSION_CONFLICT");
assert.equal(stale.error?.current?.title, "Buy oat milk");

const done = await client.PATCH("/api/tasks/{task_id}/complete", { params: { path }, body: { completed: true } });
const completed: boolean | undefined = done.data?.completed;
assert.equal(completed, true);

const list = await client.GET("/api/tasks", { params: { query: { status: "completed", sort: "-title", limit: 5 } } });
assert.ok(Array.isArray(list.data));
assert.deepEqual(list.data.map((task) => task.title), ["Buy oat milk"]);

const bad = await client.POST("/api/tasks", { body: { title: "" } });
const faults = bad.error?.detail;
assert.ok(Array.isArray(faults));
assert.deepEqual(faults[0]?.loc, ["body", "title"]);

// @ts-expect-error there is no such status
await client.GET("/api/tasks", { params: { query: { status: "done" } } });
// @ts-expect-error a task needs a title
await client.POST("/api/tasks", { body: {} });

const gone = await client.DELETE("/api/tasks/{task_id}", { params: { path } });
assert.equal(gone.response.status, 204);
