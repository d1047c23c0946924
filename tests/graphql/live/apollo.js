// Apollo Client with its GraphQLWsLink.

import { ApolloClient, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { resuming } from "../snippets/live-resuming.js";
import { Replica, play, token, url } from "./support.js";

const CHANGES = gql`
  subscription Changes($after: String) {
    changes(after: $after) {
      items {
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
  url: `${url.replace("http", "ws")}/graphql/ws`,
  connectionParams: { Authorization: `Bearer ${token}` },
  webSocketImpl: WebSocket,
  shouldRetry: () => true,
  retryWait: () => meanwhile(),
});
const client = new ApolloClient({ link: new GraphQLWsLink(resuming(socket)), cache: new InMemoryCache() });
const subscription = client.subscribe({ query: CHANGES, fetchPolicy: "no-cache" }).subscribe({
  next: ({ data }) => replica.applyGraphql(data.changes),
});
await play(replica, async (change) => {
  const changed = new Promise((resolve) => (meanwhile = () => change().then(resolve)));
  socket.terminate();
  await changed;
});
subscription.unsubscribe();
await socket.dispose();
