// Who the user is, and where their tokens come from.

import { SyncError, type TokenSource } from "../sync/index.ts";
import { recall, remember } from "./storage.ts";

export interface Settings {
  endpoint: string;
  signIn: { kind: "development" | "session"; url: string } | { kind: "pasted" };
}

export interface Session {
  user: string;
  token: TokenSource;
}

/** How long before its end a token is renewed. */
const MARGIN = 30;
/** How long a server of tokens may take, in milliseconds. */
const TIMEOUT = 10_000;

const claims = (token: string): { sub?: string; exp?: number } => {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as { sub?: string };
  } catch {
    return {};
  }
};

const signedOut = (message: string, code = "UNAUTHENTICATED") => new SyncError("signedOut", message, code);

const ask = async (url: string, init: RequestInit): Promise<string> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT) }).catch((error: Error) => {
    throw new SyncError("offline", error.message);
  });
  if (response.status >= 500 || response.status === 429) throw new SyncError("offline", `HTTP status ${response.status}`);
  const { token } = (await response.json().catch(() => ({}))) as { token?: string };
  if (!response.ok || !token) throw signedOut("Your session has ended. Sign in again.");
  return token;
};

/** Keeps a token until it is refused or about to expire, and asks for one at a time. */
const kept = (get: () => Promise<string>, held: string | null = null): TokenSource => {
  let asked: Promise<string> | null = null;
  return async (renew) => {
    const { exp = Infinity } = held ? claims(held) : {};
    if (held && !renew && exp - MARGIN > Date.now() / 1000) return held;
    asked ??= get().finally(() => (asked = null));
    return (held = await asked);
  };
};

/** In development mode any name is a user. */
export const development = (url: string, user: string): Session => ({
  user,
  token: kept(() => ask(`${url}?user=${encodeURIComponent(user)}`, { method: "POST" })),
});

const LAST_USER = "tandem:user";
const OTHER_USER = "OTHER_USER";

/** Whether the browser is signed in, but as another user than the session's. */
export const isOtherUser = (error: unknown) => error instanceof SyncError && error.code === OTHER_USER;

const askByCookie = (url: string) => ask(url, { credentials: "include" });
const userOf = (token: string) => claims(token).sub ?? "";

/** A session that takes no token of anybody else: what its user wrote offline must not get into another account. */
const sessionOf = (url: string, user: string, first: string | null): Session => {
  const own = async () => {
    const token = await askByCookie(url);
    if (userOf(token) === user) return token;
    throw signedOut("You are signed in as somebody else. Sign in to see their tasks; yours stay here.", OTHER_USER);
  };
  return { user, token: kept(own, first) };
};

/** The user of the last visit, whose tasks are here before the server answers. */
export const fromLastVisit = (url: string): Session | null => {
  const user = recall(LAST_USER);
  return user ? sessionOf(url, user, null) : null;
};

/** The user of the browser's session at a Better Auth server; without a connection, the one of the last visit. */
export const fromCookie = async (url: string): Promise<Session> => {
  try {
    const token = await askByCookie(url);
    const user = userOf(token);
    remember(LAST_USER, user);
    return sessionOf(url, user, token);
  } catch (error) {
    const last = error instanceof SyncError && error.kind === "offline" && fromLastVisit(url);
    if (last) return last;
    throw error;
  }
};

const PASTED = "tandem:token";
export const lastPasted = () => recall(PASTED, "sessionStorage");

/** The user of a token that was pasted; it is forgotten when the tab is closed. */
export const pasted = (text: string): Session => {
  const token = text.trim().replace(/^bearer /i, "");
  const { sub } = claims(token);
  if (!sub) throw signedOut("This is no token: it should be three parts with dots between them.");
  remember(PASTED, token, "sessionStorage");
  return {
    user: sub,
    token: (renew) => (renew ? Promise.reject(signedOut("The token was refused. Paste a new one.")) : Promise.resolve(token)),
  };
};
