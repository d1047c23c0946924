// A server in memory that keeps the contract of `changes`, `pushTasks` and `restoreTasks`, and a network that breaks.

import { type Fields, type Page, type Task, type Tombstone, differing, fieldsOf, isSame } from "../../src/sync/model.ts";
import { type Push, type Pushed, SyncError, type Transport } from "../../src/sync/transport.ts";

interface Row {
  position: number;
  item: Task | Tombstone;
  /** What a deleted task was. */
  was?: Task;
}

/** Random numbers from 0 to 1 that are the same for the same seed. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};

export const fields = (title: string, more: Partial<Fields> = {}): Fields => ({
  title,
  description: null,
  completed: false,
  priority: "NONE",
  due: null,
  tags: [],
  ...more,
});

export class Server {
  rows = new Map<string, Row>();
  /** Every value that any field of any task ever had. */
  history = new Set<string>();
  pushes = 0;
  era = 1;
  pageSize = 3;
  private position = 0;
  private waiting = new Set<() => void>();

  task(id: string): Task | null {
    const item = this.rows.get(id)?.item;
    return item && !("deletedAt" in item) ? item : null;
  }

  get tasks(): Task[] {
    return [...this.rows.keys()].map((id) => this.task(id)).filter((task) => task !== null);
  }

  set(id: string, change: Fields): Task {
    const old = this.rows.get(id)?.item;
    const time = `2026-01-01T00:00:00.${String(this.position).padStart(6, "0")}Z`;
    const createdAt = old && "createdAt" in old ? old.createdAt : time;
    const completedAt = change.completed ? time : null;
    const task = { ...fieldsOf(change), id, version: (old?.version ?? 0) + 1, createdAt, updatedAt: time, completedAt };
    this.put(id, { item: task });
    this.history.add(task.title).add(String(task.description)).add(task.tags.join());
    return task;
  }

  delete(id: string): void {
    const was = this.task(id);
    if (was) this.put(id, { item: { id, version: was.version + 1, deletedAt: "2026-01-02T00:00:00.000000Z" }, was });
  }

  private put(id: string, row: Omit<Row, "position">): void {
    this.position += 1;
    this.rows.set(id, { ...row, position: this.position });
    for (const wake of this.waiting) wake();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        resolve();
      };
      this.waiting.add(wake);
    });
  }

  page(after: string | null): Page {
    const [era, position] = (after ?? `${this.era}:0`).split(":").map(Number);
    const reset = era !== this.era;
    const from = reset ? 0 : (position ?? 0);
    const rows = [...this.rows.values()].filter((row) => row.position > from).sort((a, b) => a.position - b.position);
    const page = rows.slice(0, this.pageSize);
    const end = page.at(-1)?.position ?? from;
    return { items: page.map(({ item }) => item), cursor: `${this.era}:${end}`, hasMore: rows.length > page.length, reset };
  }

  push(changes: Push[]): Pushed {
    if (changes.length > 20) throw new Error("too many");
    this.pushes += 1;
    const pushed: Pushed = { conflicts: [], refused: [] };
    for (const { id, task, base, deleted } of changes) {
      const row = this.rows.get(id);
      const now = this.task(id);
      const conflict = () => pushed.conflicts.push(row?.item ?? { id, version: 0, deletedAt: "" });
      if (task.title.length > 200) {
        const invalid = [{ field: "title", message: "too long" }];
        pushed.refused.push({ id, message: "invalid", invalid });
        conflict();
      } else if (!now) {
        if (base || row) conflict();
        else if (!deleted) this.set(id, task);
      } else if (deleted) {
        if (base && !differing(base, now).length) this.delete(id);
        else conflict();
      } else if (!base) {
        if (differing(task, now).length) conflict();
      } else {
        const changed = differing(base, task);
        const fits = (field: (typeof changed)[number]) => isSame(field, base, now) || isSame(field, task, now);
        if (!changed.every(fits)) conflict();
        else {
          const next = { ...now, ...Object.fromEntries(changed.map((field) => [field, task[field]])) };
          if (differing(now, next).length) this.set(id, next);
        }
      }
    }
    return pushed;
  }

  restore(ids: string[]): Task[] {
    for (const id of ids) {
      if (!this.task(id) && !this.rows.get(id)?.was) throw new SyncError("refused", "Task not found", "NOT_FOUND");
    }
    return ids.map((id) => this.task(id) ?? this.set(id, this.rows.get(id)?.was as Task));
  }
}

/** How often what is sent, its answer and a stream are lost, from 0 to 1. */
export class Network implements Transport {
  faults = 0;
  isDown = false;
  private cuts = new Set<() => void>();

  constructor(
    readonly server: Server,
    private readonly next: () => number = () => 1,
  ) {}

  cut(): void {
    for (const cut of this.cuts) cut();
  }

  private async trip(): Promise<void> {
    const turns = this.faults ? Math.floor(this.next() * 4) : 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (this.isDown || this.next() < this.faults) throw new SyncError("offline", "lost");
  }

  private async ask<T>(work: () => T): Promise<T> {
    await this.trip();
    const answer = structuredClone(work());
    await this.trip();
    return answer;
  }

  changes = (after: string | null, _signal: AbortSignal) => this.ask(() => this.server.page(after));
  push = (changes: Push[]) => this.ask(() => this.server.push(changes));
  restore = (ids: string[]) => this.ask(() => this.server.restore(ids));

  async *live(after: string | null, signal: AbortSignal): AsyncIterable<Page> {
    const ended = new Promise<"cut">((resolve) => {
      const cut = () => resolve("cut");
      this.cuts.add(cut);
      signal.addEventListener("abort", cut);
    });
    for (let isFirst = true; ; isFirst = false) {
      const page = await this.ask(() => this.server.page(after));
      after = page.cursor;
      if (isFirst || page.items.length || page.reset) yield page;
      for (let next = page; !next.items.length || next === page; next = this.server.page(after)) {
        if (next !== page && (await Promise.race([this.server.changed(), ended])) === "cut") {
          if (signal.aborted) return;
          throw new SyncError("offline", "cut");
        }
      }
    }
  }
}
