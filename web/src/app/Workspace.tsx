import { type FormEvent, useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { type Fields, Replica, type Send, type View, graphqlTransport, sender } from "../sync/index.ts";
import { ConflictDialog } from "./ConflictDialog.tsx";
import { dayOf, longDay } from "./due.ts";
import { titleError, typedOf } from "./Editor.tsx";
import { useEager, useLatest, useNow, useRevision, useStored } from "./hooks.ts";
import { Icon, Mark } from "./Icon.tsx";
import { shortcutOf } from "./keys.ts";
import { type Choice, LISTS, type List, SORTS, STATUSES, type Sort, type StatusFilter, select, wholeTag } from "./lists.ts";
import type { Session } from "./session.ts";
import { type Actions, type Editing, TaskList } from "./TaskList.tsx";
import { Trash } from "./Trash.tsx";

interface Props {
  session: Session;
  endpoint: string;
  /** Which of several panes this is; 0 is the first. */
  pane: number;
  panes: number;
  /** Absent where users can't be chosen by name. */
  onUser: ((name: string) => void) | undefined;
  onSignIn: (() => void) | undefined;
  onHelp: () => void;
}

/** The tasks of a user: opens what is stored of them, and shows it. */
export const Workspace = (props: Props) => {
  const { session, endpoint, pane } = props;
  const [opened, setOpened] = useState<{ replica: Replica; send: Send } | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let replica: Replica | undefined;
    let isClosed = false;
    const url = new URL(endpoint, location.href).href;
    // A pane is a device of its own: the same user can be in two.
    const name = `tandem:${session.user}${pane ? `:${pane + 1}` : ""}`;
    Replica.open(name, graphqlTransport(url, session.token)).then(
      (it) => {
        replica = it;
        if (isClosed) it.close();
        else setOpened({ replica: it, send: sender(url, session.token) });
      },
      (error: unknown) => setProblem(String(error)),
    );
    return () => {
      isClosed = true;
      setOpened(null);
      replica?.close();
    };
  }, [session, endpoint, pane]);
  if (problem) {
    return (
      <div className="fatal">
        <p className="big">This browser keeps no data.</p>
        <p role="alert">Tandem stores your tasks here, so that they are there without a connection. {problem}</p>
      </div>
    );
  }
  return opened ? <Desk {...props} {...opened} /> : <div className="desk" aria-busy="true" />;
};

interface Undo {
  what: string;
  /** The task that takes the focus, if it is one. */
  id?: string;
  run: () => Promise<void>;
}

const isSort = (text: string): text is Sort => Object.hasOwn(SORTS, text);
const isStatus = (text: string): text is StatusFilter => (STATUSES as readonly string[]).includes(text);

const plural = (count: number, noun: string) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const EMPTY: Record<Exclude<List, "Trash">, [string, string]> = {
  All: ["A clear desk.", "Write down what is on your mind: press n, type, Enter."],
  Today: ["Nothing is due today.", "What you add here is due today."],
  Overdue: ["Nothing is overdue.", "Tasks whose time has passed would be here."],
};

