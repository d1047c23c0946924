// Input values for the arguments of the schema: mostly ones that are fit for it.

import { isEnumType, isInputObjectType, isListType, isNonNullType } from "graphql";
import { boolean, int, list, nothing, object, objectField, string, variable, word } from "../ast.js";

export const MISSING = "0190a000-0000-7000-8000-00000000ffff";

const TEXTS = ["a", "Water the plants", "shelf", "two  words", "100%", "under_score", "x".repeat(200), "line\u2028sep"];
const HARD_TEXTS = ['say "hi"', "back\\slash", "\u{1F41D} bee", "שלום", "Zoë", "\u00a0", "#no comment", '"""', "{}$!"];
const BAD_TEXTS = ["", "   ", "x".repeat(201), "tab\there", "two\nlines", "\u0085", "bell\u0007"];

/** What an argument or input field of this name is about. */
const DOMAINS = {
  id: (r, world) => id(r, world),
  ids: (r, world) => id(r, world),
  title: (r) => text(r),
  description: (r) => (r.chance(0.2) ? "two\n  lines\n\nand more" : text(r)),
  search: (r) =>
    r.pick(
      ["", "a", "shelf", "100%", "_", "ZZZ", "BUY", "\\", "x".repeat(200)].concat(r.chance(0.1) ? "x".repeat(201) : []),
    ),
  after: (r, world) => cursor(r, world),
  before: (r, world) => cursor(r, world),
  limit: (r) => r.pick(r.chance(0.08) ? [0, -1, 1001] : [1, 2, 3, 7, 50, 1000]),
  first: (r) => r.pick(r.chance(0.08) ? [-1, 1001] : [0, 1, 2, 3, 7, 1000]),
  last: (r) => r.pick(r.chance(0.08) ? [-1, 1001] : [0, 1, 2, 3, 7, 1000]),
  tags: (r) => tag(r),
  tagsAny: (r) => tag(r),
  tagsAll: (r) => tag(r),
  date: (r) => r.pick(r.chance(0.06) ? ["2026-02-30", "tomorrow", "0000-01-01", ""] : ["2026-03-01", "2026-03-29", "1969-12-31"]),
  time: (r) => r.pick(r.chance(0.06) ? ["24:00", "9", "noon"] : ["09:00", "23:59:59", "00:00:00.999"]),
  timeZone: (r) => r.pick(r.chance(0.06) ? ["Mars/Olympus", ""] : ["UTC", "Asia/Kolkata"]),
  dueBefore: (r) => instant(r),
  dueAfter: (r) => instant(r),
  expectedVersion: (r) => r.pick([1, 1, 2, 3, 7, 99, -1, 2147483647]),
  name: (r) => r.pick(["Task", "Query", "Node", "TaskSort", "CreateTaskInput", "Nothing", "DateTime", "Due", "TaskFilter", "Date"]),
};

function text(r) {
  return r.pick(r.chance(0.04) ? BAD_TEXTS : r.pick([TEXTS, TEXTS, HARD_TEXTS]));
}

function tag(r) {
  return r.pick(r.chance(0.04) ? ["", "  ", "x".repeat(51), "two\nlines"] : ["home", "HOME", "Work", "a, b", "x".repeat(50)]);
}

function instant(r) {
  return r.pick(r.chance(0.06) ? ["2026-03-01", "soon"] : ["2026-03-01T00:00:00Z", "2026-03-29T23:00:00Z", "2030-01-01T00:00:00Z"]);
}

function id(r, { ids }) {
  const known = r.pick(ids);
  const forms = [
    MISSING,
    known.toUpperCase(),
    known.replaceAll("-", ""),
    `{${known}}`,
    `urn:uuid:${known}`,
    "nonsense",
    "7",
  ];
  return r.chance(0.85) ? known : r.pick(forms);
}

