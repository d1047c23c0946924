// RxDB's own replication against the server: whatever is typed on a device is on all of them in the end, or its user was told.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Device, agree, eventually, graphql, mint, pause, random, served } from "./support.js";

// Asks the test that runs this program for something, and waits until it is done.
const input = createInterface({ input: process.stdin });
const ask = (what) =>
  new Promise((resolve) => {
    input.once("line", resolve);
    console.log(`> ${what}`);
  });

const GAPS = [0, 1, 3, 10, 20, 60];

const scenarios = {
  // A page of changes is full again and again.
  async "more tasks than fit on a page"() {
    const user = "pages";
    const device = await Device.open(user);
    for (let number = 0; number < 250; number += 1) await device.create(`Task ${number}`);
    await agree(user, [device]);
    const late = await Device.open(user);
    const tasks = await agree(user, [device, late]);
    assert.equal(tasks.size, 250);
    return `${tasks.size} tasks`;
  },

  // A task is edited again before the edit before has arrived, while others change its other fields.
  async "bursts of edits"() {
    const user = "bursts";
    const devices = [await Device.open(user), await Device.open(user), await Device.open(user)];
    const id = await devices[0].create("Start");
    await agree(user, devices);
    let count = 0;
    const type = async (device, field, values) => {
      for (const gap of GAPS) {
        for (const value of values) {
          await device.edit(id, { [field]: `${value} after ${gap}` });
          count += 1;
          await pause(gap);
        }
      }
    };
    const words = ["a", "ab", "abc", "abcd"];
    await Promise.all([
      type(devices[0], "title", words),
      type(devices[1], "description", words),
      (async () => {
        for (const priority of ["LOW", "MEDIUM", "HIGH", "URGENT"]) {
          await devices[2].edit(id, { priority });
          await pause(30);
        }
      })(),
    ]);
    const task = (await agree(user, devices)).get(id);
    assert.equal(task.title, "abcd after 60");
    assert.equal(task.description, "abcd after 60");
    assert.equal(task.priority, "URGENT");
    // RxDB may apply a page that it read before its own push, so that the next push has an older base: only a device's own
    // earlier values are ever in its way.
    const fields = ["title", "description", "priority"];
    for (const [index, { conflicts }] of devices.entries()) {
      for (const { base, mine, theirs } of conflicts) {
        const inTheWay = fields.filter((field) => mine[field] !== base[field] && theirs[field] !== base[field]);
        assert.deepEqual(inTheWay, [fields[index]]);
      }
    }
    return `${count + 4} edits`;
  },

  async "edits of one field without a network"() {
    const user = "conflict";
    const [ann, bea] = [await Device.open(user), await Device.open(user)];
    const id = await ann.create("Milk");
    await agree(user, [ann, bea]);
    await Promise.all([ann.disconnect(), bea.disconnect()]);
    await ann.edit(id, { title: "Oat milk", tags: ["shop"] });
    await bea.edit(id, { title: "Two litres of milk", completed: true });
    ann.connect();
    await eventually("Ann's edit arrives", async () => (await served(user))[0].title !== "Oat milk" && "not yet");
    bea.connect();
    const task = (await agree(user, [ann, bea])).get(id);
    assert.equal(task.title, "Two litres of milk");
    assert.deepEqual(task.tags, ["shop"]);
    assert.equal(task.completed, true);
    const [{ mine, theirs }] = bea.conflicts;
    assert.deepEqual([mine.title, theirs.title], ["Two litres of milk", "Oat milk"]);
    return "both texts shown";
  },

  async "a deletion meets an edit"() {
    const user = "deletions";
    const [ann, bea] = [await Device.open(user), await Device.open(user)];
    const edited = await ann.create("Edited first");
    const deleted = await ann.create("Deleted first");
    await agree(user, [ann, bea]);
    await Promise.all([ann.disconnect(), bea.disconnect()]);
    await ann.edit(edited, { title: "Edited in time" });
    await ann.remove(deleted);
    await bea.remove(edited);
    await bea.edit(deleted, { title: "Edited too late" });
    ann.connect();
    await eventually("Ann's changes arrive", async () => {
      const tasks = await served(user);
      return (tasks.length !== 1 || tasks[0].title !== "Edited in time") && "not yet";
    });
    bea.connect();
    const tasks = await agree(user, [ann, bea]);
    assert.deepEqual([...tasks.values()].map(({ title }) => title), ["Edited in time"]);
    const told = bea.conflicts.map(({ mine, theirs }) => [mine._deleted, mine.title, theirs._deleted]);
    assert.deepEqual(told.sort(), [[false, "Edited too late", true], [true, "Edited first", false]].sort());
    return "the edit is kept, the late one is shown";
  },

  async "what the server refuses"() {
    const user = "refused";
    const device = await Device.open(user);
    const good = await device.create("Good");
    await agree(user, [device]);
    await device.disconnect();
    await device.create("x".repeat(201));
    await device.edit(good, { title: "y".repeat(201) });
    await device.create("Also good");
    device.connect();
    const tasks = await agree(user, [device]);
    assert.deepEqual([...tasks.values()].map(({ title }) => title).sort(), ["Also good", "Good"]);
    assert.deepEqual(device.refused.map(({ fields }) => fields.map(({ field }) => field)), [["title"], ["title"]]);
    return device.refused[0].message;
  },

  async "a token that expires"() {
    const user = "expiry";
    let token = mint(user, 2);
    let renewals = 0;
    const device = await Device.open(user, { token: () => token });
    const other = await Device.open(user);
    await device.create("Before");
    await agree(user, [device, other]);
    await eventually("the token is refused", async () => {
      await device.create("Meanwhile");
      return device.errors.length === 0 && "not yet";
    });
    await other.create("From elsewhere");
    token = mint(user);
    renewals += 1;
    const tasks = await agree(user, [device, other]);
    assert.ok([...tasks.values()].some(({ title }) => title === "From elsewhere"));
    return `${tasks.size} tasks, ${device.errors.length} errors, ${renewals} renewal`;
  },

  // Each device has its own field of each task, so nothing it types may be lost, whatever the others and the servers do.
  async "servers and database killed"() {
    const user = "kills";
    const devices = [await Device.open(user), await Device.open(user), await Device.open(user)];
    const fields = ["title", "description", "tags"];
    const last = new Map();
    const deleted = new Set();
    let typed = 0;
    let stop = false;
    const work = async (device, index) => {
      const next = random(index);
      const made = [];
      for (let step = 0; !stop; step += 1) {
        const dice = next();
        if (dice < 0.15) {
          const id = await device.create(`by ${index} at ${step}`);
          made.push(id);
          last.set(id, {});
        } else if (dice < 0.2 && made.length > 3) {
          // Only what nobody else has seen for long, by its maker: an edit may be on its way.
          const id = made.shift();
          deleted.add(id);
          await device.remove(id);
        } else if (dice < 0.25) {
          await device.disconnect();
          await pause(next() * 60);
          device.connect();
        } else {
          const tasks = await device.all();
          const task = tasks[Math.floor(next() * tasks.length)];
          const value = fields[index] === "tags" ? [`tag ${step}`] : `${index} types ${step}`;
          if (task && (await device.edit(task.id, { [fields[index]]: value }))) {
            typed += 1;
            last.set(task.id, { ...last.get(task.id), [fields[index]]: value });
          }
        }
        await pause(GAPS[Math.floor(next() * GAPS.length)]);
      }
    };
    const workers = devices.map(work);
    for (const victim of ["server 0", "database", "server 1", "database", "server 0"]) {
      const before = typed;
      await eventually("they type", async () => typed < before + 40 && `${typed - before} edits`);
      await ask(`kill ${victim}`);
    }
    stop = true;
    await Promise.all(workers);
    const tasks = await agree(user, devices);
    let kept = 0;
    for (const [id, fields] of last) {
      const task = tasks.get(id);
      // A deletion gives way to an edit that was faster.
      if (!task && deleted.has(id)) continue;
      assert.ok(task, `task ${id} is gone`);
      for (const [field, value] of Object.entries(fields)) {
        assert.deepEqual(task[field], value, `${field} of ${id}`);
        kept += 1;
      }
    }
    const errors = devices.reduce((sum, device) => sum + device.errors.length, 0);
    return `${typed} edits of ${last.size} tasks, ${kept} last values kept, ${errors} failed requests`;
  },

  async "a new era of the feed"() {
    const user = "era";
    const device = await Device.open(user);
    await device.create("Before");
    await agree(user, [device]);
    // Only a client with a cursor has to be told.
    await device.replication.awaitInSync();
    await device.disconnect();
    const meanwhile = await device.create("Not sent yet");
    await ask("reset");
    device.connect();
    await eventually("it is told", async () => device.resets === 0 && "not yet");
    await device.startOver();
    const tasks = await agree(user, [device]);
    assert.ok(tasks.has(meanwhile));
    assert.equal(tasks.size, 2);
    return "started over, and sent what was left";
  },

  async "a task comes back from the trash"() {
    const user = "trash";
    const device = await Device.open(user);
    const id = await device.create("Come back");
    await agree(user, [device]);
    await device.remove(id);
    await agree(user, [device]);
    await graphql(user, `mutation ($id: ID!) { restoreTask(id: $id) { id } }`, { id });
    const tasks = await agree(user, [device]);
    assert.equal(tasks.get(id).title, "Come back");
    return "restored everywhere";
  },
};

// graphql-ws rejects a promise of its own when RxDB leaves a socket that can't be opened.
process.on("unhandledRejection", (reason) => {
  if (!["ErrorEvent", "CloseEvent"].includes(reason?.constructor.name)) throw reason;
});

const only = process.argv[2];
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only && !name.includes(only)) continue;
  const started = Date.now();
  console.log(`${name}: ${await scenario()} (${Date.now() - started} ms)`);
  await Device.closeAll();
}
process.exit(0);
