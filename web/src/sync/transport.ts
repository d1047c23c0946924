// How a replica talks to the server: what it needs, and that over GraphQL.

import { createClient } from "graphql-ws";
import {
  ChangesDocument,
  LiveDocument,
  type PageFieldsFragment,
  PushDocument,
  type PushMutationVariables,
  RestoreDocument,
  type TypedDocumentString,
} from "../graphql/generated.ts";
import type { Conflict, Fields, Page, Task, Tombstone } from "./model.ts";

/** A change to send: what the task is to be, and what it was when its user changed it. */
export interface Push {
  id: string;
  task: Fields;
  base: Fields | null;
  deleted: boolean;
}

export interface Pushed {
  /** The current states of what was not taken. */
  conflicts: (Task | Tombstone)[];
  refused: { id: string; message: string; invalid: Conflict["invalid"] }[];
}

export interface Transport {
  /** A page of changes after a cursor, or the first of all tasks. */
  changes(after: string | null, signal: AbortSignal): Promise<Page>;
  /** Pages as they happen, until the stream fails or is aborted. */
  live(after: string | null, signal: AbortSignal): AsyncIterable<Page>;
  push(changes: Push[]): Promise<Pushed>;
  /** Restores deleted tasks, all or none. */
  restore(ids: string[]): Promise<Task[]>;
}

/**
 * - `offline`: the server can't be reached, or not now; it is tried again, after `wait` milliseconds if it said so.
 * - `unexpected`: the answer isn't one to this request, but perhaps a proxy's; it is tried again, and its message is shown.
 * - `signedOut`: there is no token; nothing works until there is.
 * - `refused`: the server says that there is something wrong with what was sent.
 */
export class SyncError extends Error {
  constructor(
    readonly kind: "offline" | "unexpected" | "signedOut" | "refused",
    message: string,
    readonly code = "",
    readonly wait = 0,
  ) {
    super(message);
  }
}

/** Gives a token, a new one if the last was refused. Throws a `SyncError` of kind `signedOut` if nobody is signed in. */
export type TokenSource = (renew: boolean) => Promise<string>;

/** The number of changes on a page: its field values are within the server's limit. */
const PAGE = 500;
const REQUEST_TIMEOUT = 20_000;
/** How long a socket may take to open. */
const CONNECT_TIMEOUT = 10_000;
/** How often the socket is pinged, and how long an answer may take. */
const PING = 15_000;
const PONG_TIMEOUT = 5_000;

/** Sends one operation. */
export type Send = <Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
) => Promise<Result>;

const offline = (message: string, wait = 0) => new SyncError("offline", message, "", wait);

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string } }[];
}

const PASSING = ["RATE_LIMITED", "SERVICE_UNAVAILABLE", "TIMEOUT", "INTERNAL_SERVER_ERROR", "BODY_TIMEOUT", "TOO_MANY_STREAMS"];
/** What concerns what was sent, and not how. */
const REFUSING = ["BAD_USER_INPUT", "QUOTA_EXCEEDED", "NOT_FOUND", "ID_TAKEN", "VERSION_CONFLICT", "PAYLOAD_TOO_LARGE"];