function cursor(r, { cursors }) {
  return r.chance(0.9) ? r.pick(cursors) : r.pick(["", "nonsense", "e30"]);
}

/** Makes values of a type as nodes, some of which are variables that `variables` declares. */
export class Values {
  constructor(random, world, variables) {
    this.random = random;
    this.world = world;
    this.variables = variables;
  }

  /** `key` names the argument or field it is for; `hasDefault` says whether that one has a default. */
  node(type, key, { hasDefault = false, mayVary = true } = {}) {
    const r = this.random;
    if (mayVary && r.chance(0.3)) return variable(this.variables.declare(type, key, hasDefault, this));
    if (isNonNullType(type)) return this.#present(type.ofType, key, mayVary);
    return r.chance(0.12) ? nothing() : this.#present(type, key, mayVary);
  }

  #present(type, key, mayVary) {
    const r = this.random;
    if (isListType(type)) {
      const item = () => this.node(type.ofType, key, { mayVary });
      return r.chance(0.2)
        ? this.#present(nullable(type.ofType), key, mayVary)
        : list(Array.from({ length: r.int(0, 3) }, item));
    }
    if (isInputObjectType(type)) return object(this.#fields(type, mayVary));
    if (isEnumType(type)) return word(r.pick(type.getValues()).name);
    return this.#scalar(type, key);
  }

  #fields(type, mayVary) {
    const r = this.random;
    const isWanted = (field) => (isNonNullType(field.type) && field.defaultValue === undefined) || r.chance(0.5);
    const wanted = r.shuffle(Object.values(type.getFields())).filter(isWanted);
    return wanted.map((field) => {
      const hasDefault = field.defaultValue !== undefined;
      return objectField(field.name, this.node(field.type, field.name, { hasDefault, mayVary }));
    });
  }

  #scalar(type, key) {
    const r = this.random;
    const domain = DOMAINS[key];
    switch (type.name) {
      case "Boolean":
        return boolean(r.chance(0.5));
      case "Int":
        return int(domain ? domain(r) : r.int(-5, 5));
      case "ID":
        return r.chance(0.03) ? int(r.int(-3, 99)) : string(domain ? domain(r, this.world) : "x");
      default:
        return string(domain ? domain(r, this.world) : text(r));
    }
  }

  /** A value as JSON text, which tells 1.0 from 1. */
  json(type, key) {
    const r = this.random;
    if (!isNonNullType(type) && r.chance(0.1)) return "null";
    const bare = nullable(type);
    if (isListType(bare)) {
      if (r.chance(0.2)) return this.json(nullable(bare.ofType), key);
      return `[${Array.from({ length: r.int(0, 3) }, () => this.json(bare.ofType, key))}]`;
    }
    if (isInputObjectType(bare)) return this.#jsonFields(bare);
    if (isEnumType(bare)) return JSON.stringify(r.pick(bare.getValues()).name);
    const { value } = this.#scalar(bare, key);
    if (bare.name === "Int") return r.chance(0.1) ? `${value}.0` : value;
    return JSON.stringify(value);
  }

  #jsonFields(type) {
    const r = this.random;
    const isWanted = (field) => (isNonNullType(field.type) && field.defaultValue === undefined) || r.chance(0.5);
    const wanted = r.shuffle(Object.values(type.getFields())).filter(isWanted);
    return `{${wanted.map(({ name, type: of }) => `${JSON.stringify(name)}:${this.json(of, name)}`)}}`;
  }
}

const nullable = (type) => (isNonNullType(type) ? type.ofType : type);

/** JSON that is wrong for most types. */
export function wrongJson(r) {
  const numbers = ["1.5", "2147483648", "-2147483649", "0"];
  const others = [
    '"PENDING"',
    '"x"',
    "true",
    "[]",
    "[null]",
    "[[1]]",
    "{}",
    '{"title":1}',
    '{"title":"t","nope":1}',
    "null",
  ];
  return r.pick([...numbers, ...others]);
}
