// A server that can be killed, a browser that reaches nothing else, and a ledger of what users were told is kept.

import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Servers run in folders of their own.
const TANDEM = resolve(process.env.TANDEM ?? "");

/** The program of a server in development mode, on a port that it keeps. */
export class Server {
  #dir = mkdtempSync(join(tmpdir(), "tandem-web-"));
  #env = { PATH: process.env.PATH, SHUTDOWN_DELAY: "0s", JWT_LEEWAY: "0s" };
  #process;
  #port = 0;

  async start() {
    const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();
    const options = { cwd: this.#dir, env: this.#env, stdio: ["ignore", "pipe", "pipe"] };
    this.#process = spawn(TANDEM, ["--port", String(this.#port)], options);
    let said = "";
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on("data", (data) => {
        said += data;
        const [, port] = /http:\/\/127\.0\.0\.1:(\d+)\/app/.exec(said) ?? [];
        if (port) resolve(port);
      });
    }
    this.#process.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    this.#port = Number(await promise);
    this.url = `http://127.0.0.1:${this.#port}`;
    return this;
  }

  async kill() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  token(user, ttl = "1h") {
    const args = ["token", "--user", user, "--ttl", ttl];
    return execFileSync(TANDEM, args, { cwd: this.#dir, env: this.#env, encoding: "utf8" }).trim();
  }

  async graphql(user, query, variables = {}) {
    const headers = { authorization: `Bearer ${this.token(user)}`, "content-type": "application/json" };
    const response = await fetch(`${this.url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = await response.json();
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  /** All tasks of a user, as they are in the database. */
  async tasks(user) {
    const all = [];
    for (let after = null, hasMore = true; hasMore; ) {
      const query = `query($after: String) { tasksConnection(first: 1000, after: $after) {
        nodes { id title description completed priority tags due { date time timeZone } version } pageInfo { hasNextPage endCursor } } }`;
      const { tasksConnection: page } = await this.graphql(user, query, { after });
      all.push(...page.nodes);
      after = page.pageInfo.endCursor;
      hasMore = page.pageInfo.hasNextPage;
    }
    return all;
  }

  async create(user, inputs) {
    const query = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
    for (let from = 0; from < inputs.length; from += 100) {
      await this.graphql(user, query, { inputs: inputs.slice(from, from + 100) });
    }
  }
}

const withResolvers = () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });

/** What must not happen on any page. */
export const faults = [];

/** Watches a page: errors in its console, and requests to anybody but the server. A server that is down is no fault. */
const watch = (page, url) => {
  page.on("console", (message) => {
    const isOutage = /net::ERR_|WebSocket connection/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !isOutage) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page: ${error.stack}`));
  const isOwn = (to) => to.startsWith(url) || to.startsWith(url.replace("http", "ws")) || to.startsWith("data:");
  page.on("request", (request) => isOwn(request.url()) || faults.push(`request: ${request.url()}`));
  page.on("websocket", (socket) => isOwn(socket.url()) || faults.push(`socket: ${socket.url()}`));
};

/** A device: a browser profile with the app open. */
export const open = async (browser, server, path, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  return openTab(context, server, path);
};

export const openTab = async (context, server, path) => {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  watch(page, server.url);
  await page.goto(server.url + path);
  return page;
};

/** The parts of the app by the names that docs/FRONTEND.md promises. */
export const app = (root) => {
  const at = (role, name, exact = true) => root.getByRole(role, name === undefined ? {} : { name, exact });
  // What a row has is looked for in the row, not in a pane.
  const page = root.page?.() ?? root;
  const box = (title) => page.getByRole("checkbox", { name: title, exact: true });
  const row = (title) => at("list", "Tasks").getByRole("listitem").filter({ has: box(title) });
  const it = {
    at,
    row,
    rows: at("list", "Tasks").getByRole("listitem"),
    box: (title) => at("checkbox", title),
    status: at("status"),
    offline: at("switch", "Work offline"),
    conflict: at("dialog", "Conflict"),
    list: (name) => root.getByRole("navigation", { name: /^Lists/ }).getByRole("button", { name, exact: true }).click(),
    add: async (title) => {
      await at("textbox", "New task").fill(title);
      await at("textbox", "New task").press("Enter");
      await row(title).waitFor();
    },
    edit: (title) => row(title).getByRole("button", { name: "Edit", exact: true }).click(),
    remove: (title) => row(title).getByRole("button", { name: "Delete", exact: true }).click(),
    rename: async (title, to) => {
      await it.edit(title);
      await at("textbox", "Title").fill(to);
      await at("button", "Save").click();
      await row(to).waitFor();
    },
    says: (text) => it.status.filter({ hasText: text }).waitFor(),
    /** Connected, with nothing waiting. */
    synced: () => it.status.filter({ hasText: /^connected$/ }).waitFor(),
  };
  return it;
};

/** Every edit that the app showed as stored, and what it must have become. */
export class Ledger {
  #entries = [];

  note(user, title, more = {}) {
    this.#entries.push({ user, title, ...more });
  }

  /** An edit that its user gave up, or that another replaced. */
  cross(user, title) {
    this.#entries = this.#entries.filter((entry) => entry.user !== user || entry.title !== title);
  }

  async check(server) {
    const tasks = new Map();
    for (const { user, title, ...more } of this.#entries) {
      if (!tasks.has(user)) tasks.set(user, await server.tasks(user));
      const found = tasks.get(user).filter((task) => task.title === title);
      assert.equal(found.length, 1, `${user} has ${found.length} of “${title}”`);
      for (const [field, value] of Object.entries(more)) assert.deepEqual(found[0][field], value, `${field} of “${title}”`);
    }
    return this.#entries.length;
  }
}

/** Fails on anything that axe finds. */
export const audit = async (page, state) => {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  assert.deepEqual(found, [], state);
  return passes.length;
};