/** Operations over HTTP, each with a fresh token if the last one was refused. */
export const sender = (url: string, token: TokenSource): Send => {
  const post = async (body: string, renew: boolean, ending: AbortSignal | undefined) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${await token(renew)}` };
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT);
    const signal = ending ? AbortSignal.any([timeout, ending]) : timeout;
    return fetch(url, { method: "POST", headers, body, signal }).catch((error: Error) => {
      throw offline(error.message);
    });
  };
  return async (document, variables, signal) => {
    const body = JSON.stringify({ query: document.toString(), variables });
    let response = await post(body, false, signal);
    if (response.status === 401) response = await post(body, true, signal);
    const answer = (await response.json().catch(() => ({}))) as Answer;
    const [error] = answer.errors ?? [];
    const code = error?.extensions?.code ?? "";
    const message = error?.message ?? `The server sent an unexpected answer, with status ${response.status}.`;
    if (response.status === 401 || code === "UNAUTHENTICATED") throw new SyncError("signedOut", message, code);
    const wait = Number(response.headers.get("retry-after") ?? 0) * 1000;
    if (response.status === 429 || response.status >= 500 || PASSING.includes(code)) throw offline(message, wait);
    if (error || !answer.data) throw new SyncError(REFUSING.includes(code) ? "refused" : "unexpected", message, code);
    return answer.data as never;
  };
};

const pageOf = ({ items, cursor, hasMore, reset }: PageFieldsFragment): Page => ({
  items: items.map(({ __typename, ...item }) => item as Task | Tombstone),
  cursor,
  hasMore,
  reset,
});

/** The server at this URL, ending with `/graphql`. */
export const graphqlTransport = (url: string, token: TokenSource): Transport => {
  const send = sender(url, token);
  return {
    changes: async (after, signal) => pageOf((await send(ChangesDocument, { after, first: PAGE }, signal)).changes),
    live: (after, signal) => live(url.replace(/^http/, "ws"), token, after, signal),
    push: async (pushes) => {
      const changes: PushMutationVariables["changes"] = pushes.map(({ id, task, base, deleted }) => ({
        task: { id, ...task, deleted },
        ...(base && { base: { id, ...base } }),
      }));
      const { pushTasks } = await send(PushDocument, { changes });
      if (!pushTasks) throw offline("the changes were not applied");
      return {
        conflicts: pushTasks.conflicts.map(({ __typename, ...item }) => item as Task | Tombstone),
        refused: pushTasks.refused.map(({ id, message, fields }) => ({ id, message, invalid: fields })),
      };
    },
    restore: async (ids) => (await send(RestoreDocument, { ids })).restoreTasks?.tasks ?? [],
  };
};

/** Close codes of the server: the token is no longer valid; it has no room or stops, and is tried again a moment later. */
const FORBIDDEN = 4403;

async function* live(url: string, token: TokenSource, after: string | null, signal: AbortSignal): AsyncIterable<Page> {
  // One subscription, on a socket of its own: the loop around this reconnects, from the cursor it has by then.
  let pong: ReturnType<typeof setTimeout> | undefined;
  for (let renew = false; ; renew = true) {
    let isRefused = false;
    let isAccepted = false;
    const accepted = await token(renew);
    const client = createClient({
      url,
      connectionParams: { Authorization: `Bearer ${accepted}` },
      retryAttempts: 0,
      keepAlive: PING,
      on: {
        ping: (received) => {
          if (!received) pong = setTimeout(() => client.terminate(), PONG_TIMEOUT);
        },
        pong: (received) => {
          if (received) clearTimeout(pong);
        },
        closed: (event) => {
          clearTimeout(pong);
          isRefused = (event as CloseEvent).code === FORBIDDEN;
        },
      },
    });
    const stream = client.iterate<{ changes: PageFieldsFragment }>({ query: LiveDocument.toString(), variables: { after } });
    // A network that lets no socket through may not say so.
    const opening = setTimeout(() => client.terminate(), CONNECT_TIMEOUT);
    // What is stopped may be dead: the end of a handshake could not be waited for.
    const stop = () => client.terminate();
    signal.addEventListener("abort", stop, { once: true });
    try {
      for await (const { data, errors } of stream) {
        if (!data) throw offline(errors?.[0]?.message ?? "the stream failed");
        isAccepted = true;
        clearTimeout(opening);
        const page = pageOf(data.changes);
        after = page.cursor;
        yield page;
      }
    } catch (error) {
      if (!isRefused && !signal.aborted) throw error instanceof SyncError ? error : offline("the connection broke");
    } finally {
      signal.removeEventListener("abort", stop);
      clearTimeout(opening);
      clearTimeout(pong);
      void client.dispose();
    }
    if (signal.aborted || !isRefused) return;
    // The token expired while the socket was open, or was refused: again, with a new one.
    if (renew && !isAccepted) throw new SyncError("signedOut", "The token was refused", "UNAUTHENTICATED");
  }
}
