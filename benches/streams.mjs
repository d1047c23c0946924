// Measures what open subscriptions cost: docs/PERFORMANCE.md has the figures. `benches/streams` starts it.

import { execFileSync } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

// A dependency of the tests' clients.
const { WebSocket } = createRequire(new URL("../tests/graphql/", import.meta.url))("ws");

const { values: settings } = parseArgs({
  options: {
    server: { type: "string" },
    other: { type: "string" },
    pid: { type: "string" },
    postmaster: { type: "string" },
    secret: { type: "string" },
    streams: { type: "string", default: "10000" },
    changes: { type: "string", default: "300" },
  },
});
const COUNT = Number(settings.streams);
const CHANGES = Number(settings.changes);
// Sockets opened at a time: fewer than fit into the kernel's accept queue.
const AT_A_TIME = 200;
// Longer than the server pauses between two polls, so that changes don't follow them.
const MAX_PAUSE_MS = 2000;
const REST_SECONDS = 30;
const SUBSCRIPTION = "subscription($after: String) { changes(after: $after) { items { ... on Task { title } } cursor } }";

const base64 = (text) => Buffer.from(text).toString("base64url");

const token = (user) => {
  const claims = { sub: user, exp: Math.floor(Date.now() / 1000) + 3600 };
  const message = `${base64(JSON.stringify({ alg: "HS256" }))}.${base64(JSON.stringify(claims))}`;
  return `${message}.${createHmac("sha256", settings.secret).update(message).digest("base64url")}`;
};

const residentMib = () => {
  const status = readFileSync(`/proc/${settings.pid}/status`, "utf8").split("\n");
  return Number(status.find((line) => line.startsWith("VmRSS:")).split(/\s+/)[1]) / 1024;
};

// The fields of /proc/*/stat that follow the name.
const stat = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"]));

// Seconds of CPU time so far.
const cpu = (pid = settings.pid) => {
  const fields = stat(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};

// Of all open connections to the database.
const databaseCpu = () => {
  const isBackend = (pid) => {
    try {
      return stat(pid)[1] === settings.postmaster;
    } catch {
      return false;
    }
  };
  const backends = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isBackend(name));
  return backends.map((pid) => cpu(pid)).reduce((sum, seconds) => sum + seconds, 0);
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A user's subscription, once its first event has arrived.
const subscribe = (server, user, onNext = () => {}) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${server.replace("http", "ws")}/graphql`, "graphql-transport-ws", {
      perMessageDeflate: false,
    });
    const send = (message) => socket.send(JSON.stringify(message));
    const failed = (why) => reject(new Error(`${user}: ${why}`));
    socket.on("open", () => send({ type: "connection_init", payload: { token: token(user) } }));
    socket.on("error", (error) => failed(error.message));
    socket.on("close", (code) => failed(`closed with ${code}`));
    socket.on("message", (text) => {
      const { type, payload } = JSON.parse(text);
      if (type === "connection_ack") send({ id: "1", type: "subscribe", payload: { query: SUBSCRIPTION } });
      if (type === "error") failed(text);
      if (type === "next") {
        onNext(payload.data.changes);
        resolve(socket);
      }
    });
  });

const subscribeAll = async (server) => {
  const sockets = [];
  let next = 0;
  const worker = async () => {
    while (next < COUNT) sockets.push(await subscribe(server, `user-${next++}`));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return sockets;
};

const closeAll = async (sockets) => {
  for (const socket of sockets) socket.terminate();
  await pause(2000);
};

const create = async (server, user, title) => {
  const headers = { authorization: `Bearer ${token(user)}`, "content-type": "application/json" };
  const response = await fetch(`${server}/api/tasks`, { method: "POST", headers, body: JSON.stringify({ title }) });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
};

// The time from before a change is requested, of this server, to the arrival of its event. `rest` is the longest pause between
// two changes, in milliseconds.
const latency = async (server, rest) => {
  const arrived = new Map();
  const socket = await subscribe(settings.server, "user-0", ({ items }) => {
    for (const { title } of items) arrived.get(title)?.(performance.now());
  });
  const times = [];
  for (let change = 0; change < CHANGES; change += 1) {
    const title = randomUUID();
    const arrival = new Promise((resolve) => arrived.set(title, resolve));
    const start = performance.now();
    await create(server, "user-0", title);
    times.push((await arrival) - start);
    await pause(Math.random() * rest);
  }
  socket.terminate();
  times.sort((a, b) => a - b);
  return `p50 ${times[Math.floor(CHANGES * 0.5)].toFixed(1)} ms, p99 ${times[Math.floor(CHANGES * 0.99)].toFixed(1)} ms`;
};

const report = (what, figure) => console.log(`${what.padEnd(46)} ${figure}`);

// What is allocated only once is allocated before anything is measured.
await create(settings.server, "user-0", "first");
(await subscribe(settings.server, "user-0")).terminate();
await pause(1000);
const base = residentMib();

let start = performance.now();
let sockets = await subscribeAll(settings.server);
report(`${COUNT} subscriptions, ${AT_A_TIME} at a time`, `${((performance.now() - start) / 1000).toFixed(1)} s`);
await pause(5000);
const open = residentMib();
report("Resident memory before, and over that", `${base.toFixed(1)} MiB, ${(open - base).toFixed(1)} MiB`);
report("  for one of them", `${(((open - base) * 1024) / COUNT).toFixed(2)} KiB`);

const [before, databaseBefore] = [cpu(), databaseCpu()];
await pause(REST_SECONDS * 1000);
const percent = (seconds) => `${((seconds / REST_SECONDS) * 100).toFixed(1)} %`;
report("CPU at rest, of one core", `${percent(cpu() - before)}, the database's ${percent(databaseCpu() - databaseBefore)}`);

report("A change on the same instance", await latency(settings.server, 20));
if (settings.other) report("A change on another instance", await latency(settings.other, MAX_PAUSE_MS));

for (const socket of sockets) {
  socket.removeAllListeners("close");
  socket.on("error", () => {});
}
start = performance.now();
const storm = cpu();
for (const socket of sockets) socket.terminate();
sockets = await subscribeAll(settings.server);
const took = (performance.now() - start) / 1000;
report("All cut, and connected again without an error", `${took.toFixed(1)} s, ${(cpu() - storm).toFixed(1)} s of CPU time`);
await pause(5000);
report("Resident memory after that, over the first", `${(residentMib() - base).toFixed(1)} MiB`);
await closeAll(sockets);
process.exit(0);
