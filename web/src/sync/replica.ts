// A user's tasks on this device: readable and writable at once, in sync with the server whenever it can be reached.
//
// All tabs of a browser share the stored replica. One of them, the leader, talks to the server; the others write into the
// same outbox and hear of changes by a BroadcastChannel.

import { type Conflict, type Fields, type Patch, type Task, type View, fieldsOf, view } from "./model.ts";
import * as outbox from "./outbox.ts";
import { type Content, type Database, Draft, EMPTY, type Meta, openDatabase, readAll, readSome } from "./store.ts";
import { type Pushed, SyncError, type Transport } from "./transport.ts";

export type Link = "connected" | "catching up" | "offline";

/** Why nothing works until somebody does something about it. */
export interface Problem {
  kind: "signedOut" | "unexpected" | "refused" | "storage";
  message: string;
}

export interface Status {
  link: Link;
  /** The number of changes that wait to be sent. */
  waiting: number;
  worksOffline: boolean;
  problem: Problem | null;
}

export interface Options {
  /** Who may lead; by default the browser's Web Locks. Without them every tab leads, which is only slower. */
  locks?: Pick<LockManager, "request"> | undefined;
  /** The pause after a failure, in milliseconds; it doubles up to the longest. */
  pause?: { first: number; longest: number };
  now?: () => Date;
  newId?: () => string;
}

/** The changes in one request: as many as fit, however long their texts are. */
const BATCH = 20;

/** Above this many tasks, reading all of them again is faster. */
const MANY = 1000;

type Message =
  | { kind: "changed"; ids: string[] | null }
  | { kind: "status"; link: Link; problem: Problem | null }
  | { kind: "hello" }
  | { kind: "reconnect" };

let last = 0;

