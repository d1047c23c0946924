// A reader of REST's event stream, as an EventSource would be: it goes on behind the last event's id.

import assert from "node:assert/strict";
import { follow } from "../snippets/live-fetch.js";
import { Replica, play, token, url } from "./support.js";

const replica = new Replica();
const realFetch = globalThis.fetch;
const resumed = [];
let cut;
let away = Promise.resolve();
globalThis.fetch = async (input, init) => {
  if (init?.headers?.accept !== "text/event-stream") return realFetch(input, init);
  await away;
  resumed.push(init.headers["last-event-id"]);
  const response = await realFetch(input, init);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  const broken = new TransformStream({ start: (controller) => (cut = () => controller.error(new Error("cut"))) });
  return new Response(response.body.pipeThrough(broken), response);
};
const end = new AbortController();
const following = follow(url, () => token, undefined, replica.applyRest, end.signal);
await play(replica, async (change) => {
  let back;
  away = new Promise((resolve) => (back = resolve));
  cut();
  await change();
  back();
});
assert.equal(resumed.length, 2);
assert.ok(replica.cursors.includes(resumed[1]), "it went on where it was");
end.abort();
await following;
