import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fields } from "../../src/sync/model.ts";
import { SyncError } from "../../src/sync/transport.ts";
import { Network, Server, fields } from "./server.ts";
import { edit, fresh, makeLocks, open, remove, settled, titles, until } from "./support.ts";

const pair = async () => {
  const server = new Server();
  const [a, b] = [new Network(server), new Network(server)];
  return { server, a, b, ann: await open(a), ben: await open(b) };
};

test("what is done on one device is seen on the other", async () => {
  const { server, ann, ben } = await pair();
  const id = await ann.create(fields("Milk"));
  assert.deepEqual(titles(ann), ["Milk"], "at once");
  await until("Ben sees it", () => titles(ben).length === 1);
  await edit(ben, id, { completed: true });
  await until("Ann sees it", () => ann.views.get(id)?.completed === true);
  await remove(ann, id);
  await until("it is gone", () => !titles(ben).length && !server.tasks.length);
});

test("what is queued survives a reload and a lost answer, and is sent in order", async () => {
  const server = new Server();
  const network = new Network(server);
  network.isDown = true;
  const name = fresh();
  const first = await open(network, name);
  const id = await first.create(fields("One"));
  await edit(first, id, { title: "Two" });
  await first.create(fields("Other"));
  assert.equal(first.status.waiting, 2, "a change that was not sent joins the one before");
  first.close();

  const second = await open(network, name);
  assert.deepEqual(titles(second), ["Other", "Two"]);
  const push = network.push;
  let lost = 0;
  network.push = async (changes) => {
    await push(changes);
    lost += 1;
    if (lost < 3) throw new SyncError("offline", "the answer is lost");
    return { conflicts: [], refused: [] };
  };
  network.isDown = false;
  second.reconnect();
  await settled(second);
  assert.deepEqual(server.tasks.map(({ title, version }) => [title, version]), [["Two", 1], ["Other", 1]]);
});

test("an edit made while another is being sent is based on it", async () => {
  const { server, a, ann } = await pair();
  const id = await ann.create(fields("v1"));
  await settled(ann);
  const push = a.push;
  let answer = () => {};
  a.push = async (changes) => {
    const pushed = await push(changes);
    await new Promise<void>((resolve) => (answer = resolve));
    return pushed;
  };
  await edit(ann, id, { title: "v2" });
  await until("it is sent", () => server.task(id)?.title === "v2");
  a.push = push;
  await edit(ann, id, { title: "v3" });
  await edit(ann, id, { title: "v4" });
  assert.equal(ann.views.get(id)?.title, "v4");
  answer();
  await settled(ann);
  assert.equal(server.task(id)?.title, "v4");
  assert.deepEqual(ann.conflicts, []);
});

test("an answer that comes after what others made of it changes nothing", async () => {
  const { server, a, ann, ben } = await pair();
  const push = a.push;
  let answer = () => {};
  a.push = async (changes) => {
    const pushed = await push(changes);
    await new Promise<void>((resolve) => (answer = resolve));
    return pushed;
  };
  const id = await ann.create(fields("Short-lived"));
  await until("Ben sees it", () => ben.views.has(id));
  await remove(ben, id);
  await until("it is deleted", () => server.rows.size === 1 && !server.task(id));
  const other = server.set("other", fields("Later"));
  await until("Ann hears of it", () => ann.views.has(other.id));
  answer();
  await settled(ann);
  assert.deepEqual(titles(ann), ["Later"]);
});

test("changes of different fields are merged, and of the same field are a conflict with a choice", async () => {
  for (const keeps of ["mine", "theirs"] as const) {
    const { server, ann, ben } = await pair();
    const id = await ann.create(fields("Title"));
    await until("both have it", () => ben.views.has(id) && !ann.status.waiting);
    await ann.workOffline(true);
    await edit(ann, id, { title: "Ann's", priority: "HIGH" });
    await edit(ben, id, { description: "Ben's text" });
    await settled(ben);
    await ann.workOffline(false);
    await settled(ann);
    assert.deepEqual([ann.conflicts, server.task(id)?.title, server.task(id)?.description], [[], "Ann's", "Ben's text"]);

    await ann.workOffline(true);
    await edit(ann, id, { title: "Ann again", tags: ["mine"] });
    await until("Ben has it", () => ben.views.get(id)?.title === "Ann's");
    await edit(ben, id, { title: "Ben again" });
    await settled(ben);
    await ann.workOffline(false);
    await until("a conflict", () => ann.conflicts.length === 1);
    assert.equal(ann.views.get(id)?.title, "Ann again", "what was typed stays in sight");
    assert.equal(ann.theirs(id)?.title, "Ben again");
    await ann.resolve(id, keeps);
    await settled(ann);
    const kept = keeps === "mine" ? "Ann again" : "Ben again";
    assert.deepEqual([server.task(id)?.title, server.task(id)?.tags], [kept, ["mine"]]);
    await until("both have it", () => ben.views.get(id)?.title === kept);
  }
});

