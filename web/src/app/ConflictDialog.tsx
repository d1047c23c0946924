import { useId } from "react";
import { type Conflict, type Field, type Fields, type Replica, differing, fieldsOf, merge } from "../sync/index.ts";
import { longDue } from "./due.ts";
import { PRIORITY_NAMES } from "./Editor.tsx";
import { deliberate } from "./hooks.ts";

const NAMES: Record<Field, string> = {
  title: "Title",
  description: "Description",
  completed: "Status",
  priority: "Priority",
  due: "Due",
  tags: "Tags",
};

const told = (field: Field, fields: Fields): string => {
  switch (field) {
    case "completed":
      return fields.completed ? "Completed" : "Pending";
    case "priority":
      return PRIORITY_NAMES[fields.priority];
    case "due":
      return fields.due ? longDue(fields.due) : "None";
    case "tags":
      return fields.tags.join(", ") || "None";
    default:
      return fields[field] || "None";
  }
};

const Text = ({ fields, names }: { fields: Fields | null; names: Field[] }) =>
  fields ? (
    <dl>
      {names.map((name) => (
        <div key={name}>
          <dt>{NAMES[name]}</dt>
          <dd>{told(name, fields)}</dd>
        </div>
      ))}
    </dl>
  ) : (
    <p className="gone">Deleted</p>
  );

interface Props {
  replica: Replica;
  conflicts: Conflict[];
  onDecide: (id: string, keeps: "mine" | "theirs") => void;
}

/** What was changed here and elsewhere, one task after the other. It takes no focus: its user may be typing. */
export const ConflictDialog = ({ replica, conflicts, onDecide }: Props) => {
  const id = useId();
  const [conflict] = conflicts;
  if (!conflict) return null;
  const { base, mine, deletes } = conflict;
  const task = replica.theirs(conflict.id);
  const theirs = task && fieldsOf(task);
  const names: Field[] = !theirs ? ["title"] : deletes ? differing(base ?? theirs, theirs) : merge(base ?? theirs, mine, theirs).colliding;
  const shown = names.length ? names : (["title"] as Field[]);
  const gone = !theirs && base ? (["title", ...differing(base, mine).filter((name) => name !== "title")] as Field[]) : shown;
  return (
    <div key={conflict.id} className="conflict" role="dialog" tabIndex={-1} aria-label="Conflict" aria-describedby={`${id}about`}>
      <p id={`${id}about`} className="about">
        <strong>{(task ?? base ?? mine).title}</strong> was changed here and elsewhere.
        {conflicts.length > 1 && <span className="of"> 1 of {conflicts.length}</span>}
      </p>
      <div className="sides">
        <section>
          <h2>Mine</h2>
          <Text fields={deletes ? null : mine} names={gone} />
          <button type="button" className="primary" {...deliberate(() => onDecide(conflict.id, "mine"))}>
            Keep mine
          </button>
        </section>
        <section>
          <h2>Theirs</h2>
          <Text fields={theirs} names={shown} />
          <button type="button" {...deliberate(() => onDecide(conflict.id, "theirs"))}>
            Keep theirs
          </button>
        </section>
      </div>
    </div>
  );
};
