import { useCallback, useEffect, useState } from "react";
import { EmptyTrashDocument, PurgeDocument, TrashDocument, type TrashQuery } from "../graphql/generated.ts";
import { type Fields, type Replica, type Send, SyncError } from "../sync/index.ts";
import { shortMoment } from "./due.ts";
import { deliberate } from "./hooks.ts";
import { Icon } from "./Icon.tsx";

type Trashed = TrashQuery["trash"]["nodes"][number];

interface Props {
  replica: Replica;
  send: Send;
  search: string;
  now: Date;
  isOnline: boolean;
  /** Grows when the tasks change, so that what was deleted meanwhile is shown. */
  revision: number;
  attempt: (work: Promise<unknown>) => Promise<boolean>;
  keepFocus: (selector: string) => () => void;
}

interface Content {
  search: string;
  nodes: Trashed[];
  next: string | null;
}

/** Deleted tasks: the server's, and those that it doesn't know to be deleted yet. */
export const Trash = ({ replica, send, search, now, isOnline, revision, attempt, keepFocus }: Props) => {
  const [content, setContent] = useState<Content | null>(null);
  const [problem, setProblem] = useState("");
  const [isSure, setSure] = useState(false);

  const fail = (error: unknown) => setProblem(error instanceof SyncError ? error.message : String(error));
  const load = useCallback(
    async (after: string | null, before: Trashed[]) => {
      const { trash } = await send(TrashDocument, { after, search: search || null });
      const { hasNextPage, endCursor } = trash.pageInfo;
      setContent({ search, nodes: [...before, ...trash.nodes], next: hasNextPage ? endCursor : null });
      setProblem("");
    },
    [send, search],
  );
  useEffect(() => {
    if (!isOnline) return;
    const timer = setTimeout(() => load(null, []).catch(fail), content ? 250 : 0);
    return () => clearTimeout(timer);
  }, [load, isOnline, revision]);

  const present = replica.views;
  const unsent = replica.deletions.filter(({ id, task }) => !present.has(id) && task.title.toLowerCase().includes(search.toLowerCase()));
  const ids = new Set(unsent.map(({ id }) => id));
  const known = content?.nodes.filter(({ id }) => !present.has(id) && !ids.has(id)) ?? [];
  const rows: (Fields & { id: string; deletedAt: string; purgeAt: string | null })[] = [
    ...unsent.map(({ id, task, madeAt }) => ({ ...task, id, deletedAt: madeAt, purgeAt: null })),
    ...known,
  ];
  const purge = async (id: string) => {
    await send(PurgeDocument, { id });
    setContent((old) => old && { ...old, nodes: old.nodes.filter((node) => node.id !== id) });
  };
  const empty = async () => {
    setSure(false);
    await send(EmptyTrashDocument, {});
    setContent({ search, nodes: [], next: null });
  };

  return (
    <div className="scroller trash">
      {problem && (
        <p className="banner" role="alert">
          {problem}
        </p>
      )}
      {!isOnline && <p className="note">What was deleted earlier is shown when there is a connection.</p>}
      {!rows.length && (content || !isOnline) && !problem && (
        <div className="empty">
          <p className="big">The trash is empty.</p>
          <p>Deleted tasks stay here for a while, and can be restored.</p>
        </div>
      )}
      {rows.length > 0 && (
        <ul aria-label="Trash" className="trashed">
          {rows.map((task) => (
            <li key={task.id}>
              <div className="what">
                <span className="title">{task.title}</span>
                {task.description && <span className="description">{task.description}</span>}
              </div>
              <span className="when">
                {task.purgeAt ? `deleted ${shortMoment(task.deletedAt, now).toLowerCase()}` : "not sent yet"}
              </span>
              <button type="button" {...deliberate(() => void attempt(replica.restore([task])).then(keepFocus("button")))}>
                Restore
              </button>
              <button
                type="button"
                className="quiet"
                aria-label="Delete forever"
                title="Delete forever"
                disabled={!isOnline || !task.purgeAt}
                {...deliberate(() => void purge(task.id).catch(fail).then(keepFocus("button")))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="bulk">
        {content?.next && (
          <button type="button" onClick={() => void load(content.next, content.nodes).catch(fail)}>
            Show more
          </button>
        )}
        {known.length > 0 && isOnline && (
          <button type="button" className={isSure ? "danger" : ""} onBlur={() => setSure(false)} {...deliberate(() => (isSure ? void empty().catch(fail).then(keepFocus("button")) : setSure(true)))}>
            {isSure ? "Delete all of it forever" : "Empty trash"}
          </button>
        )}
      </div>
    </div>
  );
};