test("what the feed brings between two edits is nobody's edit here", async () => {
  const { server, a, ann } = await pair();
  const id = await ann.create(fields("v1", { description: "d1" }));
  await settled(ann);
  const push = a.push;
  let send = () => {};
  a.push = async (changes) => {
    await new Promise<void>((resolve) => (send = resolve));
    return push(changes);
  };
  const isSending = () => new Promise<void>((resolve) => setImmediate(resolve));
  await edit(ann, id, { title: "v2" });
  await isSending();
  const set = (change: Partial<Fields>) => server.set(id, { ...(server.task(id) as Fields), ...change });
  set({ description: "d2" });
  await until("it is shown", () => ann.views.get(id)?.description === "d2");
  await edit(ann, id, { title: "v3" });
  set({ title: "theirs", description: "d3" });
  await until("it is known", () => ann.theirs(id)?.description === "d3");
  a.push = push;
  await until("a conflict", () => (send(), ann.conflicts.length === 1));
  assert.equal(ann.views.get(id)?.description, "d3");
  await ann.resolve(id, "mine");
  await settled(ann);
  assert.deepEqual([server.task(id)?.title, server.task(id)?.description], ["v3", "d3"]);
});

test("of two tabs that write without a connection, neither replaces what it didn't show", async () => {
  const network = new Network(new Server());
  const { server } = network;
  const [name, locks] = [fresh(), makeLocks()];
  const [first, second] = [await open(network, name, locks), await open(network, name, locks)];
  const id = await first.create(fields("Title"));
  await settled(first);
  await until("both have it", () => second.views.get(id)?.version === 1);
  await first.workOffline(true);
  const seen = second.views.get(id);
  assert.ok(seen);
  await edit(first, id, { description: "typed first" });
  await second.edit([seen], { description: "typed second", tags: ["both"] });
  assert.equal(second.views.get(id)?.description, "typed second");
  await first.workOffline(false);
  await until("a conflict", () => first.conflicts.length === 1);
  assert.deepEqual([first.theirs(id)?.description, first.conflicts[0]?.mine.description], ["typed first", "typed second"]);
  await first.resolve(id, "mine");
  await settled(first);
  assert.deepEqual([server.task(id)?.description, server.task(id)?.tags], ["typed second", ["both"]]);
});

test("a deletion of what is in conflict can be undone, with the conflict", async () => {
  const { server, ann } = await pair();
  const id = await ann.create(fields("Title"));
  await settled(ann);
  await ann.workOffline(true);
  await edit(ann, id, { description: "mine" });
  server.set(id, fields("Title", { description: "theirs" }));
  await ann.workOffline(false);
  await until("a conflict", () => ann.conflicts.length === 1);
  await ann.workOffline(true);
  const was = ann.views.get(id);
  assert.ok(was);
  await ann.remove([was]);
  assert.deepEqual([ann.conflicts.length, ann.views.size, ann.status.waiting], [0, 0, 1]);
  await ann.restore([was]);
  assert.deepEqual([ann.conflicts[0]?.mine.description, ann.theirs(id)?.description, ann.status.waiting], ["mine", "theirs", 0]);
});

