// What the app works out without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dueDay, dueMoment, parseDue } from "../../src/app/due.ts";
import { read, typedOf } from "../../src/app/Editor.tsx";
import { areKeysOff, turnKeysOff } from "../../src/app/keys.ts";
import { type Choice, select, wholeTag } from "../../src/app/lists.ts";
import { unsent, type View } from "../../src/sync/model.ts";
import { fields } from "./server.ts";

const now = new Date(2026, 10, 24, 12);
const due = (date: string, time: string | null = null, timeZone: string | null = null) => ({ due: { date, time, timeZone } });

test("due dates are read as they are typed", () => {
  assert.deepEqual(parseDue("30 Nov 26", now), due("2026-11-30"));
  assert.deepEqual(parseDue("30 Nov 2031", now), due("2031-11-30"));
  assert.deepEqual(parseDue("tomorrow 17:00 Japan", now), due("2026-11-25", "17:00:00", "Japan"));
  assert.deepEqual(parseDue("2031-01-01 09:00 Europe/Berlin", now), due("2031-01-01", "09:00:00", "Europe/Berlin"));
  assert.deepEqual(parseDue("in 2 weeks", now), due("2026-12-08"));
  assert.deepEqual(parseDue("tomorrow 5 pm", now), due("2026-11-25", "17:00:00"));
  for (const wrong of ["constructor", "tomorrow 17:00 Europe/Nowhere", "tomorrow 17:00 nowhere", "Japan"]) assert.ok("error" in parseDue(wrong, now), wrong);
});

test("a due date of a zone that can't be read here keeps no task from being saved", () => {
  const seen = fields("Title", { due: { date: "2031-01-01", time: "09:00:00", timeZone: "Of/Tomorrow" } });
  const { fields: saved, errors } = read({ ...typedOf(seen), title: "New" }, seen);
  assert.deepEqual([saved, errors], [{ ...seen, title: "New" }, {}]);
  assert.equal(dueDay(seen.due ?? assert.fail()), "2031-01-01");
});

test("the instant of a due date with a zone is known before the server tells it", () => {
  const at = (date: string, time: string, timeZone: string) => new Date(dueMoment({ date, time, timeZone })).toISOString();
  assert.equal(at("2031-05-04", "09:30:00", "Europe/Berlin"), "2031-05-04T07:30:00.000Z");
  // An hour after clocks are put forward, and before they are put back.
  assert.equal(at("2026-03-29", "03:30:00", "Europe/Berlin"), "2026-03-29T01:30:00.000Z");
  assert.equal(at("2026-11-01", "00:30:00", "America/New_York"), "2026-11-01T04:30:00.000Z");
});

test("a tag is exact once it is complete, and begins so while it is typed", () => {
  const views = new Map(
    [["home"], ["homework"], ["home office"]].map((tags, index): [string, View] => {
      const id = String(index);
      return [id, { ...unsent(id, fields(tags.join(), { tags }), ""), isWaiting: false, conflict: null }];
    }),
  );
  const choice: Choice = { list: "All", status: "All", sort: "title_asc", search: "" };
  const found = (search: string) => select(views, { ...choice, search }, now).tasks.map(({ title }) => title);
  assert.deepEqual(found(wholeTag("home")), ["home"]);
  assert.deepEqual(found(wholeTag("home office")), ["home office"]);
  assert.deepEqual(found("#home"), ["home", "home office", "homework"]);
  assert.deepEqual(found("#home wor"), []);
});

test("where storage is blocked, each visit is the first", () => {
  const get = () => {
    throw new DOMException("denied", "SecurityError");
  };
  Object.defineProperty(globalThis, "localStorage", { get, configurable: true });
  turnKeysOff(true);
  assert.equal(areKeysOff(), false);
});
