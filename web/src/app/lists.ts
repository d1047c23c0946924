// Which tasks a list shows, and in which order.

import type { Priority, View } from "../sync/index.ts";
import { dayOf, dueDay, dueMoment } from "./due.ts";

export const LISTS = ["All", "Today", "Overdue", "Trash"] as const;
export type List = (typeof LISTS)[number];

export const STATUSES = ["All", "Pending", "Completed"] as const;
export type StatusFilter = (typeof STATUSES)[number];

export const SORTS = {
  created_desc: "Newest first",
  created_asc: "Oldest first",
  updated_desc: "Changed last",
  updated_asc: "Unchanged longest",
  due_asc: "Due first",
  due_desc: "Due last",
  priority_desc: "Most urgent",
  priority_asc: "Least urgent",
  title_asc: "Title A–Z",
  title_desc: "Title Z–A",
} as const;
export type Sort = keyof typeof SORTS;

export const PRIORITIES: Priority[] = ["NONE", "LOW", "MEDIUM", "HIGH", "URGENT"];

export interface Choice {
  list: List;
  status: StatusFilter;
  sort: Sort;
  search: string;
}

export interface Selection {
  /** The tasks to show. */
  tasks: View[];
  /** The numbers of tasks that match but for their status. */
  counts: Record<StatusFilter, number>;
  /** The tasks that are pending, by list. */
  pending: Record<"All" | "Today" | "Overdue", number>;
  /** All tags by how many pending tasks have them. */
  tags: [string, number][];
}

type Key = string | number | null;

const collator = new Intl.Collator("en", { sensitivity: "base", numeric: true });
const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

// What the server hasn't dated yet will be the latest, whatever this device's clock says.
const LATER = "~";

const KEYS: Record<string, (task: View) => Key> = {
  created: (task) => (task.version ? task.createdAt : LATER + task.createdAt),
  updated: (task) => (task.isWaiting ? LATER + task.updatedAt : task.updatedAt),
  due: (task) => task.due && dueMoment(task.due),
  priority: (task) => PRIORITIES.indexOf(task.priority) || null,
  title: (task) => task.title,
};

/** Sorts as the server does: what has no key comes last, and ids break ties. */
const sorted = (tasks: View[], sort: Sort): View[] => {
  const [by = "", direction] = sort.split("_");
  const sign = direction === "asc" ? 1 : -1;
  const key = KEYS[by] as (task: View) => Key;
  const compare = by === "title" ? collator.compare : text;
  return tasks
    .map((task) => ({ task, key: key(task) }))
    .sort((a, b) => {
      if (a.key === null || b.key === null) {
        return a.key === b.key ? sign * text(a.task.id, b.task.id) : a.key === null ? 1 : -1;
      }
      const order = typeof a.key === "number" ? a.key - (b.key as number) : compare(a.key, b.key as string);
      return sign * (order || text(a.task.id, b.task.id));
    })
    .map(({ task }) => task);
};

const hyphened = (tag: string) => tag.replace(/\s+/g, "-");

/** The search for a tag. The space behind it says that it is complete. */
export const wholeTag = (tag: string) => `#${hyphened(tag)} `;

/** Words must occur in the title or the description; `#words` are tags, the last of which may be still being typed. */
const matcher = (search: string) => {
  const [tags, words]: [string[], string[]] = [[], []];
  for (const word of search.toLowerCase().split(/\s+/)) if (word) (word.startsWith("#") ? tags : words).push(word);
  const phrase = words.join(" ");
  const started = /#(\S*)$/.exec(search.toLowerCase())?.[1];
  const isMeant = (own: string, wanted: string) => own === wanted || (wanted === started && own.startsWith(wanted));
  return ({ title, description, tags: has }: View) =>
    tags.every((tag) => has.some((own) => isMeant(hyphened(own.toLowerCase()), tag.slice(1)))) &&
    (!phrase || title.toLowerCase().includes(phrase) || !!description?.toLowerCase().includes(phrase));
};

export const isOverdue = (task: View, now: number) => !task.completed && !!task.due && dueMoment(task.due) <= now;

export const select = (views: ReadonlyMap<string, View>, { list, status, sort, search }: Choice, now: Date): Selection => {
  const matches = matcher(search);
  const today = dayOf(now);
  const counts = { All: 0, Pending: 0, Completed: 0 };
  const pending = { All: 0, Today: 0, Overdue: 0 };
  const tags = new Map<string, number>();
  const found: View[] = [];
  for (const task of views.values()) {
    const isToday = !!task.due && dueDay(task.due) === today;
    const isLate = isOverdue(task, now.getTime());
    if (!task.completed) {
      pending.All += 1;
      pending.Today += Number(isToday);
      pending.Overdue += Number(isLate);
      for (const tag of task.tags) tags.set(tag, (tags.get(tag) ?? 0) + 1);
    }
    if ((list === "Today" && !isToday) || (list === "Overdue" && !isLate) || !matches(task)) continue;
    counts.All += 1;
    counts[task.completed ? "Completed" : "Pending"] += 1;
    if (status === "All" || (status === "Completed") === task.completed) found.push(task);
  }
  const byUse = [...tags].sort((a, b) => b[1] - a[1] || text(a[0], b[0]));
  return { tasks: sorted(found, sort), counts, pending, tags: byUse };
};
