// What every user starts with, and the cursors the server makes of it.

import { readFileSync } from "node:fs";

export const ROWS = JSON.parse(readFileSync(new URL("fixture.json", import.meta.url), "utf8"));

export class World {
  #cursorOf;
  #idAt;

  /** `cursors` has the server's cursor for each sort and id. */
  constructor(cursors) {
    this.ids = ROWS.map((row) => row.id);
    this.cursors = [...cursors.values()];
    this.#cursorOf = cursors;
    this.#idAt = new Map(
      [...cursors].map(([place, cursor]) => [`${place.split(" ")[0]} ${cursor}`, place.split(" ")[1]]),
    );
  }

  of(sort, id) {
    return this.#cursorOf.get(`${sort} ${id}`);
  }

  /** The id of the task that a cursor stands for, if it was made for this sort. */
  read(sort, cursor) {
    return this.#idAt.get(`${sort} ${cursor}`);
  }

  row(id) {
    return ROWS.find((row) => row.id === id);
  }
}
