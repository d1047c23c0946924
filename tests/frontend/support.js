// What the programs here share: another client of the same user, and waiting.

import assert from "node:assert/strict";
import WebSocket from "ws";

export const { TANDEM_URL: url, TANDEM_TOKEN: token } = process.env;

/** What a browser has by itself. */
export const options = { webSocketImpl: WebSocket };

export const graphql = async (query, variables) => {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
};

export const create = async (title) =>
  (await graphql("mutation($title: String!) { createTask(input: { title: $title }) { id } }", { title })).createTask.id;
export const rename = (id, title) =>
  graphql("mutation($id: ID!, $title: String!) { updateTask(id: $id, input: { title: $title }) { id } }", { id, title });
export const remove = (id) => graphql("mutation($id: ID!) { deleteTask(id: $id) { id } }", { id });

/** Waits until these titles are shown. */
export const shows = async (read, titles) => {
  for (const end = Date.now() + 20_000; ; ) {
    const shown = JSON.stringify(read()?.map(({ title }) => title).sort());
    if (shown === JSON.stringify([...titles].sort())) return;
    assert.ok(Date.now() < end, `never ${titles}, but ${shown}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Lets others create, rename and delete a task, and looks whether a client shows it. */
export const play = async (read) => {
  await shows(read, ["Water plants"]);
  const id = await create("Bread");
  await shows(read, ["Water plants", "Bread"]);
  await rename(id, "Rye bread");
  await shows(read, ["Water plants", "Rye bread"]);
  await remove(id);
  await shows(read, ["Water plants"]);
};
