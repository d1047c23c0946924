// What Relay's compiler must understand of the connection and of node(id): compiled, never run.

import { graphql } from "relay-runtime";

export const list = graphql`
  query appListQuery($count: Int!, $cursor: String) {
    ...app_tasks @arguments(count: $count, cursor: $cursor)
  }
`;

export const tasks = graphql`
  fragment app_tasks on Query
  @refetchable(queryName: "appPaginationQuery")
  @argumentDefinitions(count: { type: "Int" }, cursor: { type: "String" }) {
    tasksConnection(first: $count, after: $cursor) @connection(key: "app_tasksConnection") {
      edges {
        node {
          id
          ...app_task
        }
      }
    }
  }
`;

export const task = graphql`
  fragment app_task on Task @refetchable(queryName: "appTaskQuery") {
    title
    completed
  }
`;

export const create = graphql`
  mutation appCreateMutation($input: CreateTaskInput!) {
    createTask(input: $input) {
      id
      ...app_task
    }
  }
`;
