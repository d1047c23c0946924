// One way or more to break each validation rule of the specification's section 5, named as graphql-js names the rule.
// A mutator changes the tree it is given; it returns false where the document has no place for it.

import { Kind, getNamedType, isAbstractType, isInputObjectType, isLeafType, isRequiredArgument, parse } from "graphql";
import * as ast from "../ast.js";
import { places } from "./places.js";

const MISFITS = [
  "1",
  "-1",
  "1.5",
  '"x"',
  "true",
  "null",
  "NOTHING",
  "[1]",
  '["a", 1]',
  "{}",
  "{ title: 1 }",
  "{ nope: 1 }",
  "2147483648",
  "-2147483649",
  '"PENDING"',
  "1e3",
];

/** Mutators by rule. */
export const MUTATORS = {
  ExecutableDefinitions({ document, r }) {
    const texts = [
      "type Extra { a: Int }",
      "extend type Query { b: Int }",
      "directive @own on FIELD",
      "enum E { A }",
      "schema { query: Query }",
    ];
    insert(r, document.definitions, parse(r.pick(texts), { noLocation: true }).definitions[0]);
  },

  UniqueOperationNames({ document, r, at }) {
    const one = r.pick(at.operations);
    one.name ??= ast.name("Same");
    insert(r, document.definitions, { ...structuredClone(one), operation: r.chance(0.8) ? one.operation : "query" });
  },

  LoneAnonymousOperation({ document, r, at }) {
    const other = r.pick([undefined, "Other"]);
    delete r.pick(at.operations).name;
    insert(r, document.definitions, ast.operation("query", other, [ast.field("__typename")]));
  },

  SingleFieldSubscriptions({ document, r }) {
    const fields = ["changes", "__typename"].map((name) => ast.field(name));
    insert(r, document.definitions, ast.operation("subscription", "Sub", r.chance(0.5) ? fields : fields.slice(1)));
  },

  KnownTypeNames({ r, at }) {
    const definitions = at.operations.flatMap((one) => one.variableDefinitions);
    return r.do(
      () => change(r, at.fragments, (one) => (one.typeCondition = ast.namedType("Nowhere"))),
      () => change(r, at.inlines, (one) => (one.typeCondition = ast.namedType("Nowhere"))),
      () => change(r, definitions, (one) => (one.type = ast.type(r.pick(["Nowhere", "[Nowhere!]!", "Nowhere!"])))),
      () =>
        change(r, at.operations, (one) =>
          one.variableDefinitions.push(ast.variableDefinition("n", "[Nowhere]", ast.list([ast.int(1)]))),
        ),
    );
  },

  FragmentsOnCompositeTypes({ document, r, at }) {
    const type = r.pick(["String", "TaskSort", "CreateTaskInput", "DateTime", "ID"]);
    if (r.chance(0.5))
      return change(r, at.sets, ({ node }) => insert(r, node.selections, ast.inline(type, [ast.field("__typename")])));
    document.definitions.push(ast.fragment("Leaf", type, [ast.field("__typename")]));
    return change(r, at.sets, ({ node }) => insert(r, node.selections, ast.spread("Leaf")));
  },

  VariablesAreInputTypes({ r, at }) {
    const type = r.pick(["Task", "[Task!]", "Node", "Query!", "__Type", "[[Viewer]]"]);
    const definitions = at.operations.flatMap((one) => one.variableDefinitions);
    if (definitions.length > 0 && r.chance(0.6)) r.pick(definitions).type = ast.type(type);
    else r.pick(at.operations).variableDefinitions.push(ast.variableDefinition("task", type));
  },

  ScalarLeafs({ r, at }) {
    const isLeaf = ({ definition }) => definition && isLeafType(getNamedType(definition.type));
    return r.do(
      () =>
        change(
          r,
          at.fields.filter(isLeaf),
          ({ node }) => (node.selectionSet = ast.selectionSet([ast.field(r.pick(["length", "__typename"]))])),
        ),
      () =>
        change(
          r,
          at.fields.filter((one) => one.definition && !isLeaf(one)),
          ({ node }) => delete node.selectionSet,
        ),
    );
  },

  FieldsOnCorrectType({ r, at }) {
    const isNode = ({ type }) => type && isAbstractType(type);
    const isRoot = ({ type }) => ["Query", "Mutation"].includes(type?.name);
    return r.do(
      () =>
        change(r, at.sets, ({ node }) =>
          insert(r, node.selections, ast.field(r.pick(["nope", "Id", "taskss", "__nope", "typename"]))),
        ),
      () => change(r, at.sets.filter(isNode), ({ node }) => insert(r, node.selections, ast.field("title"))),
      () =>
        change(
          r,
          at.sets.filter((one) => !isRoot(one)),
          ({ node }) => insert(r, node.selections, ast.field("__schema", { selections: [ast.field("__typename")] })),
        ),
      () =>
        change(
          r,
          at.sets.filter(({ type }) => type?.name === "Mutation"),
          ({ node }) => insert(r, node.selections, ast.field("me", { selections: [ast.field("id")] })),
        ),
    );
  },

  UniqueFragmentNames({ document, r, at }) {
    return change(r, at.fragments, (one) => insert(r, document.definitions, structuredClone(one)));
  },

  KnownFragmentNames({ r, at }) {
    return r.chance(0.5)
      ? change(r, at.spreads, (one) => (one.name = ast.name("Gone")))
      : change(r, at.sets, ({ node }) => insert(r, node.selections, ast.spread("Gone")));
  },

  NoUnusedFragments({ document, r }) {
    insert(r, document.definitions, ast.fragment("Unused", "Task", [ast.field(r.pick(["id", "title", "__typename"]))]));
  },

  PossibleFragmentSpreads({ document, r, at }) {
    const other = (type) => (type?.name === "Viewer" ? "PageInfo" : "Viewer");
    const selections = [ast.field("__typename")];
    return change(
      r,
      at.sets.filter(({ type }) => type),
      ({ node, type }) => {
        if (r.chance(0.5)) return insert(r, node.selections, ast.inline(other(type), selections));
        document.definitions.push(ast.fragment("Elsewhere", other(type), selections));
        return insert(r, node.selections, ast.spread("Elsewhere"));
      },
    );
  },

  NoFragmentCycles({ document, r, at }) {
    return r.do(
      () => change(r, at.fragments, (one) => insert(r, one.selectionSet.selections, ast.spread(one.name.value))),
      () =>
        change(
          r,
          at.sets.filter(({ type }) => type),
          ({ node, type }) => {
            const cycle = ["C1", "C2"].map((name, index) =>
              ast.fragment(name, type.name, [ast.field("__typename"), ast.spread(`C${2 - index}`)]),
            );
            document.definitions.push(...cycle);
            if (r.chance(0.8)) insert(r, node.selections, ast.spread("C1"));
          },
        ),
    );
  },

  UniqueVariableNames({ r, at }) {
    const owners = at.operations.filter((one) => one.variableDefinitions.length > 0);
    return change(r, owners, ({ variableDefinitions: all }) => insert(r, all, structuredClone(r.pick(all))));
  },

  NoUndefinedVariables({ r, at }) {
    const owners = at.operations.filter((one) => one.variableDefinitions.length > 0);
    return r.do(
      () => change(r, owners, ({ variableDefinitions: all }) => all.splice(r.int(0, all.length - 1), 1)),
      () => change(r, at.values, ({ node, key }) => (node[key] = ast.variable("undefined"))),
      () => change(r, at.selections, (one) => one.directives.push(skipIf(ast.variable("undefined")))),
    );
  },

  NoUnusedVariables({ r, at }) {
    const type = r.pick(["Int", "ID!", "[TaskSort!]", "CreateTaskInput", "DateTime", "Boolean!"]);
    insert(
      r,
      r.pick(at.operations).variableDefinitions,
      ast.variableDefinition("unused", type, r.chance(0.2) ? ast.nothing() : undefined),
    );
  },

  KnownDirectives({ r, at, document }) {
    const unknown = () => ast.directive(r.pick(["nope", "Skip", "defer", "stream"]));
    const misplaced = () =>
      r.pick([
        ast.directive("deprecated"),
        ast.directive("specifiedBy", [ast.argument("url", ast.string("x"))]),
        ast.directive("oneOf"),
      ]);
    const definitions = at.operations.flatMap((one) => one.variableDefinitions);
    return r.do(
      () => change(r, at.selections, (one) => insert(r, one.directives, unknown())),
      () => change(r, at.selections, (one) => insert(r, one.directives, misplaced())),
      () =>
        change(r, document.definitions, (one) =>
          one.directives.push(r.do(unknown, misplaced, () => skipIf(ast.boolean(false)))),
        ),
      () => change(r, definitions, (one) => one.directives.push(r.do(unknown, () => skipIf(ast.boolean(false))))),
    );
  },

  UniqueDirectivesPerLocation({ r, at }) {
    return change(r, at.selections, (one) =>
      one.directives.push(skipIf(ast.boolean(false)), skipIf(ast.boolean(r.chance(0.5)))),
    );
  },

  KnownArgumentNames({ r, at }) {
    const extra = () =>
      ast.argument(r.pick(["nope", "Id", "inputs_", "reason"]), r.pick([ast.int(1), ast.nothing(), ast.string("x")]));
    const owners = [...at.fields.map(({ node }) => node), ...at.directives];
    return change(r, owners, (one) => insert(r, one.arguments, extra()));
  },

  UniqueArgumentNames({ r, at }) {
    const owners = [...at.fields.map(({ node }) => node), ...at.directives].filter((one) => one.arguments.length > 0);
    return change(r, owners, ({ arguments: all }) => insert(r, all, structuredClone(r.pick(all))));
  },

  ValuesOfCorrectType({ r, at }) {
    return change(r, at.values, ({ node, key, type }) => {
      const isObject = type && isInputObjectType(getNamedType(type)) && node[key]?.kind === Kind.OBJECT;
      if (isObject && r.chance(0.5)) return breakObject(r, node[key]);
      node[key] = ast.value(r.pick(MISFITS));
      return true;
    });
  },

  ProvidedRequiredArguments({ r, at }) {
    const needy = at.fields.filter(({ definition }) => definition?.args.some(isRequiredArgument));
    const without = (one) => (one.arguments = []);
    return r.chance(0.7)
      ? change(r, needy, ({ node }) => without(node))
      : change(r, at.selections, (one) => one.directives.push(ast.directive("skip")));
  },

  VariablesInAllowedPosition({ r, at }) {
    const definitions = at.operations.flatMap((one) => one.variableDefinitions);
    return change(r, definitions, (one) => {
      const text = (node) =>
        node.kind === Kind.NAMED_TYPE
          ? node.name.value
          : `${node.kind === Kind.LIST_TYPE ? `[${text(node.type)}]` : `${text(node.type)}!`}`;
      const was = text(one.type);
      const bare = was.replace(/!$/, "");
      one.type = ast.type(
        r.pick([
          bare,
          `[${was}]`,
          `[[${was}]]!`,
          "Int",
          "String",
          "Float!",
          "ID!",
          "[Boolean!]",
          "TaskSort",
          was.replaceAll(/[[\]]/g, "").replace("!!", "!"),
        ]),
      );
      if (r.chance(0.5)) delete one.defaultValue;
    });
  },

  OverlappingFieldsCanBeMerged({ document, r, at }) {
    return change(
      r,
      at.fields.filter(({ parent, definition }) => parent && definition),
      (place) => conflict(r, document, at, place),
    );
  },

  UniqueInputFieldNames({ r, at }) {
    const objects = at.values
      .map(({ node, key }) => node[key])
      .filter((one) => one?.kind === Kind.OBJECT && one.fields.length > 0);
    return change(r, objects, ({ fields }) => insert(r, fields, structuredClone(r.pick(fields))));
  },
};

