// The operations of the recipe, compiled by `npm run relay`.

import { graphql } from "relay-runtime";

export const tasks = graphql`
  query appTasksQuery {
    tasks(limit: 1000) {
      id
      title
      completed
    }
  }
`;

export const changes = graphql`
  subscription appChangesSubscription($after: String) {
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
        }
      }
      cursor
      reset
    }
  }
`;
