// graphql-sse in its distinct connections mode: changes as they happen, and those missed while the stream was broken.

import assert from "node:assert/strict";
import { createClient } from "graphql-sse";
import { Replica, play, token, url } from "./support.js";

const CHANGES = `subscription($after: String) { changes(after: $after) {
  items { __typename ... on Task { id title completed version } ... on DeletedTask { id version } } cursor reset
} }`;

const replica = new Replica();
let meanwhile;
let cut;
const client = createClient({
  url: `${url}/graphql`,
  headers: () => ({ authorization: `Bearer ${token}` }),
  retry: () => meanwhile(),
  // A network that can be cut.
  fetchFn: async (...args) => {
    const response = await fetch(...args);
    const broken = new TransformStream({ start: (controller) => (cut = () => controller.error(new Error("cut"))) });
    return new Response(response.body.pipeThrough(broken), response);
  },
});
const request = { query: CHANGES, variables: {} };
const stop = client.subscribe(request, {
  next: ({ data }) => {
    replica.applyGraphql(data.changes);
    request.variables.after = data.changes.cursor;
  },
  error: (error) => console.error(error),
  complete: () => {},
});
await play(replica, async (change) => {
  const changed = new Promise((resolve) => (meanwhile = () => change().then(resolve)));
  cut();
  await changed;
});
stop();

const run = (query) =>
  new Promise((resolve, reject) => client.subscribe({ query }, { next: resolve, error: reject, complete: () => {} }));
assert.equal((await run("{ tasks { id } }")).data.tasks.length, 3);
assert.equal((await run("{ nothing }")).errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
assert.equal(
  (await run('subscription { changes(after: "garbage") { cursor } }')).errors[0].extensions.code,
  "BAD_USER_INPUT",
);
client.dispose();
