// One user's tasks in memory: what the server does with them, done again in the plainest way. New ids and times, which
// only the server knows, are marks that stand for them; see compare.js.

import { GraphQLError } from "graphql";

const MAX_MANY = 100;
const MAX_PAGE = 1000;
const HYPHENATED = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
const UUID = new RegExp(`^(?:urn:uuid:${HYPHENATED}|\\{${HYPHENATED}\\}|${HYPHENATED}|[0-9a-f]{32})$`, "i");
const BLANK = /^\p{White_Space}*$/u;
const CONTROL = /\p{Cc}/u;
const MAX_TAGS = 20;
const PRIORITIES = ["NONE", "LOW", "MEDIUM", "HIGH", "URGENT"];
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]/u;

export class Tasks {
  #cursors;
  #marks = 0;

  /** `cursors` tells the cursor of a task in a sort: the server's own, which only it can make. */
  constructor(rows, cursors) {
    this.rows = structuredClone(rows);
    /** The ids of deleted tasks. */
    this.deleted = new Set();
    /** What deleted tasks said, newest last. */
    this.trash = [];
    this.#cursors = cursors;
    /** How often the database was asked, as one transaction each. */
    this.transactions = 0;
  }

  counts(isWanted = () => true) {
    this.transactions += 1;
    const pending = this.rows.filter((row) => !row.completed && isWanted(row)).length;
    const completed = this.rows.filter((row) => row.completed && isWanted(row)).length;
    return { all: pending + completed, pending, completed };
  }

  tags(limit) {
    size(limit, 1);
    this.transactions += 1;
    const found = new Map();
    for (const { tags, completed } of this.rows) {
      for (const name of tags) {
        const tag = found.get(fold(name)) ?? { name, pending: 0, total: 0 };
        const least = name < tag.name ? name : tag.name;
        found.set(fold(name), { name: least, pending: tag.pending + Number(!completed), total: tag.total + 1 });
      }
    }
    const byUse = ([key, tag], [otherKey, other]) => other.total - tag.total || (key < otherKey ? -1 : 1);
    return [...found].sort(byUse).slice(0, limit ?? 100).map(([, tag]) => tag);
  }

  find(id) {
    this.transactions += 1;
    return this.rows.find((row) => row.id === id);
  }

  list({ status, sort, limit, ...selection }) {
    const isWanted = selected(selection);
    size(limit, 1);
    this.transactions += 1;
    return this.#sorted(status, sort, isWanted).slice(0, limit ?? MAX_PAGE);
  }

