// urql with its subscriptionExchange, over graphql-ws, and with event streams through its fetchExchange.

import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { resuming } from "../snippets/live-resuming.js";
import { Replica, create, holds, play, token, url } from "./support.js";

const CHANGES = gql`
  subscription Changes($after: String) {
    changes(after: $after) {
      items {
        __typename
        ... on Task {
          id
          title
          completed
          version
        }
        ... on DeletedTask {
          id
          version
        }
      }
      cursor
      reset
    }
  }
`;

const replica = new Replica();
let meanwhile;
const socket = createClient({
  url: `${url.replace("http", "ws")}/graphql`,
  connectionParams: { token },
  webSocketImpl: WebSocket,
  shouldRetry: () => true,
  retryWait: () => meanwhile(),
});
const overSocket = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: resuming(socket).subscribe({ query, variables }, sink) }),
  }),
});
const client = new Client({ url: `${url}/graphql`, preferGetMethod: false, exchanges: [overSocket] });
const { unsubscribe } = client.subscription(CHANGES, {}).subscribe(({ data }) => {
  replica.applyGraphql(data.changes);
});
await play(replica, async (change) => {
  const changed = new Promise((resolve) => (meanwhile = () => change().then(resolve)));
  socket.terminate();
  await changed;
});
unsubscribe();
await socket.dispose();

const streamed = new Replica();
const fetching = new Client({
  url: `${url}/graphql`,
  preferGetMethod: false,
  fetchOptions: { headers: { authorization: `Bearer ${token}` } },
  fetchSubscriptions: true,
  exchanges: [fetchExchange],
});
const following = fetching.subscription(CHANGES, {}).subscribe(({ data }) => streamed.applyGraphql(data.changes));
await holds(streamed, ["Water plants", "Milk", "Salt"]);
await create("Pepper");
await holds(streamed, ["Water plants", "Milk", "Salt", "Pepper"]);
following.unsubscribe();
