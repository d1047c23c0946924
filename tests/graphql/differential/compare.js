// What the server answered beside what graphql-js did: the first difference, by kind.

import { Verdict, hasMutation, parsed } from "./judge.js";

const MARK = /^~(id|time):/;
const FORMS = {
  id: /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
};
const VERDICT_OF_CODE = {
  GRAPHQL_PARSE_FAILED: Verdict.PARSE,
  GRAPHQL_VALIDATION_FAILED: Verdict.VALIDATION,
  BAD_USER_INPUT: Verdict.VARIABLES,
};

const REQUEST_ERRORS = [Verdict.VALIDATION, Verdict.VARIABLES];

/** The server's verdict, in graphql-js's terms. */
export function verdictOf({ status, body }) {
  if (body?.data !== undefined) return Verdict.EXECUTED;
  const code = body?.errors?.[0]?.extensions?.code;
  return VERDICT_OF_CODE[code] ?? `${status} ${code}`;
}

/** The first difference, or nothing. */
export function difference(expected, actual, style) {
  return verdictDifference(expected, actual, style) ?? outcomeDifference(expected, actual);
}

function verdictDifference(expected, actual, style) {
  const verdict = verdictOf(actual);
  const isUnknownOperation = expected.verdict === Verdict.OPERATION && REQUEST_ERRORS.includes(verdict);
  if (verdict === expected.verdict || isUnknownOperation) return statusDifference(verdict, actual);
  const messages = actual.body?.errors?.map((error) => error.message) ?? [actual.text];
  return { kind: verdictKind(expected, verdict, messages, style), messages };
}

function verdictKind({ verdict: wanted, rules }, verdict, messages, style) {
  if (verdict === Verdict.EXECUTED) return `accepted: ${rules?.join(" ") ?? `${wanted}, ${style}`}`;
  if (verdict === Verdict.PARSE) return `not parsed: ${style}`;
  if (wanted === Verdict.PARSE) return `${verdict} instead of parse: ${style}`;
  return `${verdict} instead of ${wanted}: ${gist(messages[0])}`;
}

function statusDifference(verdict, { status }) {
  const wanted = verdict === Verdict.EXECUTED ? 200 : 400;
  return status === wanted ? undefined : { kind: `status ${status} instead of ${wanted}`, messages: [] };
}

/** A message without what is particular to a document. */
function gist(message) {
  return String(message)
    .replaceAll(/\d+/g, "N")
    .replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|'[^']*'/g, "…")
    .slice(0, 120);
}

function outcomeDifference(expected, { body, state, transactions }) {
  const unify = new Unifier();
  if (expected.verdict === Verdict.EXECUTED) {
    const found = unify.compare(expected.data, body.data, "data");
    if (found) return { ...found, kind: dataKind(found, expected, body.errors) };
    const inErrors = errorDifference(expected, body.errors ?? []);
    if (inErrors) return inErrors;
  }
  const changed = expected.state && state && unify.compare(expected.state, state, "tasks");
  if (changed) return { ...changed, kind: `tasks after it: ${changed.kind}` };
  const wanted = expected.transactions ?? 0;
  // What is null as a whole may have stopped early.
  if (transactions === wanted || (expected.data === null && transactions < wanted)) return undefined;
  return {
    kind: `transactions: ${transactions > wanted ? "more" : "fewer"}`,
    messages: [`${transactions} instead of ${wanted}`],
  };
}

/** What is wrong with introspection, and with null for a condition, is told apart from the rest. */
function dataKind({ kind, path }, { introspection, hasNullCondition }, errors) {
  const isInside = (key) => path.startsWith(`data.${key}`) || errors?.some((error) => error.path?.[0] === key);
  if (hasNullCondition) return "null for @skip or @include";
  if (introspection.some(isInside)) return `introspection: ${kind}`;
  return errors ? `${kind}, with ${errors[0].extensions?.code}` : kind;
}

/** Each failure that can be told from the data is reported; of those that null the same thing, at least one. */
function errorDifference({ data, failures, introspection, hasNullCondition }, errors) {
  const show = ({ path, code }) => `${path?.join(".")} ${code}`;
  const wanted = failures.map(show);
  const got = errors.map(({ path, extensions }) => show({ path, code: extensions?.code }));
  const isKnown = got.every((error) => wanted.includes(error)) && new Set(got).size === got.length;
  const isEnough = data === null ? got.length > 0 : got.length === wanted.length;
  if (isKnown && isEnough) return undefined;
  const messages = [`${got} instead of ${wanted}`];
  // graphql-js has failed there, and perhaps not come to what failed here.
  if (hasNullCondition) return { kind: "null for @skip or @include", messages };
  const isInside = ({ path }) => introspection.includes(path?.[0]);
  return { kind: errors.some(isInside) ? "introspection: errors" : "errors", messages };
}

/** Compares values in which marks stand for what only the server knows; a mark stands for the same thing everywhere. */
class Unifier {
  #meaning = new Map();

  compare(expected, actual, path) {
    if (typeof expected === "string" && MARK.test(expected)) return this.#mark(expected, actual, path);
    if (expected === null || typeof expected !== "object") {
      return Object.is(expected, actual) ? undefined : unequal("data", expected, actual, path);
    }
    if (actual === null || typeof actual !== "object" || Array.isArray(expected) !== Array.isArray(actual)) {
      return unequal("data", expected, actual, path);
    }
    return this.#members(expected, actual, path);
  }

  #members(expected, actual, path) {
    const [wanted, got] = [Object.keys(expected), Object.keys(actual)];
    if (wanted.join() !== got.join()) {
      const isObject = !Array.isArray(expected);
      const isOrder = [...wanted].sort().join() === [...got].sort().join();
      return unequal(isOrder ? "order" : isObject ? "other fields" : "length", wanted, got, path);
    }
    for (const key of wanted) {
      const found = this.compare(expected[key], actual[key], `${path}.${key}`);
      if (found) return found;
    }
    return undefined;
  }

  #mark(mark, actual, path) {
    const [, kind] = MARK.exec(mark);
    const known = this.#meaning.get(mark) ?? actual;
    this.#meaning.set(mark, known);
    return FORMS[kind].test(actual) && known === actual ? undefined : unequal("data", mark, actual, path);
  }
}

function unequal(kind, expected, actual, path) {
  const short = (value) => String(JSON.stringify(value)).slice(0, 200);
  const detail = kind === "data" ? `: ${shape(actual)} instead of ${shape(expected)}` : "";
  return { kind: kind + detail, path, messages: [`${path}: ${short(actual)} instead of ${short(expected)}`] };
}

function shape(value) {
  if (Array.isArray(value)) return "list";
  return value === null ? "null" : typeof value;
}

/** Whether it is worth looking what the tasks are afterwards. */
export const mayWrite = ({ query }) => {
  const document = parsed(query);
  return document ? hasMutation(document) : query.includes("mutation");
};
