// The rules of local changes: how they are queued, acknowledged, and what becomes of those that the server didn't take.
// Each function works inside one transaction.

import { type Conflict, type Field, type Fields, type Page, type Patch, type Task, type Tombstone } from "./model.ts";
import { apply, differing, fieldsOf, isSame, isTombstone, merge, view } from "./model.ts";
import { FIELDS, take } from "./model.ts";
import type { Draft } from "./store.ts";
import type { Pushed } from "./transport.ts";

/** What was sent is among the oldest changes, and less than this. */
const MAX_SENT = 100;

/** A task as its user saw it. */
export type Seen = Fields & { id: string };

const stored = (draft: Draft, id: string) => Promise.all([draft.state(id), draft.patches(id), draft.conflict(id)]);

/** Queues a new task. */
export const create = (draft: Draft, id: string, task: Fields, madeAt: string): void =>
  draft.addPatch({ id, kind: "edit", base: null, task, madeAt });

/**
 * Queues a change of some fields of what the user saw. It joins the last change if that has not been sent: what may be in
 * effect stays as it is. And if its user saw what that changed: another tab's change is not replaced unseen.
 */
export const edit = async (draft: Draft, seen: Seen, change: Partial<Fields>, madeAt: string): Promise<void> => {
  const { id } = seen;
  const fields = FIELDS.filter((field) => field in change && !isSame(field, seen, { ...seen, ...change }));
  if (!fields.length) return;
  const [state, patches, conflict] = await stored(draft, id);
  const mine = { ...(conflict?.mine ?? fieldsOf(seen)), ...change };
  if (conflict?.reason === "refused") return again(draft, { ...conflict, deletes: false, mine }, madeAt);
  if (conflict) {
    draft.setConflict({ ...conflict, deletes: false, mine, madeAt });
    return;
  }
  const shown = view(id, state, patches, null);
  if (!shown) {
    // It was deleted elsewhere while its user was typing.
    draft.setConflict({ id, reason: "deleted", base: fieldsOf(seen), mine, deletes: false, madeAt, message: "", invalid: [] });
    return;
  }
  const last = patches.at(-1);
  const isUnseen = (field: Field) =>
    last && ![last.base, seen, { ...seen, ...change }].some((state) => state && isSame(field, last.task, state));
  if (!last || last.isSent || last.kind !== "edit" || fields.some(isUnseen)) {
    const base = { ...fieldsOf(shown), ...take(fields, seen) };
    draft.addPatch({ id, kind: "edit", base, task: { ...base, ...change }, madeAt });
    return;
  }
  const task = { ...last.task, ...change };
  // A field that is changed for the first time is changed from what its user saw now.
  const { base: old } = last;
  const base = old && { ...old, ...take(fields.filter((field) => isSame(field, old, last.task)), seen) };
  if (base && !differing(base, task).length) draft.deletePatch(last);
  else draft.setPatch({ ...last, base, task, madeAt });
};

/** Queues what was refused once more: its user has mended it, or what was in its way. */
const again = async (draft: Draft, { id, base: old, mine, deletes, restores }: Conflict, madeAt: string): Promise<void> => {
  draft.deleteConflict(id);
  const state = await draft.state(id);
  const base = state && fieldsOf(state);
  if (deletes) {
    if (base) draft.addPatch({ id, kind: "delete", base, task: base, madeAt });
  } else if (restores && old && !base) {
    draft.addPatch({ id, kind: "restore", base: null, task: old, madeAt });
    if (differing(old, mine).length) draft.addPatch({ id, kind: "edit", base: old, task: mine, madeAt });
  } else draft.addPatch({ id, kind: "edit", base, task: base && old ? merge(old, mine, base).fields : mine, madeAt });
};

/** Sends what was refused again, as it is. */
export const retry = async (draft: Draft, id: string, madeAt: string): Promise<void> => {
  const conflict = await draft.conflict(id);
  if (conflict?.reason === "refused") await again(draft, conflict, madeAt);
};

/** Queues the deletion of what the user saw. */
export const remove = async (draft: Draft, seen: Seen, madeAt: string): Promise<void> => {
  const { id } = seen;
  const [state, patches, conflict] = await stored(draft, id);
  if (conflict) draft.deleteConflict(id);
  const shown = conflict ? state : view(id, state, patches, null);
  const base = fieldsOf(conflict ? (shown ?? seen) : seen);
  if (shown) draft.addPatch({ id, kind: "delete", base, task: base, madeAt, conflict });
};