test("a deletion against an edit is a conflict on whichever side is later", async () => {
  const { server, ann, ben } = await pair();
  const make = async (title: string) => {
    const id = await ann.create(fields(title));
    await until("both have it", () => ben.views.has(id) && !ann.status.waiting);
    await ann.workOffline(true);
    return id;
  };
  const meet = async () => {
    await settled(ben);
    await ann.workOffline(false);
    await until("a conflict", () => ann.conflicts.length === 1);
  };
  const edited = await make("Edited here");
  await edit(ann, edited, { description: "Don't lose this" });
  await remove(ben, edited);
  await meet();
  assert.equal(ann.conflicts[0]?.reason, "deleted");
  await ann.resolve(edited, "mine");
  await settled(ann);
  assert.deepEqual(server.tasks.map(({ description }) => description), ["Don't lose this"]);

  const deleted = await make("Deleted here");
  await remove(ann, deleted);
  await edit(ben, deleted, { title: "Edited there" });
  await meet();
  assert.equal(ann.views.get(deleted)?.title, "Edited there", "it is there until its user says that it isn't");
  await ann.resolve(deleted, "mine");
  await settled(ann);
  assert.equal(server.task(deleted), null);
});

test("a deletion is undone before and after it was sent", async () => {
  const { server, ann } = await pair();
  const id = await ann.create(fields("Kept"));
  await settled(ann);
  const undo = () => ann.restore([{ id, ...fields("Kept") }]);
  await ann.workOffline(true);
  await remove(ann, id);
  assert.deepEqual(titles(ann), []);
  await undo();
  assert.equal(ann.status.waiting, 0);
  await ann.workOffline(false);
  await settled(ann);
  await remove(ann, id);
  await settled(ann);
  assert.equal(server.task(id), null);
  await ann.workOffline(true);
  await undo();
  assert.deepEqual(titles(ann), ["Kept"], "at once, although only the server can do it");
  await ann.workOffline(false);
  await settled(ann);
  assert.equal(server.task(id)?.version, 3);

  await remove(ann, id);
  await settled(ann);
  delete server.rows.get(id)?.was;
  await undo();
  await until("a choice, as it is no longer in the trash", () => ann.conflicts.length === 1);
  await ann.resolve(id, "mine");
  await settled(ann);
  assert.deepEqual(server.tasks.map(({ title }) => title), ["Kept"]);
});

test("what is refused stays with its message, holds up nothing else, and can be mended", async () => {
  const { server, ann } = await pair();
  const long = "x".repeat(201);
  const id = await ann.create(fields(long));
  await ann.create(fields("Fine"));
  await until("it is refused", () => ann.conflicts.length === 1);
  assert.deepEqual(ann.conflicts[0]?.invalid, [{ field: "title", message: "too long" }]);
  assert.deepEqual(titles(ann), ["Fine", long].sort());
  await edit(ann, id, { title: "Short" });
  await settled(ann);
  assert.deepEqual(server.tasks.map(({ title }) => title).sort(), ["Fine", "Short"]);
});

test("a request that never works is sent in parts, so that it holds up nothing else", async () => {
  const { server, a, ann } = await pair();
  const push = a.push;
  a.push = (changes) => {
    if (changes.some(({ task }) => task.title === "Poison")) throw new SyncError("refused", "what is this?");
    return push(changes);
  };
  await ann.workOffline(true);
  for (const title of ["One", "Poison", "Two"]) await ann.create(fields(title));
  await ann.workOffline(false);
  await until("a message", () => ann.conflicts[0]?.message === "what is this?");
  await settled(ann);
  assert.deepEqual(server.tasks.map(({ title }) => title), ["One", "Two"]);
});

test("what a quota refuses, tasks from the trash, too, is sent again when its user says so", async () => {
  const { server, a, ann } = await pair();
  const id = await ann.create(fields("Deleted"));
  await settled(ann);
  await remove(ann, id);
  await settled(ann);
  const { push, restore } = a;
  const refuse = () => Promise.reject(new SyncError("refused", "too many tasks", "QUOTA_EXCEEDED"));
  Object.assign(a, { push: refuse, restore: refuse });
  await ann.restore([{ id, ...fields("Deleted") }]);
  await edit(ann, id, { tags: ["back"] });
  const other = await ann.create(fields("New"));
  await until("both are refused", () => ann.conflicts.length === 2);
  assert.deepEqual(ann.conflicts.map(({ reason, message }) => [reason, message]), Array(2).fill(["refused", "too many tasks"]));
  assert.deepEqual(titles(ann), ["Deleted", "New"]);
  Object.assign(a, { push, restore });
  for (const refused of [id, other]) await ann.retry(refused);
  await settled(ann);
  assert.deepEqual([titles(ann), server.task(id)?.tags, ann.conflicts], [["Deleted", "New"], ["back"], []]);
});

