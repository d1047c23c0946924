// Makes a request that shows a difference smaller, as long as it goes on showing it.

import { Kind, print, visit } from "graphql";
import { parsed } from "./judge.js";
import { tokens } from "./mutate/syntax.js";

const CANDIDATES = 60;
const PATIENCE_MS = 8000;
const LISTS = ["definitions", "variableDefinitions", "selections", "arguments", "directives", "fields", "values"];

/** `stillShows` tells of several requests which ones show the same difference. */
export async function shrink(request, stillShows) {
  let smallest = request;
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const candidates = sample(smaller(smallest));
    const shows = await stillShows(candidates);
    const best = candidates.filter((_, index) => shows[index]).sort((one, other) => size(one) - size(other))[0];
    if (!best) return smallest;
    smallest = best;
  }
  return smallest;
}

/** Some of them from the smallest to the largest: the small ones shrink faster, the large ones more surely. */
function sample(candidates) {
  const sorted = candidates.sort((one, other) => size(one) - size(other));
  const step = Math.max(1, sorted.length / CANDIDATES);
  return Array.from({ length: Math.min(CANDIDATES, sorted.length) }, (_, index) => sorted[Math.floor(index * step)]);
}

const size = ({ query, variables = "", operationName = "" }) => query.length + variables.length + operationName.length;

function smaller(request) {
  const { query, variables, operationName } = request;
  const queries = byTree(query) ?? byToken(query);
  const candidates = [
    ...queries.map((one) => ({ ...request, query: one })),
    ...(variables === undefined
      ? []
      : [
          { ...request, variables: undefined },
          ...fewerVariables(variables).map((one) => ({ ...request, variables: one })),
        ]),
    ...(operationName === undefined ? [] : [{ ...request, operationName: undefined }]),
  ];
  return candidates.filter((one) => size(one) < size(request));
}

function byTree(query) {
  const document = parsed(query);
  if (!document) return undefined;
  const found = [print(document), print(document).replaceAll(/\s+/g, " ")];
  visit(document, {
    enter(node, _key, _parent, path) {
      for (const list of LISTS) {
        (node[list] ?? []).forEach((_, index) => found.push(without(document, [...path, list], index)));
      }
      for (const part of ["name", "alias", "defaultValue", "typeCondition"]) {
        const isOptional = part !== "name" || node.kind === Kind.OPERATION_DEFINITION;
        if (node[part] && isOptional) found.push(replaced(document, path, ({ [part]: _, ...others }) => others));
      }
      if (node.kind === Kind.INLINE_FRAGMENT) found.push(unwrapped(document, path));
    },
  });
  return found.filter(Boolean).map((one) => one.replaceAll(/\s+/g, " ").trim());
}

function without(document, path, index) {
  return replaced(document, path, (items) => items.filter((_, other) => other !== index));
}

/** A fragment's selections in place of the fragment. */
function unwrapped(document, path) {
  const index = path.at(-1);
  return replaced(document, path.slice(0, -1), (items) => [
    ...items.slice(0, index),
    ...items[index].selectionSet.selections,
    ...items.slice(index + 1),
  ]);
}

function replaced(document, path, how) {
  const copy = structuredClone(document);
  const owner = path.slice(0, -1).reduce((node, key) => node[key], copy);
  if (path.length === 0) return undefined;
  owner[path.at(-1)] = how(owner[path.at(-1)]);
  const text = print(copy);
  return parsed(text) ? text : undefined;
}

function byToken(query) {
  const texts = tokens(query)?.map((token) => token.text) ?? [...query];
  const glue = tokens(query) ? " " : "";
  const found = [];
  for (let width = Math.ceil(texts.length / 2); width >= 1; width = width === 1 ? 0 : Math.ceil(width / 2)) {
    for (let start = 0; start < texts.length; start += width) {
      found.push([...texts.slice(0, start), ...texts.slice(start + width)].join(glue));
    }
  }
  return found;
}

function fewerVariables(variables) {
  const given = JSON.parse(variables);
  if (given === null || typeof given !== "object") return [];
  return Object.keys(given).map((key) => JSON.stringify({ ...given, [key]: undefined }));
}
