import assert from "node:assert/strict";
import { tokens } from "./recipes/tokens.js";

let minted = 0;
let isSignedIn = true;
const mint = (lifetime) => ["{}", JSON.stringify({ exp: Date.now() / 1000 + lifetime, n: (minted += 1) }), ""].map(btoa).join(".");
let lifetime = 900;
const server = async (url, { credentials }) => {
  assert.deepEqual([url, credentials], ["https://app.example.com/api/auth/token", "include"]);
  return isSignedIn ? Response.json({ token: mint(lifetime) }) : new Response("", { status: 401 });
};
const token = tokens("https://app.example.com/api/auth", server);
const [first, second] = await Promise.all([token(), token()]);
assert.deepEqual([first === second, minted], [true, 1], "asked for once");
assert.equal(await token(), first, "and kept");
lifetime = 10;
assert.notEqual(await token(true), first, "a new one after a refusal");
await token();
assert.equal(minted, 3, "and before its end");
isSignedIn = false;
await assert.rejects(token(true), /signed out/);
