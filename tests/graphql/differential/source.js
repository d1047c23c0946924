// Requests to judge, each with its origin: well-formed, damaged, or a rule of validation that a mutator meant to break.

import { print } from "graphql";
import { generate } from "./generate/documents.js";
import { damage, dress } from "./mutate/syntax.js";
import { MUTATORS, mutate } from "./mutate/validation.js";

const WELL_FORMED = 0.4;
const DAMAGED = 0.12;
const TRIES = 20;

export function* requests(schema, world, random) {
  const seen = new Set();
  const rules = Object.keys(MUTATORS);
  for (let turn = 0; ;) {
    const choice = random.next();
    const isMutated = choice >= WELL_FORMED + DAMAGED;
    const origin = choice < WELL_FORMED ? "well-formed" : isMutated ? rules[turn++ % rules.length] : "damaged";
    const request = make(origin, schema, world, random);
    const key = JSON.stringify([request?.query, request?.operationName, request?.variables]);
    if (request && !seen.has(key)) {
      seen.add(key);
      yield request;
    }
  }
}

function make(origin, schema, world, random) {
  const isRule = origin in MUTATORS;
  for (let count = 0; count < TRIES; count += 1) {
    const { document, ...others } = generate(schema, world, random);
    const changed = isRule ? mutate(document, schema, origin, random) : document;
    if (changed) return { ...written(changed, origin, random), ...others, rule: isRule ? origin : undefined };
  }
  return undefined;
}

/** The text, and in which style it is written or damaged. */
function written(document, origin, random) {
  const printed = print(document);
  if (origin !== "damaged" && random.chance(0.7)) return { query: printed, origin, style: "plain" };
  const { style, text } = origin === "damaged" ? damage(printed, random) : dress(printed, random);
  return { query: text, origin, style };
}
