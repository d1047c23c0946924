// What a replica is made of, and how a view is computed from it. No storage, no network, no clock.

/** When a task is due. `at`, the instant, is known only of what the server has sent. */
export interface Due {
  date: string;
  time: string | null;
  timeZone: string | null;
  at?: string | null;
}

export type Priority = "NONE" | "LOW" | "MEDIUM" | "HIGH" | "URGENT";

/** All of a task that users set. */
export interface Fields {
  title: string;
  description: string | null;
  completed: boolean;
  priority: Priority;
  due: Due | null;
  tags: string[];
}

/** A task as the server has it. Version 0 is one that it has acknowledged, but not yet sent. */
export interface Task extends Fields {
  id: string;
  version: number;
  createdAt: string;
  updatedAt: string;
  completedAt: string | null;
}

/** What remains of a deleted task. */
export interface Tombstone {
  id: string;
  version: number;
  deletedAt: string;
}

/** A page of the change feed. */
export interface Page {
  items: (Task | Tombstone)[];
  cursor: string;
  hasMore: boolean;
  reset: boolean;
}

/** A change that the server has not acknowledged. Its base is what the user saw when making it; none for a new task. */
export interface Patch {
  /** The order in which changes were made. */
  seq: number;
  id: string;
  kind: "edit" | "delete" | "restore";
  base: Fields | null;
  task: Fields;
  madeAt: string;
  /** Whether it was sent, so that it may be in effect. */
  isSent?: boolean;
  /** Whether the feed has brought the task since this was sent last. */
  isOvertaken?: boolean;
  /** What its user had to decide about when deleting the task. */
  conflict?: Conflict | null;
}

/** A change that the server didn't take, for its user to decide about. What the server has is in the replica. */
export interface Conflict {
  id: string;
  /** `changed` elsewhere, `deleted` elsewhere, or `refused` because it is invalid. */
  reason: "changed" | "deleted" | "refused";
  base: Fields | null;
  mine: Fields;
  /** Whether the change is the deletion of the task. */
  deletes: boolean;
  /** Whether the change takes the task back from the trash. */
  restores?: boolean;
  madeAt: string;
  message: string;
  invalid: { field: string; message: string }[];
}

/** A task as it is shown, and whether parts of it wait to be sent or for a decision. */
export interface View extends Task {
  isWaiting: boolean;
  conflict: Conflict | null;
}

export const isTombstone = (item: Task | Tombstone): item is Tombstone => "deletedAt" in item;

export const FIELDS = ["title", "description", "completed", "priority", "due", "tags"] as const;
export type Field = (typeof FIELDS)[number];

const sameDue = (a: Due | null, b: Due | null) =>
  a === b || (!!a && !!b && a.date === b.date && a.time === b.time && a.timeZone === b.timeZone);
const sameTags = (a: string[], b: string[]) => a.length === b.length && a.every((tag, index) => tag === b[index]);

export const isSame = (field: Field, a: Fields, b: Fields): boolean => {
  if (field === "due") return sameDue(a.due, b.due);
  if (field === "tags") return sameTags(a.tags, b.tags);
  return a[field] === b[field];
};

/** The fields in which two states differ. */
export const differing = (a: Fields, b: Fields): Field[] => FIELDS.filter((field) => !isSame(field, a, b));

export const fieldsOf = ({ title, description, completed, priority, due, tags }: Fields): Fields => ({
  title,
  description,
  completed,
  priority,
  due: due && { date: due.date, time: due.time, timeZone: due.timeZone },
  tags,
});

export const take = (fields: readonly Field[], from: Fields): Partial<Fields> =>
  Object.fromEntries(fields.map((field) => [field, from[field]]));

/** A state with what changed from `base` to `mine`. */
const overlay = <T extends Fields>(state: T, base: Fields, mine: Fields): T => ({
  ...state,
  ...take(differing(base, mine), mine),
});

/** A task that the server has not sent yet. */
export const unsent = (id: string, fields: Fields, madeAt: string): Task => ({
  ...fields,
  id,
  version: 0,
  createdAt: madeAt,
  updatedAt: madeAt,
  completedAt: fields.completed ? madeAt : null,
});

/** A task after a change; null if it is deleted. */
export const apply = (task: Task | null, patch: Pick<Patch, "id" | "kind" | "base" | "task" | "madeAt">): Task | null => {
  if (patch.kind === "delete") return null;
  if (!task) return unsent(patch.id, patch.task, patch.madeAt);
  const changed = patch.base ? overlay(task, patch.base, patch.task) : { ...task, ...patch.task };
  if (patch.base && !differing(patch.base, patch.task).length) return task;
  const completedAt = changed.completed ? (task.completedAt ?? patch.madeAt) : null;
  return { ...changed, completedAt, updatedAt: patch.madeAt };
};

/** What is shown of a task: the server's state with the changes that wait. What waits for a decision is shown as its user left it. */
export const view = (id: string, state: Task | null, patches: readonly Patch[], conflict: Conflict | null): View | null => {
  let task = state;
  if (conflict && !conflict.deletes) {
    const { base, mine, madeAt } = conflict;
    task = apply(task, { id, kind: "edit", base, task: mine, madeAt });
  }
  for (const patch of patches) task = apply(task, patch);
  return task && { ...task, isWaiting: patches.length > 0, conflict };
};

export interface Merged {
  /** Their state with those of my changes that don't collide. */
  fields: Fields;
  /** The fields that both changed, to different values. */
  colliding: Field[];
}

/** Merges two changes of one state, by field. */
export const merge = (base: Fields, mine: Fields, theirs: Fields): Merged => {
  const changed = differing(base, mine);
  const isColliding = (field: Field) => !isSame(field, base, theirs) && !isSame(field, mine, theirs);
  const colliding = changed.filter(isColliding);
  const fields = { ...fieldsOf(theirs), ...take(changed.filter((field) => !colliding.includes(field)), mine) };
  return { fields, colliding };
};
