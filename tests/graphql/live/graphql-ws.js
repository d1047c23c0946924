// graphql-ws: changes as they happen, and those missed while the socket was broken.

import assert from "node:assert/strict";
import WebSocket from "ws";
import { follow } from "../snippets/live-graphql-ws.js";
import { Replica, play, token, url } from "./support.js";

const replica = new Replica();
let meanwhile;
let connections = 0;
const { client, stop } = follow(url, () => token, null, replica.applyGraphql, {
  webSocketImpl: WebSocket,
  retryWait: () => meanwhile(),
  on: { connected: () => (connections += 1) },
});
await play(replica, async (change) => {
  const changed = new Promise((resolve) => (meanwhile = () => change().then(resolve)));
  client.terminate();
  await changed;
});
assert.equal(connections, 2);

// Queries and mutations run on the same socket.
const run = (query) =>
  new Promise((resolve, reject) => client.subscribe({ query }, { next: resolve, error: reject, complete: () => {} }));
assert.equal((await run("{ tasks { id } }")).data.tasks.length, 3);
await assert.rejects(run("{ nothing }"), (errors) => errors[0].extensions.code === "GRAPHQL_VALIDATION_FAILED");
await assert.rejects(
  run('subscription { changes(after: "garbage") { cursor } }'),
  (errors) => errors[0].extensions.code === "BAD_USER_INPUT",
);
await assert.rejects(
  run("subscription { a: changes { cursor } b: changes { cursor } }"),
  (errors) => errors[0].extensions.code === "GRAPHQL_VALIDATION_FAILED",
);
stop();
await client.dispose();
