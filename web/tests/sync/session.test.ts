import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { fromCookie, fromLastVisit, isOtherUser } from "../../src/app/session.ts";

const stored = new Map<string, string>();
Object.assign(globalThis, {
  localStorage: {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  },
});

const { fetch } = globalThis;
afterEach(() => {
  globalThis.fetch = fetch;
  stored.clear();
});

/** What the server of tokens answers with. */
const answer = (sub: string) => {
  const payload = Buffer.from(JSON.stringify({ sub, exp: 4e9 })).toString("base64url");
  globalThis.fetch = async () => Response.json({ token: `e30.${payload}.` });
};

test("a session takes no token of another user, and signing in opens theirs", async () => {
  answer("ann");
  const session = await fromCookie("https://auth.test/token");
  assert.equal(session.user, "ann");
  answer("ben");
  await assert.rejects(session.token(true), isOtherUser);
  const last = fromLastVisit("https://auth.test/token");
  assert.equal(last?.user, "ann", "her tasks are there before anybody answers");
  await assert.rejects(last?.token(false) ?? Promise.resolve(), isOtherUser);
  assert.equal((await fromCookie("https://auth.test/token")).user, "ben");
  answer("ann");
  await session.token(false);
});