  /** Read when something of the page is asked for; `show` makes an answer of a row. */
  connection({ status, sort, first, after, last, before, ...selection }, show) {
    const wanted = selected(selection);
    const hashed = hashedParts(status, selection);
    const [start, end] = [this.#place(after, sort, hashed), this.#place(before, sort, hashed)];
    if (first != null && last != null) throw badInput("first and last");
    size(first, 0);
    size(last, 0);
    const order = compareBy(sort);
    const inside = this.#sorted(status, sort, wanted).filter(
      (row) => (!start || order(row, start) > 0) && (!end || order(row, end) < 0),
    );
    const length = Math.min(inside.length, last ?? first ?? MAX_PAGE);
    const page = last == null ? inside.slice(0, length) : inside.slice(inside.length - length);
    const goesOn = inside.length > length;
    const edges = page.map((row) => ({ cursor: this.#cursors.of(sort, row.id, hashed), node: show(row) }));
    const pageInfo = {
      hasNextPage: before != null || (goesOn && last == null),
      hasPreviousPage: after != null || (goesOn && last != null),
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    };
    let isRead = false;
    const reading = (value) => () => {
      this.transactions += isRead ? 0 : 1;
      isRead = true;
      return value;
    };
    const isWhole = !pageInfo.hasNextPage && !pageInfo.hasPreviousPage;
    const totalCount = async () => {
      // The other fields come first: what they read may be the whole list, and needs no counting.
      await undefined;
      return isRead && isWhole ? page.length : this.#total(status, wanted);
    };
    return { edges: reading(edges), nodes: reading(page.map(show)), pageInfo: reading(pageInfo), totalCount };
  }

  createMany(inputs) {
    const fields = inputs.map((input) => {
      checkText(input);
      const id = input.id == null ? undefined : newId(input.id);
      return { id, priority: input.priority ?? "NONE", due: due(input.due), tags: tags(input.tags) };
    });
    if (inputs.length > MAX_MANY) throw badInput("too many");
    const ids = fields.map(({ id }) => id).filter((id) => id !== undefined);
    if (new Set(ids).size < ids.length) throw badInput("an id twice");
    if (inputs.length === 0) return [];
    this.transactions += 1;
    const known = ids.map((id) => this.rows.find((row) => row.id === id));
    const now = this.#mark("time");
    const created = inputs.map(({ title, description, completed }, index) => ({
      id: undefined,
      title,
      description: description ?? null,
      completed: completed ?? false,
      ...fields[index],
      version: 1,
      created_at: now,
      updated_at: now,
      completed_at: completed ? now : null,
    }));
    const says = (row) => JSON.stringify([row.title, row.description, row.completed, row.priority, row.due, row.tags]);
    const isTaken = (task) => {
      const row = known.find((one) => one?.id === task.id && task.id !== undefined);
      return row ? says(row) !== says(task) : this.deleted.has(task.id);
    };
    if (created.some(isTaken)) throw failure("ID_TAKEN", "taken");
    const all = created.map((task) => known.find((one) => one?.id === task.id) ?? task);
    for (const task of all.filter((one) => !known.includes(one))) {
      task.id ??= this.#mark("id");
      this.rows.push(task);
    }
    return structuredClone(all);
  }

  update(id, { title, description, completed, ...input }, expected) {
    if (title === null || completed === null) throw badInput("can't be cleared");
    if (title !== undefined) checkText({ title });
    checkText({ description });
    const changes = {
      title,
      description,
      completed,
      priority: input.priority === null ? "NONE" : input.priority,
      due: input.due === undefined ? undefined : due(input.due),
      tags: input.tags === undefined ? undefined : tags(input.tags),
    };
    if (Object.values(changes).every((value) => value === undefined)) throw badInput("nothing");
    return this.#change(id, expected, (row) => {
      Object.entries(changes).forEach(([key, value]) => value !== undefined && (row[key] = value));
      return true;
    });
  }

  setCompleted(id, completed) {
    return this.#change(id, undefined, (row) => {
      const isChange = row.completed !== completed;
      row.completed = completed;
      return isChange;
    });
  }

  toggle(id) {
    return this.#change(id, undefined, (row) => {
      row.completed = !row.completed;
      return true;
    });
  }

  delete(id, expected) {
    const { version } = this.#change(id, expected, () => false);
    const [{ deletedAt }] = this.#bury((row) => row.id === id);
    return { id, version: version + 1, deletedAt };
  }

  completeMany(ids) {
    const rows = this.#allOf(ids);
    rows.filter((row) => !row.completed).forEach((row) => this.#complete(row));
    return summary(rows);
  }

  deleteMany(ids) {
    const rows = this.#allOf(ids);
    this.#bury((row) => rows.includes(row));
    return { count: rows.length, ids: rows.map((row) => row.id) };
  }

  /** Of a request that only reads: nothing was deleted yet, and no cursor is of the trash. */
  trashed({ first, after, search }) {
    text("search", search, 200, CONTROL);
    size(first, 0);
    if (after != null) throw badInput("cursor");
    let isRead = false;
    const reading = (value) => () => {
      this.transactions += isRead ? 0 : 1;
      isRead = true;
      return value;
    };
    const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null };
    const totalCount = async () => {
      await undefined;
      this.transactions += isRead ? 0 : 1;
      return 0;
    };
    return { edges: reading([]), nodes: reading([]), pageInfo: reading(pageInfo), totalCount };
  }

  restore(id, expected) {
    this.transactions += 1;
    const row = this.rows.find((one) => one.id === id);
    if (row) return structuredClone(row);
    const trashed = this.trash.find((one) => one.row.id === id);
    if (expected != null && trashed?.row.version !== expected - 1) this.transactions += 1;
    if (!trashed) throw notFound();
    if (expected != null && trashed.row.version !== expected - 1) throw failure("VERSION_CONFLICT", "conflict");
    return structuredClone(this.#unearth([id])[0]);
  }

  restoreMany(ids) {
    const distinct = [...new Set(ids)];
    if (ids.length > MAX_MANY) throw badInput("too many");
    if (ids.length > 0) this.transactions += 1;
    const isThere = (id) => this.rows.some((row) => row.id === id) || this.trash.some(({ row }) => row.id === id);
    if (!distinct.every(isThere)) throw notFound();
    this.#unearth(distinct);
    return summary(this.rows.filter((row) => distinct.includes(row.id)));
  }

  purge(id) {
    this.transactions += 1;
    const trashed = this.trash.find(({ row }) => row.id === id);
    if (!trashed) throw notFound();
    this.trash = this.trash.filter((one) => one !== trashed);
    return { id, version: trashed.row.version + 1, deletedAt: trashed.deletedAt };
  }

  emptyTrash() {
    this.transactions += 1;
    const count = this.trash.length;
    this.trash = [];
    return { count };
  }

  completeAll() {
    this.transactions += 1;
    const rows = this.rows.filter((row) => !row.completed);
    rows.forEach((row) => this.#complete(row));
    return summary(rows);
  }

  clearCompleted() {
    this.transactions += 1;
    const ids = this.#sorted("COMPLETED", "CREATED_ASC", () => true).map((row) => row.id);
    this.#bury((row) => row.completed);
    return { count: ids.length, ids };
  }

  #bury(isGone) {
    const deletedAt = this.#mark("time");
    const buried = this.rows.filter(isGone).map((row) => ({ row, deletedAt }));
    this.rows = this.rows.filter((row) => !isGone(row));
    this.trash.push(...buried);
    buried.forEach(({ row }) => this.deleted.add(row.id));
    return buried;
  }

  #unearth(ids) {
    const found = this.trash.filter(({ row }) => ids.includes(row.id));
    this.trash = this.trash.filter((one) => !found.includes(one));
    ids.forEach((id) => this.deleted.delete(id));
    const now = this.#mark("time");
    const restored = found.map(({ row }) => ({ ...row, version: row.version + 2, updated_at: now }));
    this.rows = [...this.rows, ...restored].sort(compareBy("CREATED_ASC"));
    return restored;
  }

  #total(status, isWanted) {
    return this.counts(isWanted)[status === "ALL" ? "all" : status.toLowerCase()];
  }

  #mark(kind) {
    this.#marks += 1;
    return `~${kind}:${String(this.#marks).padStart(4, "0")}`;
  }

  #sorted(status, sort, isWanted) {
    const isListed = (row) => (status === "ALL" || row.completed === (status === "COMPLETED")) && isWanted(row);
    return this.rows.filter(isListed).sort(compareBy(sort));
  }

  #place(cursor, sort, hashed) {
    if (cursor == null) return null;
    const id = this.#cursors.read(sort, cursor, hashed);
    if (id === undefined) throw badInput("cursor");
    return this.#cursors.row(id);
  }

  #change(id, expected, change) {
    this.transactions += 1;
    const row = this.rows.find((one) => one.id === id);
    if (expected != null && row?.version !== expected) this.transactions += 1;
    if (!row) throw notFound();
    if (expected != null && row.version !== expected) throw failure("VERSION_CONFLICT", "conflict");
    if (change(row)) this.#touch(row);
    return structuredClone(row);
  }

  #complete(row) {
    row.completed = true;
    this.#touch(row);
  }

  #touch(row) {
    row.version += 1;
    row.updated_at = this.#mark("time");
    row.completed_at = row.completed ? (row.completed_at ?? row.updated_at) : null;
  }

  #allOf(ids) {
    const distinct = [...new Set(ids)];
    if (ids.length > MAX_MANY) throw badInput("too many");
    if (ids.length > 0) this.transactions += 1;
    const rows = this.rows.filter((row) => distinct.includes(row.id)).sort(byAge);
    if (rows.length < distinct.length) throw notFound();
    return rows;
  }
}

