// Shortcuts: single keys, which mean nothing while somebody is typing, and can be turned off.

import { recall, remember } from "./storage.ts";

export const SHORTCUTS = [
  ["n", "New task"],
  ["/", "Search"],
  ["j or ↓", "Next task"],
  ["k or ↑", "Previous task"],
  ["x", "Complete, or take that back"],
  ["e", "Edit"],
  ["Del", "Delete"],
  ["z", "Undo"],
  ["1 to 4", "All, Today, Overdue, Trash"],
  ["o", "Work offline"],
  ["c", "Conflict"],
  ["Esc", "Leave, clear the search"],
  ["?", "This list"],
] as const;

const OFF = "tandem:keys-off";
export const areKeysOff = () => recall(OFF) === "1";
export const turnKeysOff = (isOff: boolean) => remember(OFF, isOff ? "1" : "0");

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

/** The key of an event that is a shortcut; empty if it is none. */
export const shortcutOf = (event: KeyboardEvent): string => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return "";
  if (document.querySelector("dialog[open]")) return "";
  if (event.key === "Escape") return event.key;
  return isTyping(event.target) || areKeysOff() ? "" : event.key;
};
