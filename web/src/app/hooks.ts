import { type KeyboardEvent, type MouseEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Replica } from "../sync/index.ts";
import { recall, remember } from "./storage.ts";

/** Renders again with each change of what the replica shows. */
export const useRevision = (replica: Replica): number =>
  useSyncExternalStore(replica.subscribe, () => replica.revision);

/** The time, which goes on by the minute. */
export const useNow = (): Date => {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
};

/** A value that is shown as changed while the change is being stored, which takes a moment. */
export const useEager = <T>(value: T): [T, (to: T, stored: Promise<unknown>) => void] => {
  const [change, setChange] = useState<{ to: T } | null>(null);
  const set = (to: T, stored: Promise<unknown>) => {
    const made = { to };
    const end = () => setChange((now) => (now === made ? null : now));
    setChange(made);
    stored.then(end, end);
  };
  return [change ? change.to : value, set];
};

/** For buttons that mean something else once they were pressed: a double click or a held key presses them once. */
export const deliberate = (does: () => void) => ({
  onClick: ({ detail }: MouseEvent) => {
    if (detail < 2) does();
  },
  onKeyDown: (event: KeyboardEvent) => {
    if (event.repeat) event.preventDefault();
  },
});

/** The latest value, for handlers that must not change. */
export const useLatest = <T>(value: T) => {
  const latest = useRef(value);
  latest.current = value;
  return latest;
};

/** A choice that is there again at the next visit. */
export const useStored = <T extends string>(key: string, initial: T, isValid: (text: string) => text is T) => {
  const [value, setValue] = useState<T>(() => {
    const stored = recall(key);
    return isValid(stored) ? stored : initial;
  });
  const set = (next: T) => {
    remember(key, next);
    setValue(next);
  };
  return [value, set] as const;
};
