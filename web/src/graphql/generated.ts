// Generated from schema.graphql and operations.graphql: npm run codegen
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
export type MakeOptional<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]?: Maybe<T[SubKey]> };
export type MakeMaybe<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]: Maybe<T[SubKey]> };
export type MakeEmpty<T extends { [key: string]: unknown }, K extends keyof T> = { [_ in K]?: never };
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  Date: { input: string; output: string; }
  DateTime: { input: string; output: string; }
  LocalTime: { input: string; output: string; }
  TimeZone: { input: string; output: string; }
};

export type CreateTaskInput = {
  id?: InputMaybe<Scalars['ID']['input']>;
  title: Scalars['String']['input'];
  description?: InputMaybe<Scalars['String']['input']>;
  completed?: InputMaybe<Scalars['Boolean']['input']>;
  priority?: InputMaybe<TaskPriority>;
  due?: InputMaybe<DueInput>;
  tags?: InputMaybe<Array<Scalars['String']['input']>>;
};

export type DueInput = {
  date: Scalars['Date']['input'];
  time?: InputMaybe<Scalars['LocalTime']['input']>;
  timeZone?: InputMaybe<Scalars['TimeZone']['input']>;
};

export type DueState = {
  date: Scalars['String']['input'];
  time?: InputMaybe<Scalars['String']['input']>;
  timeZone?: InputMaybe<Scalars['String']['input']>;
};

export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'QUOTA_EXCEEDED';

export type TaskFilter = {
  priorities?: InputMaybe<Array<TaskPriority>>;
  tagsAny?: InputMaybe<Array<Scalars['String']['input']>>;
  tagsAll?: InputMaybe<Array<Scalars['String']['input']>>;
  dueBefore?: InputMaybe<Scalars['DateTime']['input']>;
  dueAfter?: InputMaybe<Scalars['DateTime']['input']>;
  hasDue?: InputMaybe<Scalars['Boolean']['input']>;
};

export type TaskPriority =
  | 'NONE'
  | 'LOW'
  | 'MEDIUM'
  | 'HIGH'
  | 'URGENT';

export type TaskPush = {
  task: TaskState;
  base?: InputMaybe<TaskState>;
};

export type TaskSort =
  | 'CREATED_ASC'
  | 'CREATED_DESC'
  | 'UPDATED_ASC'
  | 'UPDATED_DESC'
  | 'TITLE_ASC'
  | 'TITLE_DESC'
  | 'PRIORITY_ASC'
  | 'PRIORITY_DESC'
  | 'DUE_ASC'
  | 'DUE_DESC';

export type TaskState = {
  id: Scalars['ID']['input'];
  title?: InputMaybe<Scalars['String']['input']>;
  description?: InputMaybe<Scalars['String']['input']>;
  completed?: InputMaybe<Scalars['Boolean']['input']>;
  priority?: InputMaybe<TaskPriority>;
  due?: InputMaybe<DueState>;
  tags?: InputMaybe<Array<Scalars['String']['input']>>;
  deleted?: InputMaybe<Scalars['Boolean']['input']>;
};

export type TaskStatusFilter =
  | 'ALL'
  | 'PENDING'
  | 'COMPLETED';

export type UpdateTaskInput = {
  title?: InputMaybe<Scalars['String']['input']>;
  description?: InputMaybe<Scalars['String']['input']>;
  completed?: InputMaybe<Scalars['Boolean']['input']>;
  priority?: InputMaybe<TaskPriority>;
  due?: InputMaybe<DueInput>;
  tags?: InputMaybe<Array<Scalars['String']['input']>>;
};

export type TaskFieldsFragment = { id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null };

type ChangeFields_Task_Fragment = { __typename: 'Task', id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null };

type ChangeFields_DeletedTask_Fragment = { __typename: 'DeletedTask', id: string, version: number, deletedAt: string };

export type ChangeFieldsFragment = ChangeFields_Task_Fragment | ChangeFields_DeletedTask_Fragment;

export type PageFieldsFragment = { cursor: string, hasMore: boolean, reset: boolean, items: Array<{ __typename: 'Task', id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null } | { __typename: 'DeletedTask', id: string, version: number, deletedAt: string }> };

export type ChangesQueryVariables = Exact<{
  after?: InputMaybe<Scalars['String']['input']>;
  first: Scalars['Int']['input'];
}>;


export type ChangesQuery = { changes: { cursor: string, hasMore: boolean, reset: boolean, items: Array<{ __typename: 'Task', id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null } | { __typename: 'DeletedTask', id: string, version: number, deletedAt: string }> } };

