import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { type Fields, type Priority, type View, isSame } from "../sync/index.ts";
import { longDue, parseDue, typedDue } from "./due.ts";
import { PRIORITIES } from "./lists.ts";

/** What is typed, which outlives the row it is typed in. */
export interface Typed {
  title: string;
  description: string;
  priority: Priority;
  due: string;
  tags: string;
}

export const PRIORITY_NAMES: Record<Priority, string> = { NONE: "None", LOW: "Low", MEDIUM: "Medium", HIGH: "High", URGENT: "Urgent" };

export const typedOf = ({ title, description, priority, due, tags }: Fields): Typed => ({
  title,
  description: description ?? "",
  priority,
  due: typedDue(due),
  tags: tags.join(", "),
});

type Errors = Partial<Record<keyof Typed, string>>;

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export const titleError = (title: string): string | undefined => {
  if (!title.trim()) return "A task needs a title.";
  if ([...title.trim()].length > 200) return `A title has at most 200 characters; this has ${[...title.trim()].length}.`;
  return CONTROL.test(title.trim()) ? "A title is one line of text." : undefined;
};

/** Tags as the server keeps them: of those that differ only in case the first. */
const tagsOf = (typed: string): string[] => {
  const tags = new Map<string, string>();
  for (const tag of typed.split(",").map((tag) => tag.trim().replace(/^#/, ""))) {
    if (tag && !tags.has(tag.toLowerCase())) tags.set(tag.toLowerCase(), tag);
  }
  return [...tags.values()];
};

/** What was typed as fields. A due date that wasn't changed is what it was, whoever wrote it. */
export const read = (typed: Typed, seen: Fields): { fields: Fields; errors: Errors } => {
  const due = typed.due === typedDue(seen.due) ? seen : parseDue(typed.due, new Date());
  const tags = tagsOf(typed.tags);
  const description = typed.description.replace(/\s+$/, "");
  const errors: Errors = {};
  const title = titleError(typed.title);
  if (title) errors.title = title;
  if ([...description].length > 1000) errors.description = `At most 1,000 characters; this has ${[...description].length}.`;
  if ("error" in due) errors.due = due.error;
  if (tags.length > 20) errors.tags = "At most 20 tags.";
  else if (tags.some((tag) => [...tag].length > 50)) errors.tags = "A tag has at most 50 characters.";
  const { priority } = typed;
  const fields = {
    title: typed.title.trim(),
    description: description || null,
    completed: seen.completed,
    priority,
    due: "error" in due ? seen.due : due.due,
    tags,
  };
  return { fields, errors };
};

interface Props {
  seen: View;
  typed: Typed;
  onType: (typed: Typed) => void;
  onSave: (change: Partial<Fields>) => void;
  onLeave: () => void;
}

/** A task's fields, in place of its row. */
export const Editor = ({ seen, typed, onType, onSave, onLeave }: Props) => {
  const id = useId();
  const title = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [isTried, setTried] = useState(false);
  useEffect(() => {
    title.current?.focus();
    title.current?.setSelectionRange(title.current.value.length, title.current.value.length);
  }, []);

  const { fields, errors } = read(typed, seen);
  const refused: Errors = {};
  if (seen.conflict?.reason === "refused" && !isTried) {
    for (const { field, message } of seen.conflict.invalid) {
      const name = field.split(".")[0] as keyof Typed;
      refused[name in typed ? name : "title"] = message;
    }
  }
  const shown = isTried ? errors : refused;
  const preview = parseDue(typed.due, new Date());

  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const [first] = Object.keys(errors);
    if (first) {
      form.current?.querySelector<HTMLElement>(`[name=${first}]`)?.focus();
      return;
    }
    const before = typedOf(seen);
    const names = (["title", "description", "priority", "due", "tags"] as const).filter(
      (name) => typed[name] !== before[name] && !isSame(name, seen, fields),
    );
    onSave(Object.fromEntries(names.map((name) => [name, fields[name]])));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onLeave();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
  };
  const field = (name: keyof Typed) => ({
    name,
    id: `${id}${name}`,
    value: typed[name],
    "aria-invalid": Boolean(shown[name]),
    "aria-describedby": shown[name] ? `${id}${name}-error` : name === "due" ? `${id}due-hint` : undefined,
    onChange: ({ target }: { target: { value: string } }) => onType({ ...typed, [name]: target.value }),
  });
  const error = (name: keyof Typed) =>
    shown[name] && (
      <p className="field-error" role="alert" id={`${id}${name}-error`}>
        {shown[name]}
      </p>
    );

  return (
    <form ref={form} className="editor" onSubmit={save} onKeyDown={onKeyDown} noValidate>
      <div className="field title">
        <label htmlFor={`${id}title`}>Title</label>
        <input ref={title} type="text" autoComplete="off" {...field("title")} />
        {error("title")}
      </div>
      <div className="field description">
        <label htmlFor={`${id}description`}>Description</label>
        <textarea rows={3} {...field("description")} />
        {error("description")}
      </div>
      <div className="field">
        <label htmlFor={`${id}priority`}>Priority</label>
        <select {...field("priority")}>
          {PRIORITIES.map((priority) => (
            <option key={priority} value={priority}>
              {PRIORITY_NAMES[priority]}
            </option>
          ))}
        </select>
      </div>
      <div className="field due">
        <label htmlFor={`${id}due`}>Due</label>
        <input type="text" autoComplete="off" placeholder="tomorrow, Fri 17:00, 2026-11-30" {...field("due")} />
        {error("due") || (
          <p className="hint" id={`${id}due-hint`}>
            {"due" in preview && preview.due ? longDue(preview.due) : ""}
          </p>
        )}
      </div>
      <div className="field tags">
        <label htmlFor={`${id}tags`}>Tags</label>
        <input type="text" autoComplete="off" placeholder="home, garden" {...field("tags")} />
        {error("tags")}
      </div>
      <div className="buttons">
        <button type="submit" className="primary">
          Save
        </button>
        <button type="button" onClick={onLeave}>
          Cancel
        </button>
      </div>
    </form>
  );
};
