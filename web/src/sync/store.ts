// The replica's storage: one IndexedDB database for each user and device. Each change of it is one transaction.

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { Conflict, Patch, Task } from "./model.ts";

/** A task with the number of the full sync it came with: what a later one doesn't bring again is gone. */
export type State = Task & { epoch: number };

export interface Meta {
  /** Where the feed goes on. Null before the first page. */
  cursor: string | null;
  epoch: number;
  /** Whether a full sync is under way, after which older states are dropped. */
  isResetting: boolean;
  worksOffline: boolean;
}

interface Tables extends DBSchema {
  states: { key: string; value: State };
  patches: { key: number; value: Patch; indexes: { id: string } };
  conflicts: { key: string; value: Conflict };
  meta: { key: "meta"; value: Meta };
}

export type Database = IDBPDatabase<Tables>;

const TABLES = ["states", "patches", "conflicts", "meta"] as const;
export const EMPTY: Meta = { cursor: null, epoch: 0, isResetting: false, worksOffline: false };

export const openDatabase = (name: string): Promise<Database> =>
  openDB<Tables>(name, 1, {
    upgrade: (database) => {
      database.createObjectStore("states", { keyPath: "id" });
      database.createObjectStore("patches", { keyPath: "seq", autoIncrement: true }).createIndex("id", "id");
      database.createObjectStore("conflicts", { keyPath: "id" });
      database.createObjectStore("meta");
    },
    // Another tab wants a newer version.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });

/** Everything that is stored, for some tasks or for all. */
export interface Content {
  states: State[];
  patches: Patch[];
  conflicts: Conflict[];
  meta: Meta;
}

export const readAll = async (database: Database): Promise<Content> => {
  const tx = database.transaction(TABLES);
  const [states, patches, conflicts, meta] = await Promise.all([
    tx.objectStore("states").getAll(),
    tx.objectStore("patches").getAll(),
    tx.objectStore("conflicts").getAll(),
    tx.objectStore("meta").get("meta"),
  ]);
  return { states, patches, conflicts, meta: meta ?? EMPTY };
};

export const readSome = async (database: Database, ids: string[]): Promise<Content> => {
  const tx = database.transaction(TABLES);
  const patches = tx.objectStore("patches").index("id");
  const [states, found, conflicts, meta] = await Promise.all([
    Promise.all(ids.map((id) => tx.objectStore("states").get(id))),
    Promise.all(ids.map((id) => patches.getAll(id))),
    Promise.all(ids.map((id) => tx.objectStore("conflicts").get(id))),
    tx.objectStore("meta").get("meta"),
  ]);
  const present = <T>(values: (T | undefined)[]) => values.filter((value): value is T => value !== undefined);
  return { states: present(states), patches: found.flat(), conflicts: present(conflicts), meta: meta ?? EMPTY };
};

/** A transaction that remembers which tasks it touched. */
export class Draft {
  readonly touched = new Set<string>();
  private readonly tx: IDBPTransaction<Tables, typeof TABLES, "readwrite">;

  constructor(database: Database) {
    this.tx = database.transaction(TABLES, "readwrite");
  }

  get done(): Promise<void> {
    return this.tx.done;
  }

  abort(): void {
    this.tx.done.catch(() => {});
    try {
      this.tx.abort();
    } catch {
      // It has ended already.
    }
  }

  async meta(): Promise<Meta> {
    return (await this.tx.objectStore("meta").get("meta")) ?? EMPTY;
  }

  setMeta(meta: Meta): void {
    void this.tx.objectStore("meta").put(meta, "meta");
  }

  async state(id: string): Promise<State | null> {
    return (await this.tx.objectStore("states").get(id)) ?? null;
  }

  states(): Promise<State[]> {
    return this.tx.objectStore("states").getAll();
  }

  setState(state: State): void {
    this.touched.add(state.id);
    void this.tx.objectStore("states").put(state);
  }

  deleteState(id: string): void {
    this.touched.add(id);
    void this.tx.objectStore("states").delete(id);
  }

  /** The changes to a task in the order in which they were made. */
  async patches(id: string): Promise<Patch[]> {
    return (await this.tx.objectStore("patches").index("id").getAll(id)).sort((a, b) => a.seq - b.seq);
  }

  /** The oldest changes. */
  oldest(count: number): Promise<Patch[]> {
    return this.tx.objectStore("patches").getAll(null, count);
  }

  addPatch(patch: Omit<Patch, "seq">): void {
    this.touched.add(patch.id);
    // The store gives it its number.
    void this.tx.objectStore("patches").add(patch as Patch);
  }

  setPatch(patch: Patch): void {
    this.touched.add(patch.id);
    void this.tx.objectStore("patches").put(patch);
  }

  deletePatch(patch: Patch): void {
    this.touched.add(patch.id);
    void this.tx.objectStore("patches").delete(patch.seq);
  }

  async conflict(id: string): Promise<Conflict | null> {
    return (await this.tx.objectStore("conflicts").get(id)) ?? null;
  }

  conflicts(): Promise<Conflict[]> {
    return this.tx.objectStore("conflicts").getAll();
  }

  setConflict(conflict: Conflict): void {
    this.touched.add(conflict.id);
    void this.tx.objectStore("conflicts").put(conflict);
  }

  deleteConflict(id: string): void {
    this.touched.add(id);
    void this.tx.objectStore("conflicts").delete(id);
  }
}
