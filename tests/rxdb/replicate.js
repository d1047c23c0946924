import { addRxPlugin } from "rxdb/plugins/core";
import { RxDBLeaderElectionPlugin } from "rxdb/plugins/leader-election";
import { replicateGraphQL } from "rxdb/plugins/replication-graphql";

addRxPlugin(RxDBLeaderElectionPlugin);

const FIELDS = "id title description completed priority due { date time timeZone } tags createdAt updatedAt completedAt";

const PULL = `query Pull($after: String, $first: Int!) {
  changes(after: $after, first: $first) {
    items { __typename ... on Task { ${FIELDS} } ... on DeletedTask { id } }
    cursor
    reset
  }
}`;

const STREAM = `subscription Stream { changes(after: "latest") { cursor } }`;

const PUSH = `mutation Push($changes: [TaskPush!]!) {
  pushTasks(changes: $changes) {
    conflicts { __typename ... on Task { ${FIELDS} } ... on DeletedTask { id } }
    refused { id message fields { field message } }
  }
}`;

export const taskSchema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 36 },
    title: { type: "string" },
    description: { type: ["string", "null"] },
    completed: { type: "boolean" },
    priority: { type: "string" },
    due: { type: ["object", "null"] },
    tags: { type: "array", items: { type: "string" } },
    // The fields that this device has changed since it last wrote the server's state here.
    edited: { type: "array", items: { type: "string" } },
    // The server's. RxDB may learn them only with the task's next change.
    createdAt: { type: "string" },
    updatedAt: { type: "string" },
    completedAt: { type: ["string", "null"] },
  },
  required: ["id", "title", "completed", "priority", "tags"],
};

// What a client sets of a task.
const EDITABLE = ["title", "description", "completed", "priority", "due", "tags"];

const state = ({ id, deleted, ...task }) => ({
  id,
  deleted,
  ...pick(task, EDITABLE),
});

const pick = (task, fields) => Object.fromEntries(fields.map((field) => [field, task[field]]));

// A deleted document still has to have what the schema requires.
const toDocument = ({ __typename, ...task }) =>
  __typename === "DeletedTask"
    ? { id: task.id, title: "", completed: false, priority: "NONE", tags: [], edited: [], deleted: true }
    : { ...task, edited: [], deleted: false };

const isSame = (a, b, field) => JSON.stringify(a?.[field] ?? null) === JSON.stringify(b?.[field] ?? null);

// RxDB's metadata can fall behind the documents, so that what others have changed would look like this device's changes. So each
// document remembers what its user has changed.
export const rememberEdits = (collection) =>
  collection.preSave((next, last) => {
    const changed = EDITABLE.filter((field) => !isSame(next, last, field));
    next.edited = [...new Set([...(last.edited ?? []), ...changed])];
  }, false);

// What one server refused, by the id of the task, until the conflict that comes with it is resolved.
const refusals = new Map();

// For `addCollections({ tasks: { schema: taskSchema, conflictHandler: conflictHandler(onConflict) } })`. The server has merged
// what it could; of two values for one field, this device's wins, and `onConflict` is told of both. What others have deleted stays deleted, and what others have changed can't be deleted unseen.
export const conflictHandler = (onConflict) => ({
  isEqual: (a, b) =>
    a._deleted === b._deleted && (a._deleted || Object.keys(taskSchema.properties).every((field) => isSame(a, b, field))),
  resolve: ({ assumedMasterState: base, newDocumentState: mine, realMasterState: theirs }) => {
    if (refusals.delete(mine.id)) return theirs;
    // Without a base the server has what this device created, though it was never told so, and others may have changed that.
    const changed = mine.edited ?? [];
    const isLost = (field) => !isSame(base, theirs, field) && !isSame(mine, theirs, field);
    if (mine._deleted || theirs._deleted || changed.some(isLost)) onConflict({ base, mine, theirs });
    if (theirs._deleted) return theirs;
    // A deletion of what others have changed is taken back, and leaves what was typed before it.
    return { ...theirs, ...pick(mine, changed), edited: changed };
  },
});

// Replicates a collection of tasks. `token` is called for each request and each connection; `onRefused` is told what the
// server would not take; `onReset` is called when everything has to be read anew: see `startOver`.
export const replicate = ({ collection, url, identifier, token, onRefused, onReset, ...rest }) => {
  const { socketUrl = `${url.replace(/^http/, "ws")}/graphql`, socket, pulls = true, ...options } = rest;
  const authorized = async (request) => {
    request.headers.set("authorization", `Bearer ${await token()}`);
    return fetch(request);
  };
  return replicateGraphQL({
    collection,
    replicationIdentifier: identifier,
    url: { http: `${url}/graphql`, ws: socketUrl },
    fetch: authorized,
    deletedField: "deleted",
    retryTime: 1000,
    ...options,
    pull: pulls && {
      // RxDB takes a page that isn't full for the last one, so the server must be asked for just this many.
      batchSize: 100,
      queryBuilder: (checkpoint, first) => ({
        query: PULL,
        operationName: "Pull",
        variables: { after: checkpoint?.cursor ?? null, first },
      }),
      // What a stream brings could overtake what a pull is reading, so an event only says that there is something to pull.
      streamQueryBuilder: () => ({ query: STREAM, operationName: "Stream", variables: {} }),
      responseModifier: (page, origin, checkpoint) => {
        if (origin === "stream") return "RESYNC";
        if (page.reset && checkpoint) {
          onReset();
          throw new Error("the replica has to start over");
        }
        return { documents: page.items.map(toDocument), checkpoint: { cursor: page.cursor } };
      },
      wsOptions: {
        connectionParams: async () => ({ headers: { Authorization: `Bearer ${await token()}` } }),
        retryAttempts: Infinity,
        ...socket,
      },
    },
    push: {
      // Whatever the texts are, this many fit into one request.
      batchSize: 20,
      queryBuilder: (rows) => ({
        query: PUSH,
        operationName: "Push",
        variables: {
          changes: rows.map(({ newDocumentState: task, assumedMasterState: base }) => ({
            task: state(task),
            base: base && { ...state({ ...task, deleted: base.deleted }), ...pick(base, task.edited ?? []) },
          })),
        },
      }),
      responseModifier: ({ conflicts, refused }) => {
        for (const refusal of refused) {
          refusals.set(refusal.id, refusal);
          onRefused(refusal);
        }
        return conflicts.map(toDocument);
      },
    },
  });
};

// After a reset: sends what is still to be sent, then forgets everything. What follows is a new collection and a replication
// with a new identifier.
export const startOver = async (replication, options) => {
  await replication.cancel();
  const rest = replicate({ ...options, pulls: false });
  await rest.awaitInSync();
  await rest.remove();
  await options.collection.remove();
};
