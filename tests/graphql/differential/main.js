// Judges generated requests by graphql-js and compares what the server makes of them. Prints what differs, each kind with
// the smallest request that shows it, and fails unless all of it is listed in known.js.

import { readFileSync } from "node:fs";
import { difference, mayWrite } from "./compare.js";
import { RULES, Referee, ruleName } from "./judge.js";
import { KNOWN } from "./known.js";
import { Random } from "./random.js";
import { Server } from "./server.js";
import { shrink } from "./shrink.js";
import { requests } from "./source.js";
import { Tasks } from "./tasks.js";
import { ROWS, World } from "./world.js";

const { TANDEM_URL, CONTROL_URL, SECRET, DIFFERENTIAL_DOCUMENTS = "1000", DIFFERENTIAL_SEED = "1" } = process.env;
const WAVE = 200;

class Comparison {
  constructor(server, referee, world) {
    Object.assign(this, { server, referee, world });
    /** Requests that differ, by kind. */
    this.kinds = new Map();
    this.verdicts = new Map();
    this.broken = new Map();
  }

  /** For each request its difference, if it has one. Each is asked by a user of its own. */
  async differences(wave) {
    const users = await this.server.users(wave.length);
    const results = await Promise.all(wave.map((request, index) => this.#both(request, users[index])));
    const transactions = await this.server.transactions();
    return results.map(([expected, actual], index) => {
      const asked = (transactions[users[index]] ?? 0) - (actual.state ? 1 : 0);
      return { expected, found: difference(expected, { ...actual, transactions: asked }, wave[index].style) };
    });
  }

  async #both(request, user) {
    const tasks = new Tasks(ROWS, this.world);
    const [expected, actual] = await Promise.all([
      this.referee.judge(request, user, tasks),
      this.server.answer(user, request),
    ]);
    if (!mayWrite(request)) return [expected, actual];
    const state = await this.server.tasks(user);
    return [
      { ...expected, state: expected.state ?? ROWS },
      { ...actual, state },
    ];
  }

  async run(wave) {
    const results = await this.differences(wave);
    results.forEach(({ expected, found }, index) => {
      count(this.verdicts, expected.verdict);
      if (expected.rules?.includes(wave[index].rule)) count(this.broken, wave[index].rule);
      if (found) this.kinds.set(found.kind, [...(this.kinds.get(found.kind) ?? []), { ...wave[index], ...found }]);
    });
  }

  async smallest(kind) {
    const shortest = this.kinds.get(kind).sort((one, other) => one.query.length - other.query.length)[0];
    const { query, operationName, variables, style } = shortest;
    const request = await shrink({ query, operationName, variables, style }, (candidates) =>
      this.#show(kind, candidates),
    );
    const [{ found }] = await this.differences([request]);
    return { request, messages: found?.messages ?? ["not always"] };
  }

  async #show(kind, candidates) {
    if (candidates.length === 0) return [];
    return (await this.differences(candidates)).map(({ found }) => found?.kind === kind);
  }
}

function count(counts, key) {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function main() {
  const server = new Server({ url: TANDEM_URL, controlUrl: CONTROL_URL, secret: SECRET });
  const referee = new Referee(readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"));
  const world = new World(await server.cursors((await server.users(1))[0]));
  const comparison = new Comparison(server, referee, world);
  const source = requests(referee.schema, world, new Random(Number(DIFFERENTIAL_SEED)));
  for (let left = Number(DIFFERENTIAL_DOCUMENTS); left > 0; left -= WAVE) {
    await comparison.run(Array.from({ length: Math.min(WAVE, left) }, () => source.next().value));
  }
  const isFine = [await reportKinds(comparison), await reportKnown(comparison), reportCoverage(comparison)].every(
    Boolean,
  );
  server.close();
  process.exitCode = isFine ? 0 : 1;
}

async function reportKinds(comparison) {
  let isFine = true;
  for (const [kind, all] of comparison.kinds) {
    const known = KNOWN.find((entry) => entry.kind.test(kind));
    console.log(`\n${known ? `known: ${known.why}` : "DIFFERENT"} (${all.length}): ${kind}`);
    if (known) continue;
    isFine = false;
    const { request, messages } = await comparison.smallest(kind);
    console.log(`  ${JSON.stringify(request)}\n  ${messages.join("; ")}`);
  }
  return isFine;
}

/** A known difference that is gone must leave the list. */
async function reportKnown(comparison) {
  const shown = KNOWN.filter((entry) => entry.example);
  const results = await comparison.differences(shown.map((entry) => entry.example));
  const gone = shown.filter((entry, index) => !entry.kind.test(results[index].found?.kind));
  gone.forEach((entry) => console.log(`\nNo longer different, take it out of known.js: ${entry.why}`));
  return gone.length === 0;
}

/** Every rule must have been broken by the mutator that is there for it. */
function reportCoverage({ verdicts, broken }) {
  const show = (counts) =>
    [...counts]
      .sort()
      .map(([key, value]) => `${key} ${value}`)
      .join(", ");
  console.log(`\nseed ${DIFFERENTIAL_SEED}, ${DIFFERENTIAL_DOCUMENTS} documents: ${show(verdicts)}`);
  console.log(`rules broken by their mutators: ${show(broken)}`);
  const unbroken = RULES.map(ruleName).filter((rule) => !broken.has(rule));
  if (unbroken.length > 0) console.log(`rules that no document broke: ${unbroken.join(", ")}`);
  return unbroken.length === 0;
}

await main();