/** A UUID of version 7: tasks that are sent together keep the order in which they were made, in which lists break ties. */
const uuid = (): string => {
  last = Math.max(last + 1, Date.now() * 4096);
  const time = Math.floor(last / 4096).toString(16).padStart(12, "0");
  const counter = (last % 4096).toString(16).padStart(3, "0");
  const [variant = 0, ...rest] = crypto.getRandomValues(new Uint8Array(8));
  const tail = [(variant & 0x3f) | 0x80, ...rest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${tail.slice(0, 4)}-${tail.slice(4)}`;
};

export class Replica {
  private states = new Map<string, Task>();
  private patches = new Map<string, Patch[]>();
  private undecided = new Map<string, Conflict>();
  private shown = new Map<string, View>();
  private meta: Meta = EMPTY;
  private link: Link = "catching up";
  private problem: Problem | null = null;
  private waiting = 0;
  private isLeader = false;
  /** Whether another tab is to lead, which may have a token. */
  private isYielding = false;
  /** Whether the server answered last time. */
  private isUp = false;
  private isPushing = false;
  /** How many changes are sent one by one, because one of them makes a request fail. */
  private singly = 0;
  private readonly listeners = new Set<() => void>();
  private readonly closing = new AbortController();
  /** Ends the connection of the moment, or the pause before the next. */
  private round = new AbortController();
  private readonly channel: BroadcastChannel;
  private readonly pause: { first: number; longest: number };
  private readonly now: () => Date;
  private readonly newId: () => string;

  /** Grows with each change of what is shown. */
  revision = 0;

  private constructor(
    readonly name: string,
    private readonly database: Database,
    private readonly transport: Transport,
    options: Options,
  ) {
    this.pause = options.pause ?? { first: 500, longest: 15_000 };
    this.now = options.now ?? (() => new Date());
    this.newId = options.newId ?? uuid;
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => void this.hear(data);
  }

  /** Opens what is stored under this name, one for each user, and keeps it in sync until it is closed. */
  static async open(name: string, transport: Transport, options: Options = {}): Promise<Replica> {
    const database = await openDatabase(name);
    const replica = new Replica(name, database, transport, options);
    replica.load(await readAll(database), null);
    replica.say({ kind: "hello" });
    const locks = "locks" in options ? options.locks : globalThis.navigator?.locks;
    void replica.lead(locks).catch(() => {});
    return replica;
  }

  close(): void {
    this.closing.abort();
    this.round.abort();
    this.channel.close();
    this.listeners.clear();
    this.database.close();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The tasks as they are shown, by id. */
  get views(): ReadonlyMap<string, View> {
    return this.shown;
  }

  get conflicts(): Conflict[] {
    return [...this.undecided.values()];
  }

  /** What the server has, as far as is known. */
  theirs(id: string): Task | null {
    return this.states.get(id) ?? null;
  }

  /** The deletions that the server doesn't know of yet. */
  get deletions(): Patch[] {
    return [...this.patches.values()].flat().filter((patch) => patch.kind === "delete");
  }

  get status(): Status {
    const { link, waiting, problem } = this;
    const { worksOffline } = this.meta;
    return { link: worksOffline ? "offline" : link, waiting, problem, worksOffline };
  }

  /** Whether nothing was ever received, so that an empty list means nothing. */
  get isNew(): boolean {
    return this.meta.cursor === null;
  }

  // What users do. Each is stored when its promise resolves, and is sent as soon as that is possible. Tasks are changed side by
  // side, as the storage takes its time to answer each question.

  async create(task: Fields): Promise<string> {
    const id = this.newId();
    await this.change(async (draft) => outbox.create(draft, id, task, this.time()));
    return id;
  }

  /** Changes fields of tasks, which are given as the user saw them. */
  edit(tasks: outbox.Seen[], change: Partial<Fields>): Promise<void> {
    return this.change(async (draft) => {
      await Promise.all(tasks.map((task) => outbox.edit(draft, task, change, this.time())));
    });
  }

  remove(tasks: outbox.Seen[]): Promise<void> {
    return this.change(async (draft) => {
      await Promise.all(tasks.map((task) => outbox.remove(draft, task, this.time())));
    });
  }

  /** Restores deleted tasks: these are what they were. */
  restore(tasks: outbox.Seen[]): Promise<void> {
    return this.change(async (draft) => {
      await Promise.all(tasks.map((task) => outbox.restore(draft, task.id, fieldsOf(task), this.time())));
    });
  }

  resolve(id: string, keeps: "mine" | "theirs"): Promise<void> {
    return this.change((draft) => outbox.resolve(draft, id, keeps, this.newId(), this.time()));
  }

  /** Sends what was refused again. */
  retry(id: string): Promise<void> {
    return this.change((draft) => outbox.retry(draft, id, this.time()));
  }

  /** While this is on, nothing is sent or received. */
  async workOffline(worksOffline: boolean): Promise<void> {
    await this.write(async (draft) => draft.setMeta({ ...(await draft.meta()), worksOffline }));
    this.endRound();
  }

  /** Tries the server again at once, for example because the network is back. */
  reconnect(): void {
    this.say({ kind: "reconnect" });
    this.endRound();
  }

  private endRound(): void {
    this.isUp = false;
    this.round.abort();
  }

  private time(): string {
    return this.now().toISOString();
  }

  private async change(work: (draft: Draft) => Promise<void>): Promise<void> {
    await this.write(work);
    void this.push();
  }

  /** One transaction; what it changed is shown once it is stored. */
  private async write<T>(work: (draft: Draft) => Promise<T>): Promise<T> {
    const draft = new Draft(this.database);
    let result: T;
    try {
      result = await work(draft);
      await draft.done;
    } catch (error) {
      draft.abort();
      throw error;
    }
    const ids = draft.touched.size > MANY ? null : [...draft.touched];
    this.load(ids ? await readSome(this.database, ids) : await readAll(this.database), ids);
    this.say({ kind: "changed", ids });
    return result;
  }

  /** Shows what is stored, of some tasks or of all. */
  private load({ states, patches, conflicts, meta }: Content, ids: string[] | null): void {
    this.meta = meta;
    if (!ids) {
      this.states.clear();
      this.patches.clear();
      this.undecided.clear();
      this.shown.clear();
    }
    for (const id of ids ?? []) {
      this.states.delete(id);
      this.patches.delete(id);
      this.undecided.delete(id);
    }
    for (const state of states) this.states.set(state.id, state);
    for (const patch of patches) this.patches.set(patch.id, [...(this.patches.get(patch.id) ?? []), patch]);
    for (const conflict of conflicts) this.undecided.set(conflict.id, conflict);
    for (const id of ids ?? [...this.states.keys(), ...this.patches.keys(), ...this.undecided.keys()]) {
      const queued = this.patches.get(id)?.sort((a, b) => a.seq - b.seq) ?? [];
      const seen = view(id, this.states.get(id) ?? null, queued, this.undecided.get(id) ?? null);
      if (seen) this.shown.set(id, seen);
      else this.shown.delete(id);
    }
    this.waiting = 0;
    for (const queued of this.patches.values()) this.waiting += queued.length;
    this.announce();
  }

  private announce(): void {
    this.revision += 1;
    for (const listener of this.listeners) listener();
  }

  private say(message: Message): void {
    if (!this.closing.signal.aborted) this.channel.postMessage(message);
  }

  private async hear(message: Message): Promise<void> {
    if (message.kind === "hello") {
      if (this.isLeader) this.say({ kind: "status", link: this.link, problem: this.problem });
      this.yieldIfSignedOut();
    } else if (message.kind === "reconnect") {
      if (!this.isLeader) return;
      this.yieldIfSignedOut();
      this.endRound();
    } else if (message.kind === "status") {
      this.link = message.link;
      this.problem = message.problem;
      this.announce();
    } else {
      const { worksOffline } = this.meta;
      const { ids } = message;
      try {
        this.load(ids ? await readSome(this.database, ids) : await readAll(this.database), ids);
      } catch {
        return; // Closed meanwhile.
      }
      if (this.meta.worksOffline !== worksOffline) this.endRound();
      void this.push();
    }
  }

  /** A tab that was opened or wants to connect may have a token, where this one has none. */
  private yieldIfSignedOut(): void {
    if (!this.isLeader || this.problem?.kind !== "signedOut") return;
    this.isYielding = true;
    this.endRound();
  }

  private setStatus(link: Link, problem: Problem | null = null): void {
    if (this.link === link && this.problem?.message === problem?.message) return;
    this.link = link;
    this.problem = problem;
    this.say({ kind: "status", link, problem });
    this.announce();
  }

  // The leader's part.

  private async lead(locks: Pick<LockManager, "request"> | undefined): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      if (locks) await locks.request(this.name, { signal }, () => this.follow());
      else await this.follow();
    }
  }

  private async follow(): Promise<void> {
    this.isLeader = true;
    this.isYielding = false;
    let failures = 0;
    while (!this.closing.signal.aborted && !this.isYielding) {
      const { signal } = (this.round = new AbortController());
      if (this.meta.worksOffline) {
        this.setStatus("offline");
        await wait(null, signal);
        continue;
      }
      let wasLive = false;
      let atLeast = 0;
      try {
        await this.catchUp(signal, () => (wasLive = true));
        // The stream ended as it does when a token expires or a server stops.
      } catch (error) {
        if (this.closing.signal.aborted) break;
        const { kind, message, wait } =
          error instanceof SyncError ? error : new SyncError("refused", `Changes can't be stored: ${String(error)}`);
        atLeast = wait;
        // Where only sockets don't get through, the pages come still.
        if (!this.isUp || kind !== "offline") this.setStatus("offline", kind === "offline" ? null : { kind, message });
      }
      failures = wasLive ? 0 : failures + 1;
      if (signal.aborted) continue;
      // The first attempt after a broken connection is made at once, or almost: a server that stops has many clients.
      const doubled = Math.min(this.pause.longest, this.pause.first * 2 ** Math.max(0, failures - 1));
      await wait(Math.max(atLeast, (wasLive ? this.pause.first / 5 : doubled) * (0.5 + Math.random())), signal);
    }
    this.isLeader = false;
  }

  /** Reads the pages that were missed, then those that come. */
  private async catchUp(signal: AbortSignal, isLive: () => void): Promise<void> {
    this.isUp = false;
    for (let hasMore = true; hasMore; ) {
      const page = await this.transport.changes(this.meta.cursor, signal);
      if (signal.aborted) return;
      if (this.link === "offline") this.setStatus("catching up");
      await this.write((draft) => outbox.applyPage(draft, page));
      hasMore = page.hasMore;
    }
    this.isUp = true;
    void this.push();
    for await (const page of this.transport.live(this.meta.cursor, signal)) {
      if (signal.aborted) return;
      await this.write((draft) => outbox.applyPage(draft, page));
      isLive();
      this.setStatus(page.hasMore ? "catching up" : "connected");
      void this.push();
    }
  }

  /** Sends what waits, until nothing does or it fails. */
  private async push(): Promise<void> {
    if (!this.isLeader || this.isPushing) return;
    this.isPushing = true;
    try {
      let failures = 0;
      while (this.isUp && this.waiting && !this.meta.worksOffline && !this.closing.signal.aborted) {
        try {
          await this.pushSome();
          failures = 0;
          if (this.problem?.kind === "unexpected") this.setStatus(this.link);
        } catch (error) {
          if (!(error instanceof SyncError)) throw error;
          const { kind, message } = error;
          if (kind === "signedOut") this.setStatus("offline", { kind, message });
          if (kind === "unexpected") this.setStatus(this.link, { kind, message });
          failures += 1;
          const doubled = Math.min(this.pause.longest, this.pause.first * 2 ** (failures - 1));
          await wait(Math.max(error.wait, doubled), this.round.signal);
        }
      }
    } catch (error) {
      if (!this.closing.signal.aborted) this.setStatus("offline", { kind: "storage", message: String(error) });
    } finally {
      this.isPushing = false;
    }
  }

  private async pushSome(): Promise<void> {
    const batch = await this.write((draft) => outbox.next(draft, this.singly > 0 ? 1 : BATCH));
    if (!batch.length) return;
    const isRestoring = batch[0]?.kind === "restore";
    let pushed: Pushed = { conflicts: [], refused: [] };
    let restored: Task[] = [];
    let refusal: Pick<Conflict, "reason" | "message"> | null = null;
    try {
      if (isRestoring) restored = await this.transport.restore(batch.map(({ id }) => id));
      else pushed = await this.transport.push(batch.map(({ kind, ...patch }) => ({ ...patch, deleted: kind === "delete" })));
    } catch (error) {
      if (!(error instanceof SyncError) || error.kind !== "refused") throw error;
      if (batch.length > 1) {
        // One of them makes the request fail: the others are sent without it.
        this.singly = batch.length;
        return;
      }
      refusal = { reason: error.code === "NOT_FOUND" ? "deleted" : "refused", message: error.message };
      pushed.refused = batch.map(({ id }) => ({ id, message: error.message, invalid: [] }));
    }
    this.singly = Math.max(0, this.singly - 1);
    await this.write((draft) =>
      isRestoring ? outbox.acknowledgeRestored(draft, batch, restored, refusal) : outbox.acknowledge(draft, batch, pushed),
    );
  }
}

/** Until the time has passed, if it is given, or the signal is aborted. */
const wait = (milliseconds: number | null, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = milliseconds === null ? undefined : setTimeout(resolve, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
