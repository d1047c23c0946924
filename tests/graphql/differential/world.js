// What every user starts with, and the cursors the server makes of it.

import { createHash } from "node:crypto";
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

  /** The cursor of a task in a list: the server's, made for the whole list, with the hash of this one's filter. */
  of(sort, id, filter) {
    return rehashed(this.#cursorOf.get(`${sort} ${id}`), hash(filter));
  }

  /** The id of the task that a cursor stands for, if it was made for this list. */
  read(sort, cursor, filter) {
    const wanted = hash(filter);
    const parts = decoded(cursor);
    return parts?.[3] === wanted ? this.#idAt.get(`${sort} ${rehashed(cursor, 0)}`) : undefined;
  }

  row(id) {
    return ROWS.find((row) => row.id === id);
  }
}

function decoded(cursor) {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}

function rehashed(cursor, hash) {
  const [sort, key, id] = decoded(cursor);
  return Buffer.from(JSON.stringify([sort, key, id, hash])).toString("base64url");
}

/** Of what a list is filtered by, as the server computes it; 0 for the whole list. */
function hash(filter) {
  if (filter.every((part) => part === null || (Array.isArray(part) && part.length === 0 && part.isTags))) return 0;
  return createHash("sha256").update(JSON.stringify(filter)).digest().readUInt32BE(0);
}
