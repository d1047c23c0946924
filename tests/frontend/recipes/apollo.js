import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { resuming } from "./resuming.js";

const FIELDS = gql`
  fragment TaskFields on Task {
    id
    title
    completed
    version
  }
`;

export const TASKS = gql`
  query Tasks {
    tasks(limit: 1000) {
      ...TaskFields
    }
  }
  ${FIELDS}
`;

export const CHANGES = gql`
  subscription Changes($after: String) {
    changes(after: $after) {
      items {
        ...TaskFields
        ... on DeletedTask {
          id
        }
      }
      cursor
      reset
    }
  }
  ${FIELDS}
`;

// Queries and mutations over HTTP, subscriptions over a WebSocket; `token` is called for each request and each connection.
export const makeClient = (url, token, options) => {
  const socket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...options,
  });
  const authorized = new SetContextLink(async ({ headers }) => ({
    headers: { ...headers, authorization: `Bearer ${await token()}` },
  }));
  const link = ApolloLink.split(
    ({ operationType }) => operationType === "subscription",
    new GraphQLWsLink(resuming(socket)),
    authorized.concat(new HttpLink({ uri: `${url}/graphql` })),
  );
  return { client: new ApolloClient({ link, cache: new InMemoryCache() }), socket };
};

// Keeps the cache as the server is. Apollo stores changed tasks by itself; deleted ones go, and new ones need their list. So does
// the first event, which says from when on nothing is missed.
export const follow = (client) => {
  let isFirst = true;
  return client.subscribe({ query: CHANGES, variables: { after: "latest" } }).subscribe(({ data }) => {
    const { items, reset } = data.changes;
    const listed = new Set(client.readQuery({ query: TASKS })?.tasks.map(({ id }) => id));
    for (const { __typename, id } of items) {
      if (__typename === "DeletedTask") client.cache.evict({ id: client.cache.identify({ __typename: "Task", id }) });
    }
    const isNew = items.some(({ __typename, id }) => __typename === "Task" && !listed.has(id));
    if (reset || isNew || isFirst) client.refetchQueries({ include: [TASKS] });
    isFirst = false;
  });
};
