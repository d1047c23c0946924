// Two devices and a server, a network that loses requests and answers, and random users: at the end all are equal, and
// nothing that was typed is lost without having been shown as a conflict.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, fieldsOf } from "../../src/sync/model.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { Network, Server, fields, random } from "./server.ts";
import { edit, fresh, open, remove, settled, until } from "./support.ts";

const SEEDS = Number(process.env.SEEDS ?? 12);
const STEPS = 60;

interface Typed {
  device: number;
  id: string;
  field: string;
  value: string;
}

const play = async (seed: number) => {
  const next = random(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const server = new Server();
  const devices: { replica: Replica; network: Network; name: string; shown: Set<string> }[] = [];
  const watch = (replica: Replica, shown: Set<string>) => {
    const look = () => {
      for (const { mine, deletes } of replica.conflicts) {
        if (!deletes) for (const value of [mine.title, String(mine.description), mine.tags.join()]) shown.add(value);
      }
    };
    look();
    return replica.subscribe(look);
  };
  for (const _ of [1, 2]) {
    const network = new Network(server, next);
    network.faults = 0.15;
    const [name, shown] = [fresh(), new Set<string>()];
    const replica = await open(network, name);
    watch(replica, shown);
    devices.push({ replica, network, name, shown });
  }
  const typed: Typed[] = [];
  let values = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const device = Math.floor(next() * 2);
    const it = devices[device] as (typeof devices)[number];
    const { replica, network } = it;
    const ids = [...replica.views.keys()].sort();
    const value = `${seed}-${(values += 1)}`;
    const dice = next();
    if (dice < 0.2 || !ids.length) {
      const id = await replica.create(fields(value));
      typed.push({ device, id, field: "title", value });
    } else if (dice < 0.6) {
      const [id, field] = [pick(ids), pick(["title", "description", "tags"] as const)];
      const change: Partial<Fields> = field === "tags" ? { tags: [value] } : { [field]: value };
      await edit(replica, id, change);
      typed.push({ device, id, field, value });
    } else if (dice < 0.66) {
      const id = pick(ids);
      const was = replica.views.get(id);
      // Deleting what is in conflict decides it: what was shown may go.
      await remove(replica, id);
      if (was && next() < 0.5) await replica.restore([was]);
      else typed.push({ device, id, field: "all", value: "" });
    } else if (dice < 0.72) await edit(replica, pick(ids), { completed: next() < 0.5 });
    else if (dice < 0.78) await replica.workOffline(!replica.status.worksOffline);
    else if (dice < 0.84) network.cut();
    else if (dice < 0.87) server.era += 1;
    else if (dice < 0.9) {
      // The tab is closed and opened again.
      replica.close();
      it.replica = await open(network, it.name);
      watch(it.replica, it.shown);
    } else for (const { id } of replica.conflicts) await replica.resolve(id, pick(["mine", "theirs"] as const));
    if (next() < 0.5) for (let turn = 0; turn < 20 * next(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  for (const { network } of devices) network.faults = 0;
  for (let isOver = false; !isOver; ) {
    for (const { replica } of devices) {
      await replica.workOffline(false);
      await settled(replica);
      for (const { id } of replica.conflicts) await replica.resolve(id, pick(["mine", "theirs"] as const));
    }
    isOver = devices.every(({ replica }) => !replica.conflicts.length && !replica.status.waiting);
  }
  const state = (tasks: Iterable<Fields & { id: string; version: number }>) =>
    JSON.stringify([...tasks].map((task) => [task.id, task.version, fieldsOf(task)]).sort());
  for (const [index, { replica }] of devices.entries()) {
    await until(
      () => `seed ${seed}: device ${index} equals the server\n${state(replica.views.values())}\n${state(server.tasks)}`,
      () => state(replica.views.values()) === state(server.tasks),
    );
  }
  for (const [index, { device, id, field, value }] of typed.entries()) {
    const isReplaced = typed.slice(index + 1).some((later) => later.device === device && later.id === id && [field, "all"].includes(later.field));
    const isShown = devices[device]?.shown.has(value) || field === "all";
    assert.ok(server.history.has(value) || isShown || isReplaced, `seed ${seed}: ${field} ${value} of device ${device} is lost`);
  }
};

for (let seed = 1; seed <= SEEDS; seed += 1) test(`devices converge and lose nothing, seed ${seed}`, () => play(seed));
