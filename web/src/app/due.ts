// Due dates as people type and read them. Days and times are those of the wall clock, as the server keeps them.

import type { Due } from "../sync/index.ts";

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

const two = (number: number) => String(number).padStart(2, "0");
export const dayOf = (date: Date) => `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const plus = (date: Date, days: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);

/** Local midnight of a day like `2026-01-31`. */
const midnight = (day: string) => {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const at = new Date(2000, month - 1, date);
  at.setFullYear(year, month - 1, date);
  return at;
};

const isDay = (day: string) => dayOf(midnight(day)) === day && day > "0001";

const isZone = (zone: string) => {
  try {
    return zone !== "" && Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
};

const parseTime = (text: string): string | null => {
  const [, hour, minute = "00", second = "00", half] = /^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*(am|pm)?$/.exec(text) ?? [];
  if (!hour || (!half && !text.includes(":"))) return null;
  const hours = half ? (Number(hour) % 12) + (half === "pm" ? 12 : 0) : Number(hour);
  return hours < 24 && Number(minute) < 60 && Number(second) < 60 ? `${two(hours)}:${minute}:${second}` : null;
};

const named = (names: string[], text: string) => (text.length < 3 ? -1 : names.findIndex((name) => name.startsWith(text)));

const OFFSETS = new Map([["today", 0], ["tod", 0], ["tomorrow", 1], ["tom", 1], ["yesterday", -1], ["next week", 7]]);

const parseDay = (text: string, today: Date): string | null => {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (iso) {
    const day = `${iso[1]}-${two(Number(iso[2]))}-${two(Number(iso[3]))}`;
    return isDay(day) ? day : null;
  }
  const offset = OFFSETS.get(text);
  if (offset !== undefined) return dayOf(plus(today, offset));
  const [, count, unit] = /^in (\d{1,3}) (day|week)s?$/.exec(text) ?? [];
  if (count) return dayOf(plus(today, Number(count) * (unit === "week" ? 7 : 1)));
  const weekday = named(WEEKDAYS, text.replace(/^(on|next) /, ""));
  if (weekday >= 0) return dayOf(plus(today, ((weekday - today.getDay() + 6) % 7) + 1));
  const words = text.replace(/[.,]/g, "").split(" ");
  const month = words.map((word) => named(MONTHS, word)).find((found) => found >= 0) ?? -1;
  const [date, written] = words.filter((word) => /^\d+$/.test(word)).map(Number);
  if (month < 0 || !date) return null;
  const year = written !== undefined && written < 100 ? 2000 + written : written;
  const day = (of: number) => `${String(of).padStart(4, "0")}-${two(month + 1)}-${two(date)}`;
  const next = year ?? (day(today.getFullYear()) < dayOf(today) ? today.getFullYear() + 1 : today.getFullYear());
  return isDay(day(next)) ? day(next) : null;
};

/** Reads what a user typed; an error says what could have been typed. */
export const parseDue = (typed: string, now: Date): { due: Due | null } | { error: string } => {
  let text = typed.trim().replace(/\s+/g, " ");
  if (!text) return { due: null };
  let timeZone: string | null = null;
  const [, before = "", word = ""] = /^(.+) ([a-z]\S+)$/i.exec(text) ?? [];
  if (isZone(word)) [text, timeZone] = [before, word];
  else if (word.includes("/")) return { error: `“${word}” is no time zone. Try Europe/Berlin.` };
  text = text.toLowerCase().replace("t", (letter, at: number) => (at === 10 ? " " : letter));
  const clock = /(?:^| )(?:at )?(\d{1,2}(?::\d{2}){1,2}|\d{1,2}(?::\d{2})? ?[ap]m)$/.exec(text);
  const time = clock?.[1] ? parseTime(clock[1]) : null;
  const rest = clock ? text.slice(0, clock.index).trim() : text;
  const date = rest || !clock ? parseDay(rest, now) : dayOf(now);
  if (!date || (clock && !time)) return { error: "Try a day like 2026-11-30, tomorrow or Friday 17:00." };
  if (timeZone && !time) return { error: "A time zone needs a time, like 17:00." };
  return { due: { date, time, timeZone } };
};

/** A due date as it can be typed. */
export const typedDue = (due: Due | null): string =>
  due ? [due.date, due.time?.replace(/:00$/, ""), due.timeZone].filter(Boolean).join(" ") : "";

/** The instant of a due date with a zone. The server tells it; until then it is worked out from what clocks show there. */
const instant = ({ date, time, timeZone, at }: Due): number | null => {
  if (!timeZone || !time) return null;
  if (at) return Date.parse(at);
  if (!isZone(timeZone)) return null;
  const wall = Date.parse(`${date}T${time}Z`);
  // Swedish dates are ISO's.
  const ahead = (moment: number) => Date.parse(`${new Date(moment).toLocaleString("sv-SE", { timeZone })}Z`) - moment;
  return wall - ahead(wall - ahead(wall));
};

/** The moment from which a task is overdue. */
export const dueMoment = (due: Due): number => {
  const known = instant(due);
  if (known !== null) return known;
  const day = midnight(due.date);
  if (!due.time) return plus(day, 1).getTime();
  const [hours = 0, minutes = 0, seconds = 0] = due.time.split(":").map(Number);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate(), hours, minutes, seconds).getTime();
};

/** The day on which a task is due where the user is. */
export const dueDay = (due: Due): string => {
  const known = instant(due);
  return known === null ? due.date : dayOf(new Date(known));
};

const formats = new Map<string, Intl.DateTimeFormat>();
const format = (date: Date, options: Intl.DateTimeFormatOptions) => {
  const key = JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", options);
  formats.set(key, known);
  return known.format(date);
};

export const longDay = (date: Date) => format(date, { weekday: "long", day: "numeric", month: "long" });

/** A due date in as few words as tell it. */
export const shortDue = (due: Due, now: Date): string => {
  const [day, today] = [dueDay(due), dayOf(now)];
  const date = midnight(day);
  const away = Math.round((date.getTime() - midnight(today).getTime()) / 86_400_000);
  const near = { [-1]: "Yesterday", 0: "Today", 1: "Tomorrow" }[away];
  const year = day.slice(0, 4) === today.slice(0, 4) ? undefined : ("numeric" as const);
  const far = format(date, { day: "numeric", month: "short", year });
  const words = near ?? (away > 1 && away < 7 ? format(date, { weekday: "long" }) : far);
  if (!due.time) return words;
  const known = instant(due);
  if (known !== null) return `${words} ${format(new Date(known), { hour: "2-digit", minute: "2-digit" })}`;
  return `${words} ${due.time.slice(0, 5)}${due.timeZone ? ` ${due.timeZone}` : ""}`;
};

/** A due date in full. */
export const longDue = (due: Due): string => {
  const date = format(midnight(due.date), { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  return [date, due.time?.slice(0, 5), due.timeZone?.replace(/_/g, " ")].filter(Boolean).join(", ");
};

/** A moment like `2026-01-31T09:30:00.000000Z`, as its day. */
export const shortMoment = (moment: string, now: Date) => shortDue({ date: dayOf(new Date(moment)), time: null, timeZone: null }, now);