/** Breaks one rule in a copy of the document; nothing if there is no place for it. */
export function mutate(document, schema, rule, random) {
  const copy = structuredClone(document);
  const isDone = MUTATORS[rule]({ document: copy, r: random, at: places(copy, schema), schema });
  return isDone === false ? undefined : copy;
}

const skipIf = (value) => ast.directive("skip", [ast.argument("if", value)]);

function insert(r, items, item) {
  items.splice(r.int(0, items.length), 0, item);
}

function change(r, items, how) {
  if (items.length === 0) return false;
  return how(r.pick(items)) !== false;
}

function breakObject(r, { fields }) {
  return r.do(
    () => fields.push(ast.objectField(r.pick(["nope", "complted", "Title"]), ast.boolean(true))),
    () => (fields.length > 0 ? fields.splice(r.int(0, fields.length - 1), 1) : false),
    () => change(r, fields, (one) => (one.value = ast.value(r.pick(MISFITS)))),
  );
}

/** The response key of a field, taken by something else: another field, other arguments, other sub-selections. */
function conflict(r, document, at, { node, parent, definition }) {
  const key = node.alias?.value ?? node.name.value;
  const rival = rivalOf(r, key, node, parent, definition);
  if (!rival) return false;
  const set = at.sets.find((one) => one.node.selections.includes(node));
  return r.do(
    () => insert(r, set.node.selections, rival),
    () => insert(r, set.node.selections, ast.inline(r.chance(0.5) ? parent.name : undefined, [rival])),
    () => {
      document.definitions.push(ast.fragment("Rival", parent.name, [rival]));
      insert(r, set.node.selections, ast.spread("Rival"));
    },
  );
}

function rivalOf(r, key, node, parent, definition) {
  const of = getNamedType(definition.type);
  const others = Object.values(parent.getFields()).filter(
    (one) => one.name !== node.name.value && !one.args.some(isRequiredArgument),
  );
  const selections = (type) => (isLeafType(getNamedType(type)) ? undefined : [ast.field("__typename")]);
  return r.do(
    () => ast.field("__typename", { alias: key }),
    () => {
      const other = r.pick(others);
      return other && ast.field(other.name, { alias: key, selections: selections(other.type) });
    },
    () =>
      ast.field(node.name.value, {
        alias: key,
        args: node.arguments.slice(1),
        selections: selections(definition.type),
      }),
    () => {
      const inner = node.selectionSet?.selections.find((one) => one.kind === Kind.FIELD);
      if (!inner || isLeafType(of)) return undefined;
      const rival = ast.field("__typename", { alias: inner.alias?.value ?? inner.name.value });
      return ast.field(node.name.value, { alias: key, args: structuredClone(node.arguments), selections: [rival] });
    },
  );
}
