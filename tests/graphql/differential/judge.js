// graphql-js as the referee: its verdict on a request, and the outcome if the request may run.

import {
  Kind,
  MaxIntrospectionDepthRule,
  OperationTypeNode,
  buildSchema,
  execute,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import { all } from "./ast.js";
import { taskId, uuid } from "./tasks.js";

/** Those of the specification; how deep introspection may go is a limit, and limits are tested elsewhere. */
export const RULES = specifiedRules.filter((rule) => rule !== MaxIntrospectionDepthRule);

export const ruleName = (rule) => rule.name.replace(/Rule$/, "");

/** What can come of a request. Anything but `executed` must not have run. */
export const Verdict = Object.freeze({
  PARSE: "parse",
  VALIDATION: "validation",
  OPERATION: "operation",
  VARIABLES: "variables",
  EXECUTED: "executed",
});

export class Referee {
  constructor(sdl) {
    this.schema = buildSchema(sdl);
  }

  /** The verdict, with the rules that were broken or the outcome. */
  async judge({ query, operationName, variables }, user, tasks) {
    const document = parsed(query);
    if (!document) return { verdict: Verdict.PARSE };
    const rules = this.brokenRules(document);
    if (rules.length > 0) return { verdict: Verdict.VALIDATION, rules };
    const operation = getOperationAST(document, operationName);
    if (!operation) return { verdict: Verdict.OPERATION };
    const given = variables === undefined ? {} : JSON.parse(variables);
    const coerced = getVariableValues(this.schema, operation.variableDefinitions ?? [], given ?? {});
    if (coerced.errors) return { verdict: Verdict.VARIABLES, errors: coerced.errors };
    return { verdict: Verdict.EXECUTED, ...(await this.#run(document, operationName, given, user, tasks)) };
  }

  /** The names of the rules a document breaks. */
  brokenRules(document) {
    const broken = new Set();
    const noting = (rule) => (context) => {
      const reportError = () => broken.add(ruleName(rule));
      return rule(Object.create(context, { reportError: { value: reportError } }));
    };
    validate(this.schema, document, RULES.map(noting));
    return [...broken];
  }

  async #run(document, operationName, variableValues, user, tasks) {
    const failures = [];
    const rootValue = watched(resolvers(user, tasks, failures), failures);
    const { schema } = this;
    const result = await execute({ schema, document, rootValue, variableValues, operationName });
    for (const error of result.errors ?? []) {
      if (!error.originalError?.extensions?.code) failures.push({ path: error.path, code: "BAD_USER_INPUT" });
    }
    return {
      data: result.data ?? null,
      failures,
      state: tasks.rows,
      transactions: tasks.transactions,
      introspection: introspectionKeys(document),
      hasNullCondition: result.errors?.some(({ message }) => message.startsWith('Argument "if"')) ?? false,
    };
  }
}

export function parsed(query) {
  try {
    return parse(query, { noLocation: true });
  } catch {
    return undefined;
  }
}

/** The response keys under which the schema itself is asked for. */
function introspectionKeys(document) {
  const asked = all(document, Kind.FIELD).filter(({ name }) => ["__schema", "__type"].includes(name.value));
  return asked.map(({ alias, name }) => alias?.value ?? name.value);
}

/** Whether one of the operations could change something. */
export function hasMutation(document) {
  return document.definitions.some(
    ({ kind, operation }) => kind === Kind.OPERATION_DEFINITION && operation === OperationTypeNode.MUTATION,
  );
}

/** Every failure is noted: of several that null the same thing, graphql-js reports one, and so may we. */
function watched(object, failures) {
  const watch = (resolve) => async (args, context, info) => {
    try {
      return await resolve(args);
    } catch (error) {
      failures.push({ path: keys(info.path), code: error.extensions.code });
      throw error;
    }
  };
  return Object.fromEntries(Object.entries(object).map(([key, resolve]) => [key, watch(resolve)]));
}

const keys = (path) => (path ? [...keys(path.prev), path.key] : []);

const shown = ({ created_at: createdAt, updated_at: updatedAt, completed_at: completedAt, ...row }) => {
  return { __typename: "Task", ...row, createdAt, updatedAt, completedAt };
};
const allShown = ({ count, tasks }) => ({ count, tasks: tasks.map(shown) });

/** Where null is allowed, it means the same as nothing. */
const listed = ({ status, sort, ...others }) => {
  return { ...others, status: status ?? "ALL", sort: sort ?? "CREATED_DESC" };
};

function resolvers(user, tasks, failures) {
  const found = (id) => (id === undefined ? undefined : tasks.find(id));
  const one = (row) => (row ? shown(row) : null);
  return {
    me: () => ({
      id: user,
      ...watched({ taskCounts: () => tasks.counts(), tags: ({ limit }) => tasks.tags(limit) }, failures),
    }),
    tasks: (args) => tasks.list(listed(args)).map(shown),
    tasksConnection: (args) => tasks.connection(listed(args), shown),
    trash: (args) => tasks.trashed(args),
    task: ({ id }) => one(tasks.find(taskId(id))),
    node: ({ id }) => one(found(uuid(id))),
    createTask: ({ input }) => shown(tasks.createMany([input])[0]),
    createTasks: ({ inputs }) => tasks.createMany(inputs).map(shown),
    completeTasks: ({ ids }) => allShown(tasks.completeMany(ids.map(taskId))),
    deleteTasks: ({ ids }) => tasks.deleteMany(ids.map(taskId)),
    completeAll: () => allShown(tasks.completeAll()),
    clearCompleted: () => tasks.clearCompleted(),
    updateTask: ({ id, input, expectedVersion }) => shown(tasks.update(taskId(id), input, expectedVersion)),
    deleteTask: ({ id, expectedVersion }) => tasks.delete(taskId(id), expectedVersion),
    restoreTask: ({ id, expectedVersion }) => shown(tasks.restore(taskId(id), expectedVersion)),
    restoreTasks: ({ ids }) => allShown(tasks.restoreMany(ids.map(taskId))),
    purgeTask: ({ id }) => tasks.purge(taskId(id)),
    emptyTrash: () => tasks.emptyTrash(),
    toggleTask: ({ id }) => shown(tasks.toggle(taskId(id))),
    setTaskCompleted: ({ id, completed }) => shown(tasks.setCompleted(taskId(id), completed)),
  };
}
