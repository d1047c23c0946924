import { createClient } from "graphql-ws";

const CHANGES = `subscription Changes($after: String) {
  changes(after: $after) {
    items {
      __typename
      ... on Task { id title completed version }
      ... on DeletedTask { id version }
    }
    cursor
    reset
  }
}`;

// Follows a user's changes from a cursor, or from the beginning. `token` is called for each connection.
export const follow = (url, token, after, apply, options) => {
  const client = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...options,
  });
  const request = { query: CHANGES, variables: { after } };
  const stop = client.subscribe(request, {
    next: ({ data }) => {
      apply(data.changes);
      // graphql-ws sends these variables again when it reconnects, so the stream resumes here.
      request.variables.after = data.changes.cursor;
    },
    error: (error) => console.error(error),
    complete: () => {},
  });
  return { client, stop };
};
