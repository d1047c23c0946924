// What a TypeScript client gets from the schema: read by tsc, never run.

import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { graphql } from "./generated/gql";

const List = graphql(`
  query List($status: TaskStatusFilter! = ALL) {
    tasks(status: $status) {
      id
      title
      description
      version
      createdAt
    }
    node(id: "x") {
      id
      ... on Task {
        completed
      }
    }
  }
`);

const Update = graphql(`
  mutation Update($id: ID!, $input: UpdateTaskInput!) {
    updateTask(id: $id, input: $input) {
      id
      version
    }
  }
`);

export const titles = ({ tasks }: ResultOf<typeof List>): string[] => tasks.map(({ title }) => title);
export const described = ({ tasks }: ResultOf<typeof List>) => tasks.filter(({ description }) => description !== null);
export const pending: VariablesOf<typeof List> = { status: "PENDING" };
export const cleared: VariablesOf<typeof Update> = { id: "x", input: { description: null } };

// @ts-expect-error -- a description can be null
export const lengths = ({ tasks }: ResultOf<typeof List>): number[] => tasks.map(({ description }) => description.length);
// @ts-expect-error -- there is no such status
export const unknown: VariablesOf<typeof List> = { status: "DONE" };