const Desk = ({ session, pane, panes, onUser, onSignIn, onHelp, replica, send }: Props & { replica: Replica; send: Send }) => {
  const id = useId();
  const desk = useRef<HTMLDivElement>(null);
  const revision = useRevision(replica);
  const now = useNow();
  const today = dayOf(now);
  const [list, setList] = useState<List>("All");
  const [status, setStatus] = useStored<StatusFilter>(`tandem:status:${pane}`, "All", isStatus);
  const [sort, setSort] = useStored<Sort>(`tandem:sort:${pane}`, "created_desc", isSort);
  const [search, setSearch] = useState("");
  const [title, setTitle] = useState("");
  const [titleProblem, setTitleProblem] = useState("");
  const [editing, setEditing] = useState<Editing | null>(null);
  const [undo, setUndo] = useState<Undo | null>(null);
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState("");

  const choice = useMemo<Choice>(() => ({ list, status, sort, search }), [list, status, sort, search]);
  const selection = useMemo(() => select(replica.views, choice, now), [replica, revision, choice, now]);
  const { tasks, counts, pending, tags } = selection;
  const { link, waiting, worksOffline, problem: linkProblem } = replica.status;
  const [isOfflineOn, setOfflineOn] = useEager(worksOffline);
  const { conflicts } = replica;
  const decisions = conflicts.filter(({ reason }) => reason !== "refused");

  useEffect(() => {
    const again = () => replica.reconnect();
    const seen = () => document.visibilityState === "visible" && replica.status.link === "offline" && replica.reconnect();
    window.addEventListener("online", again);
    window.addEventListener("offline", again);
    document.addEventListener("visibilitychange", seen);
    return () => {
      window.removeEventListener("online", again);
      window.removeEventListener("offline", again);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [replica]);

  /** Does something that is stored, and tells whether it is; the storage may be full. */
  const attempt = useCallback(
    (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => {
          setProblem("");
          return true;
        },
        (error: unknown) => {
          setProblem(`This could not be stored: ${String(error)}`);
          return false;
        },
      ),
    [],
  );

  const focusRow = (from: Element | null, step: number) => {
    const rows = [...(desk.current?.querySelectorAll<HTMLElement>(".tasks > li") ?? [])];
    const at = rows.findIndex((row) => row.contains(from));
    const row = at < 0 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    row?.querySelector<HTMLElement>("input, button")?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };

  const add = (event: FormEvent) => {
    event.preventDefault();
    if (!title.trim()) return;
    const wrong = titleError(title);
    setTitleProblem(wrong ?? "");
    if (wrong) return;
    const due = list === "Today" ? { date: today, time: null, timeZone: null } : null;
    const fields: Fields = { title: title.trim(), description: null, completed: false, priority: "NONE", due, tags: [] };
    setTitle("");
    if (list === "Overdue" || list === "Trash") setList("All");
    if (status === "Completed") setStatus("All");
    if (search) setSearch("");
    void attempt(replica.create(fields)).then((isStored) => {
      if (isStored) setSaid(`Added ${fields.title}`);
      else setTitle((typed) => title + typed);
    });
  };

  /**
   * To be called before a change that may take the focused element away; what it returns, after it: then the row, or the one
   * beside it, takes the focus.
   */
  const keepFocus = (selector: string, id = "") => {
    const from = document.activeElement;
    if (!from || from === document.body) return () => undefined;
    const row = from.closest("li");
    const near = [row, row?.nextElementSibling, row?.previousElementSibling];
    const isDeciding = from.closest(".conflict");
    const find = (wanted: string) => desk.current?.querySelector<HTMLElement>(wanted);
    const focus = () => {
      // An earlier change whose element is still there must not take the focus before a later one whose element has left.
      if (from.isConnected || document.activeElement !== document.body) return;
      const next = near.find((it) => it?.isConnected) ?? find(`[data-id="${id}"]`);
      const to = (isDeciding && find(".conflict")) || next?.querySelector<HTMLElement>(selector);
      (to ?? find(".tasks input, .trashed button") ?? find(".add input") ?? find(".search input"))?.focus();
    };
    return () => void requestAnimationFrame(focus);
  };

  const remove = (task: View) => {
    // The next row takes the focus.
    const focused = document.activeElement?.closest("li");
    if (focused instanceof HTMLElement && focused.dataset.id === task.id) {
      const next = focused.nextElementSibling ?? focused.previousElementSibling;
      (next?.querySelector<HTMLElement>("input") ?? desk.current?.querySelector<HTMLElement>(".add input"))?.focus();
    }
    attempt(replica.remove([task]));
    setUndo({ what: `Deleted “${task.title}”`, id: task.id, run: () => replica.restore([task]) });
  };

  const scope = (isCompleted: boolean) =>
    select(replica.views, { ...choice, status: isCompleted ? "Completed" : "Pending" }, now).tasks;
  const completeAll = () => {
    const all = scope(false);
    const ids = new Set(all.map((task) => task.id));
    attempt(replica.edit(all, { completed: true }));
    setUndo({
      what: `Completed ${plural(all.length, "task")}`,
      run: () => replica.edit([...replica.views.values()].filter((task) => ids.has(task.id) && task.completed), { completed: false }),
    });
  };
  const clearCompleted = () => {
    const all = scope(true);
    attempt(replica.remove(all));
    setUndo({ what: `Deleted ${plural(all.length, "completed task")}`, run: () => replica.restore(all) });
  };
  const takeBack = () => {
    if (!undo) return;
    void attempt(undo.run()).then(keepFocus("input", undo.id));
    setSaid("Undone");
    setUndo(null);
  };

  const latest = useLatest({ tasks, editing, remove, keepFocus });
  const actions = useMemo<Actions>(() => {
    let after: View | null = null;
    const open = (task: View) => {
      const seen = replica.views.get(task.id) ?? task;
      const index = Math.max(0, latest.current.tasks.findIndex(({ id }) => id === task.id));
      setEditing({ seen, typed: typedOf(seen), index });
    };
    return {
      toggle: (task) => {
        const refocus = latest.current.keepFocus("input");
        return attempt(replica.edit([task], { completed: !task.completed })).then(refocus);
      },
      edit: (task) => {
        const { editing } = latest.current;
        if (!editing) return open(task);
        if (editing.seen.id === task.id) return;
        // What was typed is saved first. If it can't be, its editor stays and says why.
        after = task;
        desk.current?.querySelector<HTMLFormElement>(".editor")?.requestSubmit();
        after = null;
      },
      save: (task, change) => {
        const next = after;
        const refocus = latest.current.keepFocus("[aria-label=Edit]");
        void attempt(replica.edit([task], change)).then((isStored) => {
          if (!isStored) return;
          if (next) return open(next);
          flushSync(() => setEditing(null));
          refocus();
        });
      },
      leave: () => {
        const refocus = latest.current.keepFocus("[aria-label=Edit]");
        setEditing(null);
        refocus();
      },
      type: (typed) => setEditing((old) => old && { ...old, typed }),
      remove: (task) => latest.current.remove(task),
      discard: (task) => attempt(replica.resolve(task.id, "theirs")),
      retry: (task) => attempt(replica.retry(task.id)),
      filter: (tag) => setSearch(wholeTag(tag)),
    };
  }, [replica]);

  const onKey = (event: KeyboardEvent) => {
    const panesHere = [...document.querySelectorAll(".desk")];
    const own = event.target instanceof Element ? event.target.closest(".desk") : null;
    if ((own ?? panesHere[0]) !== desk.current) return;
    const find = <T extends HTMLElement>(selector: string) => desk.current?.querySelector<T>(selector);
    const row = document.activeElement?.closest<HTMLElement>(".tasks > li");
    const task = row?.dataset.id ? replica.views.get(row.dataset.id) : undefined;
    const does: Record<string, (() => void) | undefined> = {
      n: () => find(".add input")?.focus(),
      "/": () => find("[type=search]")?.focus(),
      j: () => focusRow(row ?? null, 1),
      ArrowDown: () => focusRow(row ?? null, 1),
      k: () => focusRow(row ?? null, -1),
      ArrowUp: () => focusRow(row ?? null, -1),
      x: task && (() => row?.querySelector<HTMLElement>("[type=checkbox]")?.click()),
      e: task && (() => actions.edit(task)),
      Delete: task && (() => remove(task)),
      z: undo ? takeBack : undefined,
      o: () => attempt(replica.workOffline(!worksOffline)),
      c: () => find(".conflict button")?.focus(),
      "?": onHelp,
      Escape: () => {
        if (search) setSearch("");
        if (event.target instanceof HTMLElement) event.target.blur();
      },
      ...Object.fromEntries(LISTS.map((name, index) => [String(index + 1), () => setList(name)])),
    };
    const run = does[shortcutOf(event)];
    if (!run || (editing && event.key === "Escape")) return;
    event.preventDefault();
    run();
  };
  const latestKey = useLatest(onKey);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => latestKey.current(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  const isTrash = list === "Trash";
  const isLoading = replica.isNew && !replica.views.size;
  const [headline, hint] = search ? [`No task matches “${search.trim()}”.`, "Try fewer words, or #tag."] : EMPTY[isTrash ? "All" : list];
  const tabs = useRef<HTMLDivElement>(null);
  const moveTab = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = STATUSES[(STATUSES.indexOf(status) + step + STATUSES.length) % STATUSES.length] as StatusFilter;
    setStatus(next);
    tabs.current?.querySelector<HTMLElement>(`[data-status=${next}]`)?.focus();
  };

  return (
    <div className="desk" ref={desk}>
      <div className="side">
        <p className="brand">
          <Mark /> Tandem
        </p>
        <nav aria-label={panes > 1 ? `Lists, ${session.user}${pane ? ` ${pane + 1}` : ""}` : "Lists"}>
          <ul>
            {LISTS.map((name) => (
              <li key={name}>
                <button type="button" aria-current={list === name ? "page" : undefined} aria-describedby={`${id}${name}`} onClick={() => setList(name)}>
                  {name}
                </button>
                <span className="count" id={`${id}${name}`} data-late={name === "Overdue" && pending.Overdue > 0}>
                  {name !== "Trash" && pending[name] ? pending[name].toLocaleString("en") : ""}
                </span>
              </li>
            ))}
          </ul>
        </nav>
        {tags.length > 0 && (
          <div className="tags">
            <h2>Tags</h2>
            <ul>
              {tags.slice(0, 12).map(([tag, count]) => {
                const filter = wholeTag(tag);
                return (
                  <li key={tag}>
                    <button type="button" aria-pressed={search === filter} onClick={() => setSearch(search === filter ? "" : filter)}>
                      {tag}
                    </button>
                    <span className="count" aria-hidden="true">
                      {count.toLocaleString("en")}
                    </span>
                  </li>
                );
              })}
            </ul>
          </div>
        )}
        <div className="foot">
          {onUser && (
            <form
              className="user"
              onSubmit={(event) => {
                event.preventDefault();
                const name = new FormData(event.currentTarget).get("user");
                if (typeof name === "string" && name.trim()) onUser(name.trim());
              }}
            >
              <label htmlFor={`${id}user`}>User</label>
              <input id={`${id}user`} name="user" type="text" defaultValue={session.user} autoComplete="off" spellCheck={false} />
            </form>
          )}
          <label className="switch">
            <input
              type="checkbox"
              role="switch"
              checked={isOfflineOn}
              onChange={({ target }) => setOfflineOn(target.checked, attempt(replica.workOffline(target.checked)))}
            />
            <span>Work offline</span>
          </label>
          <button type="button" className="quiet keys" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onHelp}>
            ?
          </button>
        </div>
      </div>

      <div className="page">
        <header className="head">
          <div className="headline">
            <h1>{list}</h1>
            <p className="sub">{list === "Today" ? longDay(now) : isTrash || !counts.Pending ? "" : `${plural(counts.Pending, "task")} to do`}</p>
          </div>
          <div className="tools">
            <div className="search">
              <Icon name="search" />
              <input type="search" aria-label="Search" placeholder="Search" value={search} maxLength={200} onChange={({ target }) => setSearch(target.value)} />
            </div>
            {!isTrash && (
              <select aria-label="Sort" className="sort" value={sort} onChange={({ target }) => setSort(target.value as Sort)}>
                {Object.entries(SORTS).map(([value, name]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </div>
        </header>

        {linkProblem && (
          <div className="banner" role="alert">
            <p>{linkProblem.message}</p>
            <button type="button" onClick={onSignIn ?? (() => replica.reconnect())}>
              {onSignIn && linkProblem.kind === "signedOut" ? "Sign in" : "Try again"}
            </button>
          </div>
        )}
        {problem && (
          <div className="banner" role="alert">
            <p>{problem}</p>
          </div>
        )}

        {isTrash ? (
          <Trash replica={replica} send={send} search={search.trim()} now={now} isOnline={link !== "offline"} revision={revision} attempt={attempt} keepFocus={keepFocus} />
        ) : (
          <>
            <form className="add" onSubmit={add}>
              <Icon name="add" />
              <input
                type="text"
                aria-label="New task"
                placeholder={list === "Today" ? "New task for today" : "New task"}
                autoComplete="off"
                enterKeyHint="done"
                value={title}
                aria-invalid={Boolean(titleProblem)}
                aria-describedby={titleProblem ? `${id}title-problem` : undefined}
                onChange={({ target }) => {
                  setTitle(target.value);
                  if (titleProblem) setTitleProblem(titleError(target.value) ?? "");
                }}
              />
              {titleProblem && (
                <p className="field-error" role="alert" id={`${id}title-problem`}>
                  {titleProblem}
                </p>
              )}
            </form>
            <div className="bar">
              <div role="tablist" aria-label="Status" className="tabs" ref={tabs} onKeyDown={moveTab}>
                {STATUSES.map((name) => (
                  <button
                    type="button"
                    role="tab"
                    key={name}
                    id={`${id}tab-${name}`}
                    data-status={name}
                    aria-selected={status === name}
                    aria-controls={`${id}panel`}
                    tabIndex={status === name ? 0 : -1}
                    onClick={() => setStatus(name)}
                  >
                    {name}
                  </button>
                ))}
              </div>
              <div className="bulk">
                <button type="button" disabled={!counts.Pending} onClick={completeAll}>
                  Complete all
                </button>
                <button type="button" disabled={!counts.Completed} onClick={clearCompleted}>
                  Clear completed
                </button>
              </div>
            </div>
            <div role="tabpanel" id={`${id}panel`} aria-labelledby={`${id}tab-${status}`} className="panel" aria-busy={isLoading}>
              {isLoading && link !== "offline" && (
                <div className="skeleton">
                  <p className="hidden">Loading</p>
                  {[62, 38, 74, 50, 44, 66].map((width) => (
                    <span key={width} style={{ width: `${width}%` }} />
                  ))}
                </div>
              )}
              {isLoading && link === "offline" && (
                <div className="empty">
                  <p className="big">Not here yet.</p>
                  <p>Your tasks come when there is a connection. You can already add some.</p>
                </div>
              )}
              {!isLoading && !tasks.length && !editing && (
                <div className="empty">
                  <p className="big">{status === "Completed" && !search ? "Nothing is completed yet." : counts.All && !search ? "All done." : headline}</p>
                  <p>{counts.All && !search ? "" : hint}</p>
                </div>
              )}
              <TaskList key={list} tasks={tasks} now={now} editing={editing} actions={actions} label="Tasks" scope={`${status} ${sort} ${search}`} />
            </div>
          </>
        )}

        <footer className="state" data-link={link}>
          <p role="status">
            <span className="dot" />
            {link}
            {waiting > 0 && `, ${waiting.toLocaleString("en")} waiting`}
          </p>
          {conflicts.length > decisions.length && <p>{plural(conflicts.length - decisions.length, "change")} not saved</p>}
        </footer>

        <div aria-live="polite" className="toasts">
          <span className="hidden">{said}</span>
          <span className="hidden">{decisions[0] && `Conflict about “${(replica.theirs(decisions[0].id) ?? decisions[0].mine).title}”`}</span>
          {undo && (
            <div className="toast">
              <span>{undo.what}</span>
              <button type="button" onClick={takeBack}>
                Undo
              </button>
              <button type="button" className="quiet" aria-label="Dismiss" onClick={() => setUndo(null)}>
                <Icon name="close" />
              </button>
            </div>
          )}
        </div>
        <ConflictDialog
          replica={replica}
          conflicts={decisions}
          onDecide={(decided, keeps) => void attempt(replica.resolve(decided, keeps)).then(keepFocus("input", decided))}
        />
      </div>
    </div>
  );
};
