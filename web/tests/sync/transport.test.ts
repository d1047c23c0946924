import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { SyncError, graphqlTransport } from "../../src/sync/transport.ts";

const { fetch, WebSocket } = globalThis;
afterEach(() => {
  Object.assign(globalThis, { fetch, WebSocket });
  mock.timers.reset();
});

const transport = graphqlTransport("https://api.test/graphql", async () => "token");
const refusal = (code: string) => Response.json({ errors: [{ message: "why", extensions: { code } }] });

test("only what the server says about a change refuses it", async () => {
  const kinds = {
    refused: [refusal("BAD_USER_INPUT"), refusal("QUOTA_EXCEEDED")],
    unexpected: [
      new Response("<h1>Forbidden</h1>", { status: 403 }),
      new Response("", { status: 413 }),
      new Response("<h1>Sign in to this network</h1>"),
      refusal("GRAPHQL_VALIDATION_FAILED"),
    ],
    offline: [refusal("RATE_LIMITED"), new Response("", { status: 502 })],
  };
  for (const [kind, answers] of Object.entries(kinds)) {
    for (const answer of answers) {
      globalThis.fetch = async () => answer;
      await assert.rejects(transport.push([]), (error) => error instanceof SyncError && error.kind === kind && error.message !== "");
    }
  }
});

test("a socket that never opens is given up", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let isMade = () => {};
  const made = new Promise<void>((resolve) => (isMade = resolve));
  class Silent {
    static readonly OPEN = 1;
    static readonly CONNECTING = 0;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readyState = 0;
    constructor() {
      isMade();
    }
    close() {}
  }
  Object.assign(globalThis, { WebSocket: Silent });
  const stream = transport.live(null, new AbortController().signal)[Symbol.asyncIterator]();
  const ended = assert.rejects(stream.next(), (error) => error instanceof SyncError && error.kind === "offline");
  await made;
  mock.timers.tick(10_000);
  await ended;
});