/** The form in which a task's id is kept. */
export function taskId(text) {
  const id = uuid(text);
  if (id === undefined) throw badInput("id");
  return id;
}

/** The id of a new task. */
function newId(text) {
  const id = uuid(text);
  if (id === undefined || !/^.{14}[47].{4}[89ab]/.test(id)) throw badInput("id");
  return id;
}

/** The UUID that a text stands for, if it does. */
export function uuid(text) {
  if (!UUID.test(text)) return undefined;
  const digits = text.toLowerCase().replace(/^urn:uuid:|[{}-]/g, "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const byId = (one, other) => (one.id < other.id ? -1 : Number(one.id > other.id));

const byAge = (one, other) => (one.created_at < other.created_at ? -1 : Number(one.created_at > other.created_at)) || byId(one, other);

function compareBy(sort) {
  const [column, direction] = sort.split("_");
  const key = KEYS[column];
  const sign = direction === "DESC" ? -1 : 1;
  const ascending = (one, other) => (key(one) < key(other) ? -1 : Number(key(one) > key(other)));
  // What has no key is last in either direction.
  const isWithout = (row) => key(row) === undefined;
  return (one, other) => isWithout(one) - isWithout(other) || sign * (ascending(one, other) || byId(one, other));
}

const KEYS = {
  CREATED: (row) => row.created_at,
  UPDATED: (row) => row.updated_at,
  TITLE: (row) => row.title,
  PRIORITY: (row) => PRIORITIES.indexOf(row.priority) || undefined,
  DUE: (row) => dueKey(row.due),
};

/** What a due date is sorted by: a day as its end, and what has no zone as if in UTC. */
function dueKey(due) {
  if (!due) return undefined;
  if (due.at) return due.at;
  return `${due.date}T${due.time ? `${due.time}.000000` : "23:59:59.999999"}Z`;
}

/** Whether a task matches; fails if a part of the filter is invalid. */
function selected({ search, filter }) {
  const text_ = text("search", search, 200, CONTROL);
  const { priorities, tagsAny, tagsAll, dueBefore, dueAfter, hasDue } = filter ?? {};
  const [any, all] = [tagsAny, tagsAll].map((list) => list && tags(list).map(fold));
  const [before, after] = [instant(dueBefore), instant(dueAfter)];
  return (row) => {
    const has = (tag) => row.tags.some((name) => fold(name) === tag);
    const key = dueKey(row.due);
    return (
      matches(row, text_) &&
      (!priorities || priorities.includes(row.priority)) &&
      (!any || any.some(has)) &&
      (!all || all.every(has)) &&
      (!before || (key !== undefined && key < before)) &&
      (!after || (key !== undefined && key >= after)) &&
      (hasDue == null || (key !== undefined) === hasDue)
    );
  };
}

/** What the hash in a list's cursors is made of. */
function hashedParts(status, { search, filter }) {
  const { priorities, tagsAny, tagsAll, dueBefore, dueAfter, hasDue } = filter ?? {};
  const levels = priorities && [...new Set(priorities.map((word) => PRIORITIES.indexOf(word)))].sort();
  const keys = (list) => [...new Set(list.map(fold))].sort();
  const matches = [];
  if (tagsAny) matches.push(["any", keys(tagsAny)]);
  if (tagsAll?.length) matches.push(["all", keys(tagsAll)]);
  matches.isTags = true;
  const completed = status === "ALL" ? null : status === "COMPLETED";
  return [completed, search || null, levels ?? null, matches, dueBefore ?? null, dueAfter ?? null, hasDue ?? null];
}

const fold = (tag) => tag.toLowerCase();

/** The tags that are kept. */
function tags(list) {
  if (list == null) return [];
  if (list.length > MAX_TAGS) throw badInput("tags");
  for (const tag of list) if (BLANK.test(tag) || [...tag].length > 50 || CONTROL.test(tag)) throw badInput("tag");
  return list.filter((tag, index) => list.findIndex((other) => fold(other) === fold(tag)) === index);
}

const OFFSETS = { UTC: 0, "Asia/Kolkata": 330 };

function due(input) {
  if (input == null) return null;
  const { date, time, timeZone } = input;
  const isDate = typeof date === "string" && /^\d{4}-\d\d-\d\d$/.test(date) && !date.startsWith("0000");
  if (!isDate || new Date(`${date}T00:00Z`).toJSON()?.slice(0, 10) !== date) throw badInput("date");
  if (time != null && !/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?$/.test(time)) throw badInput("time");
  if (timeZone != null && (time == null || !(timeZone in OFFSETS))) throw badInput("timeZone");
  if (time == null) return { date, time: null, timeZone: null, at: null };
  const clock = time.length === 5 ? `${time}:00` : time.slice(0, 8);
  if (timeZone == null) return { date, time: clock, timeZone: null, at: null };
  const at = new Date(Date.parse(`${date}T${clock}Z`) - OFFSETS[timeZone] * 60_000).toJSON().replace("Z", "000Z");
  return { date, time: clock, timeZone, at };
}

function instant(text) {
  if (text == null) return undefined;
  if (typeof text !== "string" || !/T.*Z$/.test(text)) throw badInput("instant");
  return text.replace("Z", ".000000Z");
}

function matches(row, search) {
  const holds = (text) => text?.toLowerCase().includes(search.toLowerCase());
  return !search || holds(row.title) || holds(row.description);
}

const summary = (rows) => {
  const tasks = structuredClone(rows).sort(byAge);
  return { count: tasks.length, tasks };
};

function checkText({ title, description }) {
  if (title !== undefined && (title === null || BLANK.test(title))) throw badInput("title");
  text("title", title, 200, CONTROL);
  text("description", description, 1000, CONTROL_BUT_LINES);
}

function text(what, value, max, forbidden) {
  if (value != null && ([...value].length > max || forbidden.test(value))) throw badInput(what);
  return value;
}

function size(value, min) {
  if (value != null && (value < min || value > MAX_PAGE)) throw badInput("page size");
}

const failure = (code, message) => new GraphQLError(message, { extensions: { code } });
const badInput = (what) => failure("BAD_USER_INPUT", what);
const notFound = () => failure("NOT_FOUND", "Task not found");
