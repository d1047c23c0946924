// Apollo Client: the cache after mutations, and persisted queries.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { gql } from "@apollo/client";
import { TASKS, TOGGLE, makeClient } from "./snippets/apollo.js";

const { TANDEM_URL, TANDEM_TOKEN } = process.env;

// Node 18 doesn't have it where browsers do.
globalThis.crypto ??= webcrypto;

const sent = [];
const realFetch = globalThis.fetch;
globalThis.fetch = (url, init) => {
  sent.push(JSON.parse(init.body));
  return realFetch(url, init);
};

const client = makeClient(TANDEM_URL, TANDEM_TOKEN);
const first = await client.query({ query: TASKS });
const [task] = first.data.tasks;
assert.equal(task.title, "Water plants");
assert.deepEqual(
  sent.map((body) => "query" in body),
  [false, true],
  "the hash was sent first, then the document",
);

const again = makeClient(TANDEM_URL, TANDEM_TOKEN);
await again.query({ query: TASKS });
assert.deepEqual(sent.slice(2).map((body) => "query" in body), [false], "the server knows the hash now");

await client.mutate({ mutation: TOGGLE, variables: { id: task.id } });
const cached = client.readQuery({ query: TASKS });
assert.equal(cached.tasks[0].completed, true, "the task in the cached list was changed");

const CREATE = gql`
  mutation Create($input: CreateTaskInput!) {
    createTask(input: $input) {
      id
      title
      completed
    }
  }
`;
await client.mutate({
  mutation: CREATE,
  variables: { input: { title: "Call home" } },
  update: (cache, { data }) =>
    cache.updateQuery({ query: TASKS }, ({ tasks }) => ({ tasks: [data.createTask, ...tasks] })),
});
const titles = ({ tasks }) => tasks.map(({ title }) => title);
assert.deepEqual(titles(client.readQuery({ query: TASKS })), ["Call home", "Water plants"]);
const fresh = await client.query({ query: TASKS, fetchPolicy: "network-only" });
assert.deepEqual(titles(fresh.data), ["Call home", "Water plants"], "the cache is what the server has");

const failed = await client.mutate({ mutation: CREATE, variables: { input: { title: "" } }, errorPolicy: "all" });
assert.equal(failed.error.errors[0].extensions.code, "BAD_USER_INPUT");
assert.ok(failed.error.errors[0].extensions.fields.title, "the field is named");
