import { Component, type FormEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { Help } from "./Help.tsx";
import { Mark } from "./Icon.tsx";
import { type Session, type Settings, development, fromCookie, fromLastVisit, isOtherUser, lastPasted, pasted } from "./session.ts";
import { Workspace } from "./Workspace.tsx";
import "./main.css";

const settings = JSON.parse(document.getElementById("settings")?.textContent ?? "{}") as Settings;
const query = new URLSearchParams(location.search);
const PANES = Math.min(4, Math.max(1, Number(query.get("panes")) || 1));
/** Who is in the panes, unless the address says so: `?panes=2&user=ann&user=ben`. */
const USERS = ["demo", "guest", "third", "fourth"];

/** What is shown instead of an empty page if there is a mistake in this program. */
class Boundary extends Component<{ children: ReactNode }, { message: string }> {
  override state = { message: "" };

  static getDerivedStateFromError(error: unknown) {
    return { message: String(error) };
  }

  override render() {
    if (!this.state.message) return this.props.children;
    return (
      <main className="fatal">
        <p className="big">Something went wrong here.</p>
        <p role="alert">What you saved is kept in this browser. {this.state.message}</p>
        <button type="button" onClick={() => location.reload()}>
          Open again
        </button>
      </main>
    );
  }
}

const App = () => {
  const help = useRef<HTMLDialogElement>(null);
  const { signIn } = settings;
  return (
    <>
      {signIn.kind === "development" ? (
        <Development url={signIn.url} onHelp={() => help.current?.showModal()} />
      ) : (
        <SignedIn onHelp={() => help.current?.showModal()} />
      )}
      <Help dialog={help} />
    </>
  );
};

/** One pane or several, each with a user that can be chosen. */
const Development = ({ url, onHelp }: { url: string; onHelp: () => void }) => {
  const [users, setUsers] = useState(() => USERS.slice(0, PANES).map((name, pane) => query.getAll("user")[pane] || name));
  const sessions = useMemo(() => users.map((user) => development(url, user)), [users]);
  const choose = (pane: number, name: string) => {
    const chosen = users.map((user, index) => (index === pane ? name : user));
    const address = new URLSearchParams();
    if (PANES > 1) address.set("panes", String(PANES));
    for (const user of chosen) address.append("user", user);
    history.replaceState(null, "", `?${address}`);
    setUsers(chosen);
  };
  const kept = useRef(new Map<string, Session>());
  return (
    <main className="panes" data-panes={PANES}>
      {sessions.map((made, pane) => {
        // The other panes keep their sessions when one is changed.
        const key = `${pane}:${made.user}`;
        const session = kept.current.get(key) ?? made;
        kept.current.set(key, session);
        const workspace = (
          <Workspace
            session={session}
            endpoint={settings.endpoint}
            pane={pane}
            panes={PANES}
            onUser={(name) => choose(pane, name)}
            onSignIn={undefined}
            onHelp={onHelp}
          />
        );
        const isTwice = users.indexOf(made.user) < pane;
        return PANES > 1 ? (
          <section key={key} aria-label={isTwice ? `${made.user} ${pane + 1}` : made.user}>
            {workspace}
          </section>
        ) : (
          <div key={key} className="only">
            {workspace}
          </div>
        );
      })}
    </main>
  );
};

/** The user of a session elsewhere, or of a token that was pasted. */
const SignedIn = ({ onHelp }: { onHelp: () => void }) => {
  const id = useId();
  const [session, setSession] = useState<Session | null>(null);
  const [problem, setProblem] = useState("");
  const { signIn } = settings;
  const enter = (get: () => Session | Promise<Session>) => {
    setProblem("");
    Promise.resolve()
      .then(get)
      .then(setSession, (error: Error) => setProblem(error.message));
  };
  const paste = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget).get("token");
    enter(() => pasted(String(token)));
  };
  const signInAgain = () => {
    setSession(null);
    if (signIn.kind !== "pasted") enter(() => fromCookie(signIn.url));
  };
  useEffect(() => {
    if (signIn.kind === "pasted") {
      if (lastPasted()) enter(() => pasted(lastPasted()));
      return;
    }
    const last = fromLastVisit(signIn.url);
    if (!last) return enter(() => fromCookie(signIn.url));
    setSession(last);
    // Whoever opens the page signed in as somebody else wants their own tasks.
    last.token(false).catch((error: unknown) => isOtherUser(error) && enter(() => fromCookie(signIn.url)));
  }, []);
  if (session) {
    return (
      <main className="panes" data-panes="1">
        <div className="only">
          <Workspace session={session} endpoint={settings.endpoint} pane={0} panes={1} onUser={undefined} onSignIn={signInAgain} onHelp={onHelp} />
        </div>
      </main>
    );
  }
  return (
    <main className="sign-in">
      <h1>
        <Mark /> Tandem
      </h1>
      {signIn.kind === "pasted" ? (
        <form onSubmit={paste}>
          <label htmlFor={`${id}token`}>Token</label>
          <textarea id={`${id}token`} name="token" rows={4} spellCheck={false} autoComplete="off" />
          <button type="submit" className="primary">
            Sign in
          </button>
        </form>
      ) : (
        <p>
          Your tasks are with your account at <a href={new URL(signIn.url).origin}>{new URL(signIn.url).host}</a>. Sign in there, then{" "}
          <button type="button" onClick={() => enter(() => fromCookie(signIn.url))}>
            try again
          </button>
        </p>
      )}
      {problem && <p role="alert">{problem}</p>}
    </main>
  );
};

const root = document.getElementById("app");
if (root) createRoot(root).render(<Boundary><App /></Boundary>);
// Where there is none, or it is refused, the app works as well, but opens only with a connection.
navigator.serviceWorker?.register("/service-worker.js", { scope: "/app" }).catch(() => undefined);
// What was typed offline is nowhere else: the browser is asked not to drop it when it needs space.
navigator.storage?.persist?.().catch(() => undefined);