/** Takes a deletion back, or queues that the task is restored from the trash. */
export const restore = async (draft: Draft, id: string, task: Fields, madeAt: string): Promise<void> => {
  const [state, patches, conflict] = await stored(draft, id);
  if (conflict?.deletes) {
    // The deletion was not taken meanwhile; what was typed before it still counts.
    settle(draft, { ...conflict, deletes: false }, state);
    return;
  }
  const last = patches.at(-1);
  if (last?.kind === "delete" && !last.isSent) {
    draft.deletePatch(last);
    // What the deletion decided is open again.
    if (last.conflict?.reason === "refused") draft.setConflict(last.conflict);
    else if (last.conflict) settle(draft, last.conflict, state);
  } else if (!view(id, state, patches, conflict)) draft.addPatch({ id, kind: "restore", base: null, task, madeAt });
};

/** The changes to send next: of one kind, in the order in which they were made, at most one of each task. */
export const next = async (draft: Draft, limit: number): Promise<Patch[]> => {
  const seen = new Set<string>();
  const batch: Patch[] = [];
  for (const patch of await draft.oldest(MAX_SENT)) {
    const isNext = !seen.has(patch.id) && batch.length < limit;
    seen.add(patch.id);
    if (isNext && (patch.kind === "restore") === ((batch[0] ?? patch).kind === "restore")) batch.push(patch);
  }
  // From here on they may be in effect, whether or not an answer comes.
  for (const patch of batch) draft.setPatch(Object.assign(patch, { isSent: true, isOvertaken: false }));
  return batch;
};

/**
 * Shows what was sent as the server has it, until the feed brings that. If the feed has brought the task since, it may have
 * gone further, and what is yet to come will come.
 */
const learn = async (draft: Draft, patch: Patch, answer: Task | Tombstone | null | undefined): Promise<void> => {
  if (patch.isOvertaken) return;
  const state = await draft.state(patch.id);
  const task = answer === undefined ? apply(state, patch) : answer && !isTombstone(answer) ? answer : null;
  if (task) draft.setState({ ...task, epoch: (await draft.meta()).epoch });
  else draft.deleteState(patch.id);
};

/** All changes to a task as one, for its user to decide about. */
const undecided = (patches: Patch[], about: Pick<Conflict, "reason"> & Partial<Conflict>): Conflict => {
  const [first, last] = [patches[0] as Patch, patches.at(-1) as Patch];
  const restores = first.kind === "restore";
  let { base, task: mine } = first;
  if (restores) base = mine;
  for (const { base: seen, task } of patches.slice(1)) {
    // What others changed in between is no change of this user's.
    if (base && seen) base = { ...seen, ...take(differing(base, mine), base) };
    mine = task;
  }
  const deletes = last.kind === "delete";
  return { id: first.id, base, mine, deletes, restores, madeAt: last.madeAt, message: "", invalid: [], ...about };
};

/** Works out what a conflict is, now that the server has `theirs`: still one, or a change that can be sent, or nothing. */
const settle = (draft: Draft, conflict: Conflict, theirs: Task | null): void => {
  const { id, base, mine, deletes, madeAt } = conflict;
  draft.deleteConflict(id);
  if (!theirs) {
    if (!deletes) draft.setConflict({ ...conflict, reason: "deleted" });
    return;
  }
  const now = fieldsOf(theirs);
  if (deletes) {
    if (base && !differing(base, now).length) draft.addPatch({ id, kind: "delete", base: now, task: now, madeAt });
    else draft.setConflict({ ...conflict, reason: "changed" });
    return;
  }
  const { fields, colliding } = merge(base ?? now, mine, now);
  if (colliding.length) draft.setConflict({ ...conflict, reason: "changed" });
  else if (differing(now, fields).length) draft.addPatch({ id, kind: "edit", base: now, task: fields, madeAt });
};

