// urql, and graphql-request beside it.

import assert from "node:assert/strict";
import { gql, GraphQLClient } from "graphql-request";
import { PAGE, makeClient } from "./snippets/urql.js";

const { TANDEM_URL, TANDEM_TOKEN } = process.env;

const client = makeClient(TANDEM_URL, TANDEM_TOKEN);
const page = await client.query(PAGE, {}).toPromise();
assert.equal(page.error, undefined);
assert.deepEqual(page.data.tasksConnection.nodes.map(({ title }) => title), ["Water plants"]);
const after = page.data.tasksConnection.pageInfo.endCursor;
const next = await client.query(PAGE, { after }).toPromise();
assert.deepEqual(next.data.tasksConnection.nodes, []);

const byGet = await client.query(PAGE, {}, { preferGetMethod: "force", requestPolicy: "network-only" }).toPromise();
assert.deepEqual(byGet.data, page.data, "a query can be sent by GET");

const wrong = await client.query("query($id: ID!) { task(id: $id) { id } }", {}).toPromise();
assert.equal(wrong.error.graphQLErrors[0].extensions.code, "BAD_USER_INPUT");

const request = new GraphQLClient(`${TANDEM_URL}/graphql`, { headers: { authorization: `Bearer ${TANDEM_TOKEN}` } });
const CREATE = gql`mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { title } }`;
const created = await request.request(CREATE, { inputs: [{ title: "a" }, { title: "b" }] });
assert.deepEqual(created.createTasks, [{ title: "a" }, { title: "b" }]);
await assert.rejects(request.request(CREATE, { inputs: [{ title: "a" }, {}] }), (error) => {
  assert.ok("inputs.1.title" in error.response.errors[0].extensions.fields);
  return true;
});
const anonymous = new GraphQLClient(`${TANDEM_URL}/graphql`);
await assert.rejects(anonymous.request("{ me { id } }"), (error) => error.response.status === 401);
