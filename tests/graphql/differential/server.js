// The server under test: requests of users who all start with the tasks of fixture.json.

import { createHmac } from "node:crypto";
import http from "node:http";

const STATE = `{ tasks(sort: CREATED_ASC, limit: 1000) { id title description completed priority
  due { date time timeZone at } tags version createdAt updatedAt completedAt } }`;
const SORTS = ["CREATED", "UPDATED", "TITLE", "PRIORITY", "DUE"].flatMap((key) => [`${key}_ASC`, `${key}_DESC`]);

export class Server {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

  /** `controlUrl` is the test's own: it makes users, and tells what the database saw. */
  constructor({ url, controlUrl, secret }) {
    this.url = `${url}/graphql`;
    this.controlUrl = controlUrl;
    this.secret = secret;
  }

  /** The names of this many new users. */
  async users(count) {
    const { body } = await this.#send(`${this.controlUrl}/users/${count}`, { method: "POST" });
    return body;
  }

  /** How many transactions each user has had since this was last asked. */
  async transactions() {
    return (await this.#send(`${this.controlUrl}/transactions`, { method: "POST" })).body;
  }

  /** The answer to a request, whose variables are JSON text. */
  answer(user, { query, operationName, variables }) {
    const members = [`"query":${JSON.stringify(query)}`];
    if (operationName !== undefined) members.push(`"operationName":${JSON.stringify(operationName)}`);
    if (variables !== undefined) members.push(`"variables":${variables}`);
    return this.#graphql(user, `{${members}}`);
  }

  /** The user's tasks as they are now. */
  async tasks(user) {
    const { body } = await this.#graphql(user, JSON.stringify({ query: STATE }));
    return body.data.tasks.map(({ createdAt, updatedAt, completedAt, ...task }) => ({
      ...task,
      created_at: createdAt,
      updated_at: updatedAt,
      completed_at: completedAt,
    }));
  }

  async cursors(user) {
    const found = new Map();
    for (const sort of SORTS) {
      const query = `{ tasksConnection(sort: ${sort}) { edges { cursor node { id } } } }`;
      const { body } = await this.#graphql(user, JSON.stringify({ query }));
      for (const { cursor, node } of body.data.tasksConnection.edges) found.set(`${sort} ${node.id}`, cursor);
    }
    return found;
  }

  close() {
    this.#agent.destroy();
  }

  #graphql(user, body) {
    const headers = {
      accept: "application/graphql-response+json",
      authorization: `Bearer ${this.#token(user)}`,
      "content-type": "application/json",
    };
    return this.#send(this.url, { method: "POST", headers }, body);
  }

  #token(user) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: Math.floor(Date.now() / 1000) + 600 })}`;
    return `${signed}.${createHmac("sha256", this.secret).update(signed).digest("base64url")}`;
  }

  #send(url, options, body) {
    return new Promise((resolve, reject) => {
      const request = http.request(url, { agent: this.#agent, ...options }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk)).on("error", reject);
        response.on("end", () => resolve(read(response.statusCode, Buffer.concat(chunks).toString())));
      });
      request.on("error", reject).end(body);
    });
  }
}

function read(status, text) {
  try {
    return { status, text, body: JSON.parse(text) };
  } catch {
    return { status, text };
  }
}
