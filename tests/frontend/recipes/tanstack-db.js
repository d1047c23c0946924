import { createCollection } from "@tanstack/db";
import { createClient } from "graphql-ws";

const CHANGES = `subscription Changes($after: String) {
  changes(after: $after) {
    items {
      __typename
      ... on Task { id title description completed priority due { date time timeZone } tags version }
      ... on DeletedTask { id version }
    }
    cursor
    hasMore
    reset
  }
}`;

const PUSH = `mutation Push($changes: [TaskPush!]!) {
  pushTasks(changes: $changes) {
    conflicts { ... on Task { id } ... on DeletedTask { id } }
    refused { id message }
  }
}`;

const state = ({ id, title, description, completed, priority, due, tags }) => ({ id, title, description, completed, priority, due, tags });

// All of a user's tasks as a collection. What is written to it is pushed with what it was before; what others changed first is
// rolled back, and is then what the server has.
export const makeTasks = (url, token, options) => {
  const push = async ({ transaction: { mutations, id } }) => {
    const changes = mutations.map(({ type, original, modified }) => ({
      task: type === "delete" ? { ...state(original), deleted: true } : state(modified),
      ...(type !== "insert" && { base: state(original) }),
    }));
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${await token()}`,
      // With @tanstack/offline-transactions this is the `idempotencyKey` of the transaction, which it repeats.
      "idempotency-key": id,
    };
    const body = JSON.stringify({ query: PUSH, variables: { changes } });
    const { data, errors } = await (await fetch(`${url}/graphql`, { method: "POST", headers, body })).json();
    if (errors) throw new Error(errors[0].message);
    const { conflicts, refused } = data.pushTasks;
    if (refused.length) throw new Error(refused[0].message);
    if (conflicts.length) throw new Error("changed elsewhere");
  };
  return createCollection({
    id: "tasks",
    getKey: ({ id }) => id,
    onInsert: push,
    onUpdate: push,
    onDelete: push,
    sync: {
      rowUpdateMode: "full",
      sync: ({ begin, write, commit, markReady, truncate }) => {
        const present = new Set();
        const client = createClient({
          url: `${url.replace(/^http/, "ws")}/graphql`,
          connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
          retryAttempts: Infinity,
          shouldRetry: () => true,
          ...options,
        });
        const request = { query: CHANGES, variables: { after: null } };
        const next = ({ data: { changes } }) => {
          begin();
          if (changes.reset) {
            truncate();
            present.clear();
          }
          for (const { __typename, ...task } of changes.items) {
            if (__typename === "Task") write({ type: present.has(task.id) ? "update" : "insert", value: task });
            else if (present.has(task.id)) write({ type: "delete", key: task.id });
            present[__typename === "Task" ? "add" : "delete"](task.id);
          }
          commit();
          request.variables.after = changes.cursor;
          if (!changes.hasMore) markReady();
        };
        client.subscribe(request, { next, error: console.error, complete: () => {} });
        return () => client.dispose();
      },
    },
  });
};
