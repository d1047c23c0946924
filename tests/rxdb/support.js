// Devices of one user, each with a database of its own, and what they must agree on.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { conflictHandler, rememberEdits, replicate, startOver, taskSchema } from "./replicate.js";

const { TANDEM_SECRET, TANDEM_URLS } = process.env;
const urls = TANDEM_URLS.split(" ");

const base64 = (value) => Buffer.from(value).toString("base64url");

// A token of this user that is valid for so many seconds.
export const mint = (user, seconds = 3600) => {
  const now = Math.floor(Date.now() / 1000);
  const head = base64(JSON.stringify({ alg: "HS256", typ: "JWT" }));
  const claims = base64(JSON.stringify({ sub: user, iat: now, exp: now + seconds }));
  const signature = createHmac("sha256", TANDEM_SECRET).update(`${head}.${claims}`).digest("base64url");
  return `${head}.${claims}.${signature}`;
};

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const eventually = async (what, check) => {
  const until = Date.now() + 60_000;
  for (;;) {
    const difference = await check();
    if (!difference) return;
    assert.ok(Date.now() < until, `${what}: ${difference}`);
    await pause(20);
  }
};

export class Device {
  conflicts = [];
  refused = [];
  errors = [];
  resets = 0;
  #generation = 0;

  // Each device talks to the next server.
  static #count = 0;
  number = Device.#count++;

  constructor(user, { token = () => mint(user) } = {}) {
    this.user = user;
    this.token = token;
    this.url = urls[this.number % urls.length];
  }

  static all = new Set();

  static async open(user, options) {
    const device = new Device(user, options);
    Device.all.add(device);
    device.db = await createRxDatabase({ name: randomUUID(), storage: getRxStorageMemory(), multiInstance: false });
    await device.addCollection();
    device.connect();
    return device;
  }

  // RxDB's free version has at most 16 collections open.
  static async closeAll() {
    for (const device of Device.all) {
      await device.disconnect();
      await device.db.close();
    }
    Device.all.clear();
  }

  async addCollection() {
    const handler = conflictHandler((conflict) => this.conflicts.push(conflict));
    const { tasks } = await this.db.addCollections({ tasks: { schema: taskSchema, conflictHandler: handler } });
    rememberEdits(tasks);
    this.tasks = tasks;
    this.#generation += 1;
  }

  options() {
    return {
      collection: this.tasks,
      url: this.url,
      identifier: `tasks-of-${this.user}-${this.number}-${this.#generation}`,
      token: this.token,
      onRefused: (refusal) => this.refused.push(refusal),
      onReset: () => (this.resets += 1),
      waitForLeadership: false,
      retryTime: 100,
      // RxDB shares a socket among the replications of one page that have one address; these stand for several devices.
      socketUrl: `${this.url.replace(/^http/, "ws")}/graphql?device=${this.number}`,
      socket: { retryWait: () => pause(50) },
    };
  }

  connect() {
    this.replication = replicate(this.options());
    this.replication.error$.subscribe((error) => this.errors.push(error));
  }

  async disconnect() {
    await this.replication.cancel();
  }

  async startOver() {
    await startOver(this.replication, this.options());
    await this.addCollection();
    this.connect();
  }

  async create(title, fields = {}) {
    const id = randomUUID();
    await this.tasks.insert({ id, title, completed: false, priority: "NONE", tags: [], ...fields });
    return id;
  }

  async edit(id, fields) {
    const task = await this.tasks.findOne(id).exec();
    if (!task) return false;
    await task.incrementalPatch(fields);
    return true;
  }

  async remove(id) {
    const task = await this.tasks.findOne(id).exec();
    await task?.incrementalRemove();
  }

  async all() {
    return (await this.tasks.find().exec()).map((task) => task.toMutableJSON());
  }
}

const FIELDS =
  "id title description completed priority due { date time timeZone } tags createdAt updatedAt completedAt";

export const graphql = async (user, query, variables = {}) => {
  const response = await fetch(`${urls[0]}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${mint(user)}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.ok(!errors, JSON.stringify(errors));
  return data;
};

// What the server has, by id.
export const served = async (user) => (await graphql(user, `{ tasks(limit: 1000) { ${FIELDS} } }`)).tasks;

// What users set. What the server adds can be missing on a device whose first push was lost on the way back: RxDB takes what it
// has pushed for what the server has, until the task changes again.
const SET = ["id", "title", "description", "completed", "priority", "due", "tags"];

const inOrder = (tasks) =>
  JSON.stringify(
    tasks
      .map((task) => Object.fromEntries(SET.map((field) => [field, task[field] ?? null])))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  );

// Waits until these devices and the server have the same tasks and nothing is left to send, and returns the tasks.
export const agree = async (user, devices) => {
  let tasks;
  await eventually("they agree", async () => {
    tasks = await served(user).catch((error) => error);
    if (tasks instanceof Error) return tasks.message;
    const expected = inOrder(tasks);
    for (const device of devices) {
      const actual = inOrder(await device.all());
      if (actual !== expected) {
        return `device ${device.number} has ${actual}, the server ${expected}; last error: ${device.errors.at(-1)}`;
      }
    }
    return "";
  });
  return new Map(tasks.map((task) => [task.id, task]));
};

// Random numbers that are the same in each run.
export const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
