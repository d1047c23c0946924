import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { afterEach } from "node:test";
import type { Fields } from "../../src/sync/model.ts";
import { Replica } from "../../src/sync/replica.ts";
import type { Transport } from "../../src/sync/transport.ts";

let names = 0;
export const fresh = () => `test-${(names += 1)}`;

/** One lock for all tabs of a test, as a browser has it. */
export const makeLocks = () => {
  let last: Promise<unknown> = Promise.resolve();
  const request = (_name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) => {
    const turn = last.then(() => (signal.aborted ? undefined : work()));
    last = turn.catch(() => {});
    return turn;
  };
  return { request } as unknown as LockManager;
};

const opened: Replica[] = [];

export const open = async (
  transport: Transport,
  name = fresh(),
  locks: LockManager | undefined = undefined,
  pause = { first: 1, longest: 4 },
) => {
  const replica = await Replica.open(name, transport, { locks, pause });
  opened.push(replica);
  return replica;
};

afterEach(() => {
  for (const replica of opened.splice(0)) replica.close();
});

const seen = (replica: Replica, id: string) => {
  const view = replica.views.get(id);
  assert.ok(view, `no ${id}`);
  return [view];
};

export const edit = (replica: Replica, id: string, change: Partial<Fields>) => replica.edit(seen(replica, id), change);
export const remove = (replica: Replica, id: string) => replica.remove(seen(replica, id));

export const titles = (replica: Replica) => [...replica.views.values()].map(({ title }) => title).sort();

/** Waits until something is so, which is looked at again whenever there may be a change. */
export const until = async (what: string | (() => string), condition: () => boolean): Promise<void> => {
  for (const end = Date.now() + 20_000; !condition(); ) {
    if (Date.now() > end) assert.fail(`never: ${typeof what === "string" ? what : what()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

export const settled = (replica: Replica) =>
  until("connected, with nothing waiting", () => replica.status.link === "connected" && !replica.status.waiting);
