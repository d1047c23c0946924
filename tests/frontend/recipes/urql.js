import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { createClient } from "graphql-ws";
import { resuming } from "./resuming.js";

export const TASKS = gql`
  query Tasks {
    tasks(limit: 1000) {
      id
      title
      completed
      version
    }
  }
`;

const CHANGES = gql`
  subscription Changes($after: String) {
    changes(after: $after) {
      items {
        ... on Task {
          id
        }
        ... on DeletedTask {
          id
        }
      }
      cursor
      reset
    }
  }
`;

export const makeClient = (url, token, options) => {
  const socket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...options,
  });
  const auth = authExchange(async ({ appendHeaders }) => {
    let held = await token();
    return {
      addAuthToOperation: (operation) => appendHeaders(operation, { authorization: `Bearer ${held}` }),
      didAuthError: ({ graphQLErrors }) => graphQLErrors.some(({ extensions }) => extensions.code === "UNAUTHENTICATED"),
      refreshAuth: async () => {
        held = await token(true);
      },
    };
  });
  const live = subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: resuming(socket).subscribe({ query, variables }, sink) }),
    }),
  });
  const client = new Client({ url: `${url}/graphql`, preferGetMethod: false, exchanges: [cacheExchange, auth, live, fetchExchange] });
  return { client, socket };
};

// Reads the list again with each event, the first of which says from when on nothing is missed: whoever shows the list gets it.
export const follow = (client) =>
  client.subscription(CHANGES, { after: "latest" }).subscribe(({ data }) => {
    if (data) void client.query(TASKS, {}, { requestPolicy: "network-only" }).toPromise();
  });
