import { type Range, defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useId, useRef, useState } from "react";
import type { Fields, View } from "../sync/index.ts";
import { dueMoment, longDue, shortDue } from "./due.ts";
import { Editor, PRIORITY_NAMES, type Typed } from "./Editor.tsx";
import { useEager } from "./hooks.ts";
import { Icon } from "./Icon.tsx";

/** What a row can do. It never changes, so that rows are rendered only if their task changes. */
export interface Actions {
  toggle(task: View): Promise<unknown>;
  edit(task: View): void;
  save(task: View, change: Partial<Fields>): void;
  leave(): void;
  type(typed: Typed): void;
  remove(task: View): void;
  discard(task: View): void;
  retry(task: View): void;
  filter(tag: string): void;
}

export interface Editing {
  seen: View;
  typed: Typed;
  /** Where the task was, in case it is no longer in the list. */
  index: number;
}

interface RowProps {
  task: View;
  now: Date;
  actions: Actions;
}

const Row = memo(({ task, now, actions }: RowProps) => {
  const id = useId();
  const [completed, setCompleted] = useEager(task.completed);
  const { title, description, priority, due, tags, conflict, isWaiting } = task;
  const isLate = due && !completed && dueMoment(due) <= now.getTime();
  // What is shown is what its user saw, even if the last click is not stored yet.
  const toggle = () => setCompleted(!completed, actions.toggle({ ...task, completed }));
  return (
    <div className={`row${completed ? " completed" : ""}`} data-priority={priority}>
      <input type="checkbox" className="tick" checked={completed} onChange={toggle} aria-labelledby={`${id}title`} />
      <div className="what" onClick={() => actions.edit(task)}>
        <span className="title" id={`${id}title`}>
          {title}
        </span>
        {description && <span className="description">{description.slice(0, 160)}</span>}
      </div>
      <div className="meta">
        {priority !== "NONE" && (
          <span className="priority" data-priority={priority}>
            {PRIORITY_NAMES[priority]}
          </span>
        )}
        {tags.slice(0, 4).map((tag) => (
          <button type="button" key={tag} className="tag" tabIndex={-1} title={`Only #${tag}`} onClick={() => actions.filter(tag)}>
            {tag}
          </button>
        ))}
        {tags.length > 4 && <span className="tag">+{tags.length - 4}</span>}
        {isWaiting && <span className="waiting" title="Not sent yet" role="img" aria-label="Not sent yet" />}
        <span className="when-due">
          {due && (
            <time className={isLate ? "late" : undefined} dateTime={due.date} title={longDue(due)}>
              {shortDue(due, now)}
            </time>
          )}
        </span>
      </div>
      <div className="actions">
        <button type="button" className="quiet" aria-label="Edit" title="Edit (e)" onClick={() => actions.edit(task)}>
          <Icon name="edit" />
        </button>
        <button type="button" className="quiet" aria-label="Delete" title="Delete (Del)" onClick={() => actions.remove(task)}>
          <Icon name="delete" />
        </button>
      </div>
      {conflict && conflict.reason !== "refused" && <p className="undecided">Changed in two places</p>}
      {conflict?.reason === "refused" && (
        <div className="refusal">
          <p role="alert">
            Not saved: {conflict.invalid.map(({ message }) => message).join(" ") || conflict.message}
          </p>
          <button type="button" onClick={() => actions.retry(task)}>
            Try again
          </button>
          <button type="button" onClick={() => actions.discard(task)}>
            Discard
          </button>
        </div>
      )}
    </div>
  );
});

interface Props {
  tasks: View[];
  now: Date;
  editing: Editing | null;
  actions: Actions;
  label: string;
  /** Changes with the choice of what is shown. */
  scope: string;
}

const HEIGHT = 41;

export const TaskList = ({ tasks, now, editing, actions, label, scope }: Props) => {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [focused, setFocused] = useState<string | null>(null);

  // What is being edited stays, even if it no longer belongs here.
  let shown = tasks;
  let edited = -1;
  if (editing) {
    edited = tasks.findIndex(({ id }) => id === editing.seen.id);
    if (edited < 0) {
      edited = Math.min(editing.index, tasks.length);
      shown = [...tasks.slice(0, edited), editing.seen, ...tasks.slice(edited)];
    }
  }
  const focusedIndex = focused === null ? -1 : shown.findIndex(({ id }) => id === focused);
  const rangeExtractor = useCallback(
    (range: Range) => {
      const kept = [edited, focusedIndex].filter((index) => index >= 0);
      return [...new Set([...defaultRangeExtractor(range), ...kept])].sort((a, b) => a - b);
    },
    [edited, focusedIndex],
  );
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    getItemKey: (index) => shown[index]?.id ?? index,
    overscan: 10,
    rangeExtractor,
  });
  // Another selection is read from its start.
  useEffect(() => virtualizer.scrollToOffset(0), [scope]);
  useEffect(() => {
    if (edited >= 0) virtualizer.scrollToIndex(edited, { align: "auto" });
  }, [editing?.seen.id]);

  return (
    <div className="scroller" ref={scroller}>
      <ul
        ref={list}
        aria-label={label}
        className="tasks"
        style={{ height: virtualizer.getTotalSize() }}
        onFocus={({ target }) => setFocused(target.closest("li")?.dataset.id ?? null)}
        onBlur={() => setFocused(null)}
      >
        {virtualizer.getVirtualItems().map(({ index, key, start }) => {
          const task = shown[index];
          if (!task) return null;
          return (
            <li
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              data-id={task.id}
              aria-setsize={shown.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start}px)` }}
            >
              {editing && index === edited ? (
                <Editor
                  seen={editing.seen}
                  typed={editing.typed}
                  onType={actions.type}
                  onSave={(change) => actions.save(editing.seen, change)}
                  onLeave={actions.leave}
                />
              ) : (
                <Row task={task} now={now} actions={actions} />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
};