/** Applies the answer to changes that were sent. */
export const acknowledge = async (draft: Draft, batch: Patch[], { conflicts, refused }: Pushed): Promise<void> => {
  const answers = new Map(conflicts.map((item) => [item.id, item]));
  const refusals = new Map(refused.map((refusal) => [refusal.id, refusal]));
  for (const { id, seq } of batch) {
    const patches = await draft.patches(id);
    const patch = patches.find((stored) => stored.seq === seq);
    if (!patch) continue; // Another tab had the answer, too.
    const answer = answers.get(id);
    const refusal = refusals.get(id);
    if (refusal) {
      for (const each of patches) draft.deletePatch(each);
      const { message, invalid } = refusal;
      draft.setConflict(undecided(patches, { reason: "refused", message, invalid }));
      continue;
    }
    await learn(draft, patch, answer);
    if (!answer || !patch.base) {
      // A new task was there: it was created when it was first sent, and others have gone on from there.
      draft.deletePatch(patch);
    } else {
      for (const each of patches) draft.deletePatch(each);
      settle(draft, undecided(patches, { reason: "changed" }), isTombstone(answer) ? null : answer);
    }
  }
};

/** Applies the answer to restorations: the tasks, or why there are none; `deleted` if they are no longer in the trash. */
export const acknowledgeRestored = async (
  draft: Draft,
  batch: Patch[],
  tasks: Task[],
  refusal: Pick<Conflict, "reason" | "message"> | null,
): Promise<void> => {
  const answers = new Map(tasks.map((task) => [task.id, task]));
  for (const { id, seq } of batch) {
    const patches = await draft.patches(id);
    const patch = patches.find((stored) => stored.seq === seq);
    if (!patch) continue;
    if (!refusal) {
      await learn(draft, patch, answers.get(id));
      draft.deletePatch(patch);
    } else {
      for (const each of patches) draft.deletePatch(each);
      draft.setConflict(undecided(patches, refusal));
    }
  }
};

/** Applies what the user decided. What is kept of a task that is gone becomes a new one. */
export const resolve = async (draft: Draft, id: string, keeps: "mine" | "theirs", newId: string, madeAt: string): Promise<void> => {
  const conflict = await draft.conflict(id);
  if (!conflict) return;
  draft.deleteConflict(id);
  const { base, mine, deletes } = conflict;
  const state = await draft.state(id);
  const theirs = state && fieldsOf(state);
  if (!theirs) {
    if (keeps === "mine" && !deletes) create(draft, newId, mine, madeAt);
  } else if (deletes) {
    if (keeps === "mine") draft.addPatch({ id, kind: "delete", base: theirs, task: theirs, madeAt });
  } else if (keeps === "mine" || conflict.reason !== "refused") {
    const merged = merge(base ?? theirs, mine, theirs);
    const mineToo = keeps === "mine" ? Object.fromEntries(merged.colliding.map((field) => [field, mine[field]])) : {};
    const task = { ...merged.fields, ...mineToo };
    if (differing(theirs, task).length) draft.addPatch({ id, kind: "edit", base: theirs, task, madeAt });
  }
};

/** Applies a page of the feed and saves where it ends. */
export const applyPage = async (draft: Draft, { items, cursor, hasMore, reset }: Page): Promise<void> => {
  const meta = await draft.meta();
  const epoch = meta.epoch + Number(reset);
  const isResetting = meta.isResetting || reset;
  const known = await Promise.all(items.map(({ id }) => draft.state(id)));
  const sent = new Map((await draft.oldest(MAX_SENT)).filter(({ isSent }) => isSent).map((patch) => [patch.id, patch]));
  const conflicts = new Map((await draft.conflicts()).map((conflict) => [conflict.id, conflict]));
  for (const [index, item] of items.entries()) {
    const patch = sent.get(item.id);
    if (patch) draft.setPatch({ ...patch, isOvertaken: true });
    const state = known[index];
    if (state && state.epoch === epoch && state.version >= item.version) continue; // A repeat.
    if (isTombstone(item)) draft.deleteState(item.id);
    else draft.setState({ ...item, epoch });
    const conflict = conflicts.get(item.id);
    if (conflict && conflict.reason !== "refused") settle(draft, conflict, isTombstone(item) ? null : item);
  }
  if (isResetting && !hasMore) {
    for (const state of await draft.states()) if (state.epoch !== epoch) draft.deleteState(state.id);
  }
  draft.setMeta({ ...meta, cursor, epoch, isResetting: isResetting && hasMore });
};