export type LiveSubscriptionVariables = Exact<{
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type LiveSubscription = { changes: { cursor: string, hasMore: boolean, reset: boolean, items: Array<{ __typename: 'Task', id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null } | { __typename: 'DeletedTask', id: string, version: number, deletedAt: string }> } };

export type PushMutationVariables = Exact<{
  changes: Array<TaskPush> | TaskPush;
}>;


export type PushMutation = { pushTasks: { conflicts: Array<{ __typename: 'Task', id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null } | { __typename: 'DeletedTask', id: string, version: number, deletedAt: string }>, refused: Array<{ id: string, code: ErrorCode, message: string, fields: Array<{ field: string, message: string }> }> } | null };

export type RestoreMutationVariables = Exact<{
  ids: Array<Scalars['ID']['input']> | Scalars['ID']['input'];
}>;


export type RestoreMutation = { restoreTasks: { tasks: Array<{ id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, updatedAt: string, completedAt: string | null, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null }> } | null };

export type TrashQueryVariables = Exact<{
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
}>;


export type TrashQuery = { trash: { nodes: Array<{ id: string, title: string, description: string | null, completed: boolean, priority: TaskPriority, tags: Array<string>, version: number, createdAt: string, completedAt: string | null, deletedAt: string, purgeAt: string, due: { date: string, time: string | null, timeZone: string | null, at: string | null } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type PurgeMutationVariables = Exact<{
  id: Scalars['ID']['input'];
}>;


export type PurgeMutation = { purgeTask: { id: string } | null };

export type EmptyTrashMutationVariables = Exact<{ [key: string]: never; }>;


export type EmptyTrashMutation = { emptyTrash: { count: number } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const TaskFieldsFragmentDoc = new TypedDocumentString(`
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}
    `, {"fragmentName":"TaskFields"}) as unknown as TypedDocumentString<TaskFieldsFragment, unknown>;
export const ChangeFieldsFragmentDoc = new TypedDocumentString(`
    fragment ChangeFields on TaskChange {
  __typename
  ... on Task {
    ...TaskFields
  }
  ... on DeletedTask {
    id
    version
    deletedAt
  }
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}`, {"fragmentName":"ChangeFields"}) as unknown as TypedDocumentString<ChangeFieldsFragment, unknown>;
export const PageFieldsFragmentDoc = new TypedDocumentString(`
    fragment PageFields on Changes {
  items {
    ...ChangeFields
  }
  cursor
  hasMore
  reset
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}
fragment ChangeFields on TaskChange {
  __typename
  ... on Task {
    ...TaskFields
  }
  ... on DeletedTask {
    id
    version
    deletedAt
  }
}`, {"fragmentName":"PageFields"}) as unknown as TypedDocumentString<PageFieldsFragment, unknown>;
export const ChangesDocument = new TypedDocumentString(`
    query Changes($after: String, $first: Int!) {
  changes(after: $after, first: $first) {
    ...PageFields
  }
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}
fragment ChangeFields on TaskChange {
  __typename
  ... on Task {
    ...TaskFields
  }
  ... on DeletedTask {
    id
    version
    deletedAt
  }
}
fragment PageFields on Changes {
  items {
    ...ChangeFields
  }
  cursor
  hasMore
  reset
}`) as unknown as TypedDocumentString<ChangesQuery, ChangesQueryVariables>;
export const LiveDocument = new TypedDocumentString(`
    subscription Live($after: String) {
  changes(after: $after) {
    ...PageFields
  }
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}
fragment ChangeFields on TaskChange {
  __typename
  ... on Task {
    ...TaskFields
  }
  ... on DeletedTask {
    id
    version
    deletedAt
  }
}
fragment PageFields on Changes {
  items {
    ...ChangeFields
  }
  cursor
  hasMore
  reset
}`) as unknown as TypedDocumentString<LiveSubscription, LiveSubscriptionVariables>;
export const PushDocument = new TypedDocumentString(`
    mutation Push($changes: [TaskPush!]!) {
  pushTasks(changes: $changes) {
    conflicts {
      ...ChangeFields
    }
    refused {
      id
      code
      message
      fields {
        field
        message
      }
    }
  }
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}
fragment ChangeFields on TaskChange {
  __typename
  ... on Task {
    ...TaskFields
  }
  ... on DeletedTask {
    id
    version
    deletedAt
  }
}`) as unknown as TypedDocumentString<PushMutation, PushMutationVariables>;
export const RestoreDocument = new TypedDocumentString(`
    mutation Restore($ids: [ID!]!) {
  restoreTasks(ids: $ids) {
    tasks {
      ...TaskFields
    }
  }
}
    fragment TaskFields on Task {
  id
  title
  description
  completed
  priority
  due {
    date
    time
    timeZone
    at
  }
  tags
  version
  createdAt
  updatedAt
  completedAt
}`) as unknown as TypedDocumentString<RestoreMutation, RestoreMutationVariables>;
export const TrashDocument = new TypedDocumentString(`
    query Trash($after: String, $search: String) {
  trash(first: 100, after: $after, search: $search) {
    nodes {
      id
      title
      description
      completed
      priority
      due {
        date
        time
        timeZone
        at
      }
      tags
      version
      createdAt
      completedAt
      deletedAt
      purgeAt
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<TrashQuery, TrashQueryVariables>;
export const PurgeDocument = new TypedDocumentString(`
    mutation Purge($id: ID!) {
  purgeTask(id: $id) {
    id
  }
}
    `) as unknown as TypedDocumentString<PurgeMutation, PurgeMutationVariables>;
export const EmptyTrashDocument = new TypedDocumentString(`
    mutation EmptyTrash {
  emptyTrash {
    count
  }
}
    `) as unknown as TypedDocumentString<EmptyTrashMutation, EmptyTrashMutationVariables>;