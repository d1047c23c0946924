export type { Conflict, Due, Field, Fields, Priority, Task, View } from "./model.ts";
export { FIELDS, differing, fieldsOf, isSame, merge } from "./model.ts";
export { type Link, type Options, type Problem, Replica, type Status } from "./replica.ts";
export { type Send, SyncError, type TokenSource, type Transport, graphqlTransport, sender } from "./transport.ts";
