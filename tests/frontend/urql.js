import assert from "node:assert/strict";
import { TASKS, follow, makeClient } from "./recipes/urql.js";
import { options, play, token, url } from "./support.js";

// The first token is refused.
let asked = 0;
const source = async (isRefused) => ((asked += 1), isRefused || asked > 2 ? token : "an.old.one");
const { client, socket } = makeClient(url, source, options);
let shown;
const watching = client.query(TASKS, {}).subscribe(({ data }) => (shown = data?.tasks));
const following = follow(client);
await play(() => shown);
assert.ok(asked >= 3, "renewed");
watching.unsubscribe();
following.unsubscribe();
await socket.dispose();