test("changes are sent and received where no stream gets through", async () => {
  const { server, a, ben } = await pair();
  a.live = async function* () {
    throw new SyncError("offline", "no sockets here");
  };
  const ann = await open(a);
  const id = await ann.create(fields("Sent"));
  await until("it arrives", () => ben.views.has(id));
  await edit(ben, id, { title: "Received" });
  await until("it comes", () => ann.views.get(id)?.title === "Received");
  assert.equal(ann.status.link, "catching up");
  assert.equal(server.task(id)?.version, 2);
});

test("reconnecting ends a request that hangs", async () => {
  const network = new Network(new Server());
  const { changes } = network;
  let isHanging = false;
  network.changes = (_after, signal) => {
    isHanging = true;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new SyncError("offline", "ended"))));
  };
  const replica = await open(network);
  await until("it hangs", () => isHanging);
  network.changes = changes;
  replica.reconnect();
  await settled(replica);
});

test("a new era of the feed replaces the replica without emptying what is shown, and keeps what waits", async () => {
  const { server, ann } = await pair();
  for (const title of ["a", "b", "c", "d", "e"]) await ann.create(fields(title));
  await settled(ann);
  await ann.workOffline(true);
  const [first] = server.tasks;
  server.rows.delete(server.tasks[4]?.id ?? "");
  server.era = 2;
  await edit(ann, first?.id ?? "", { title: "A" });
  let fewest = 5;
  ann.subscribe(() => (fewest = Math.min(fewest, ann.views.size)));
  await ann.workOffline(false);
  await settled(ann);
  assert.deepEqual([titles(ann), fewest], [["A", "b", "c", "d"], 4]);
});

test("of two tabs one talks to the server, and both show and change the same", async () => {
  const server = new Server();
  const network = new Network(server);
  let streams = 0;
  const live = network.live.bind(network);
  network.live = (after, signal) => ((streams += 1), live(after, signal));
  const [name, locks] = [fresh(), makeLocks()];
  const [first, second] = [await open(network, name, locks), await open(network, name, locks)];
  const id = await second.create(fields("From the second tab"));
  await until("it is sent", () => server.task(id) !== null);
  await until("both show it", () => titles(first).length === 1 && second.status.waiting === 0);
  await until("both know the connection", () => second.status.link === "connected");
  await Promise.all([edit(first, id, { title: "First" }), edit(second, id, { priority: "LOW" })]);
  await settled(first);
  assert.deepEqual([server.task(id)?.title, server.task(id)?.priority, streams], ["First", "LOW", 1]);
  await second.workOffline(true);
  await until("the other tab knows", () => first.status.worksOffline);
  await second.workOffline(false);

  first.close();
  await edit(second, id, { title: "Led by the second" });
  await until("the second leads", () => server.task(id)?.title === "Led by the second");
});

test("a tab that can connect gets its turn, whichever leads", async () => {
  const server = new Server();
  const [name, locks] = [fresh(), makeLocks()];
  const [one, two] = [new Network(server), new Network(server)];
  const { changes } = two;
  one.changes = two.changes = () => Promise.reject(new SyncError("signedOut", "sign in"));
  const slow = { first: 60_000, longest: 60_000 };
  const [first, second] = [await open(one, name, locks, slow), await open(two, name, locks, slow)];
  await until("both say so", () => [first, second].every(({ status }) => status.problem?.kind === "signedOut"));
  two.changes = changes;
  // The second has a token now, and asks until it leads.
  second.reconnect();
  await settled(second);
  await until("both are connected", () => first.status.link === "connected");
  two.isDown = true;
  two.cut();
  await until("offline", () => first.status.link === "offline");
  two.isDown = false;
  first.reconnect();
  await settled(first);
});

test("the server's problems are shown, and over when they are over", async () => {
  const server = new Server();
  const network = new Network(server);
  const changes = network.changes;
  network.changes = () => Promise.reject(new SyncError("signedOut", "sign in"));
  const replica = await open(network);
  await until("it is said", () => replica.status.problem?.kind === "signedOut" && replica.status.link === "offline");
  network.changes = changes;
  await settled(replica);
  assert.equal(replica.status.problem, null);
  network.isDown = true;
  network.cut();
  await until("offline", () => replica.status.link === "offline");
  network.isDown = false;
  replica.reconnect();
  await settled(replica);
});
