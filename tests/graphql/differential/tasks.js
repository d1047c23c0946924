// One user's tasks in memory: what the server does with them, done again in the plainest way. New ids and times, which
// only the server knows, are marks that stand for them; see compare.js.

import { GraphQLError } from "graphql";

const MAX_MANY = 100;
const MAX_PAGE = 1000;
const HYPHENATED = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
const UUID = new RegExp(`^(?:urn:uuid:${HYPHENATED}|\\{${HYPHENATED}\\}|${HYPHENATED}|[0-9a-f]{32})$`, "i");
const BLANK = /^\p{White_Space}*$/u;
const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]/u;

export class Tasks {
  #cursors;
  #marks = 0;

  /** `cursors` tells the cursor of a task in a sort: the server's own, which only it can make. */
  constructor(rows, cursors) {
    this.rows = structuredClone(rows);
    this.#cursors = cursors;
    /** How often the database was asked, as one transaction each. */
    this.transactions = 0;
  }

  counts(search) {
    this.transactions += 1;
    const pending = this.rows.filter((row) => !row.completed && matches(row, search)).length;
    const completed = this.rows.filter((row) => row.completed && matches(row, search)).length;
    return { all: pending + completed, pending, completed };
  }

  find(id) {
    this.transactions += 1;
    return this.rows.find((row) => row.id === id);
  }

  list({ status, sort, search, limit }) {
    const wanted = text("search", search, 200, CONTROL);
    size(limit, 1);
    this.transactions += 1;
    return this.#sorted(status, sort, wanted).slice(0, limit ?? MAX_PAGE);
  }

  /** Read when something of the page is asked for; `show` makes an answer of a row. */
  connection({ status, sort, search, first, after, last, before }, show) {
    const wanted = text("search", search, 200, CONTROL);
    const [start, end] = [this.#place(after, sort), this.#place(before, sort)];
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
    const edges = page.map((row) => ({ cursor: this.#cursors.of(sort, row.id), node: show(row) }));
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
    inputs.forEach((input) => checkText(input));
    if (inputs.length > MAX_MANY) throw badInput("too many");
    if (inputs.length === 0) return [];
    this.transactions += 1;
    const now = this.#mark("time");
    const created = inputs.map(({ title, description, completed }) => ({
      id: this.#mark("id"),
      title,
      description: description ?? null,
      completed: completed ?? false,
      version: 1,
      created_at: now,
      updated_at: now,
    }));
    this.rows.push(...created);
    return structuredClone(created);
  }

  update(id, { title, description, completed }, expected) {
    if (title === null || completed === null) throw badInput("can't be cleared");
    if (title !== undefined) checkText({ title });
    checkText({ description });
    if (title === undefined && description === undefined && completed === undefined) throw badInput("nothing");
    const changes = { title, description, completed };
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
    this.rows = this.rows.filter((row) => row.id !== id);
    return { id, version: version + 1, deletedAt: this.#mark("time") };
  }

  completeMany(ids) {
    const rows = this.#allOf(ids);
    rows.filter((row) => !row.completed).forEach((row) => this.#complete(row));
    return summary(rows);
  }

  deleteMany(ids) {
    const rows = this.#allOf(ids);
    this.rows = this.rows.filter((row) => !rows.includes(row));
    return { count: rows.length, ids: rows.map((row) => row.id) };
  }

  completeAll() {
    this.transactions += 1;
    const rows = this.rows.filter((row) => !row.completed);
    rows.forEach((row) => this.#complete(row));
    return summary(rows);
  }

  clearCompleted() {
    this.transactions += 1;
    const ids = this.rows.filter((row) => row.completed).map((row) => row.id);
    this.rows = this.rows.filter((row) => !row.completed);
    return { count: ids.length, ids };
  }

  #total(status, search) {
    return this.counts(search)[status === "ALL" ? "all" : status.toLowerCase()];
  }

  #mark(kind) {
    this.#marks += 1;
    return `~${kind}:${String(this.#marks).padStart(4, "0")}`;
  }

  #sorted(status, sort, search) {
    const isWanted = (row) => (status === "ALL" || row.completed === (status === "COMPLETED")) && matches(row, search);
    return this.rows.filter(isWanted).sort(compareBy(sort));
  }

  #place(cursor, sort) {
    if (cursor == null) return null;
    const id = this.#cursors.read(sort, cursor);
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
  }

  #allOf(ids) {
    const distinct = [...new Set(ids)];
    if (ids.length > MAX_MANY) throw badInput("too many");
    if (ids.length > 0) this.transactions += 1;
    const rows = this.rows.filter((row) => distinct.includes(row.id)).sort(byId);
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

/** The UUID that a text stands for, if it does. */
export function uuid(text) {
  if (!UUID.test(text)) return undefined;
  const digits = text.toLowerCase().replace(/^urn:uuid:|[{}-]/g, "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const byId = (one, other) => (one.id < other.id ? -1 : Number(one.id > other.id));

function compareBy(sort) {
  const [column, direction] = sort.split("_");
  const key = { CREATED: "created_at", UPDATED: "updated_at", TITLE: "title" }[column];
  const sign = direction === "DESC" ? -1 : 1;
  const ascending = (one, other) => (one[key] < other[key] ? -1 : Number(one[key] > other[key]));
  return (one, other) => sign * (ascending(one, other) || byId(one, other));
}

function matches(row, search) {
  const holds = (text) => text?.toLowerCase().includes(search.toLowerCase());
  return !search || holds(row.title) || holds(row.description);
}

const summary = (rows) => {
  const tasks = structuredClone(rows).sort(byId);
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
