// Nodes of a GraphQL document, as graphql-js has them.

import { Kind, parseType, parseValue, visit } from "graphql";

export const name = (value) => ({ kind: Kind.NAME, value });
export const variable = (value) => ({ kind: Kind.VARIABLE, name: name(value) });
export const argument = (key, value) => ({ kind: Kind.ARGUMENT, name: name(key), value });
export const directive = (key, args = []) => ({ kind: Kind.DIRECTIVE, name: name(key), arguments: args });
export const boolean = (value) => ({ kind: Kind.BOOLEAN, value });
export const int = (value) => ({ kind: Kind.INT, value: String(value) });
export const string = (value) => ({ kind: Kind.STRING, value });
export const word = (value) => ({ kind: Kind.ENUM, value });
export const nothing = () => ({ kind: Kind.NULL });
export const list = (values) => ({ kind: Kind.LIST, values });
export const objectField = (key, value) => ({ kind: Kind.OBJECT_FIELD, name: name(key), value });
export const object = (fields) => ({ kind: Kind.OBJECT, fields });
export const selectionSet = (selections) => ({ kind: Kind.SELECTION_SET, selections });
export const type = (text) => parseType(text, { noLocation: true });
export const value = (text) => parseValue(text, { noLocation: true });

export const field = (key, { alias, args = [], selections, directives = [] } = {}) => ({
  kind: Kind.FIELD,
  alias: alias && name(alias),
  name: name(key),
  arguments: args,
  directives,
  selectionSet: selections && selectionSet(selections),
});

export const spread = (fragment, directives = []) => ({ kind: Kind.FRAGMENT_SPREAD, name: name(fragment), directives });

export const namedType = (key) => ({ kind: Kind.NAMED_TYPE, name: name(key) });

export const inline = (on, selections, directives = []) => ({
  kind: Kind.INLINE_FRAGMENT,
  typeCondition: on && namedType(on),
  directives,
  selectionSet: selectionSet(selections),
});

export const fragment = (key, on, selections) => ({
  kind: Kind.FRAGMENT_DEFINITION,
  name: name(key),
  typeCondition: namedType(on),
  directives: [],
  selectionSet: selectionSet(selections),
});

export const variableDefinition = (key, of, defaultValue) => ({
  kind: Kind.VARIABLE_DEFINITION,
  variable: variable(key),
  type: type(of),
  defaultValue,
  directives: [],
});

export const operation = (kind, key, selections, variables = []) => ({
  kind: Kind.OPERATION_DEFINITION,
  operation: kind,
  name: key && name(key),
  variableDefinitions: variables,
  directives: [],
  selectionSet: selectionSet(selections),
});

export const document = (definitions) => ({ kind: Kind.DOCUMENT, definitions });

/** Every node of a kind in a tree, outermost first. */
export function all(tree, kind) {
  const found = [];
  visit(tree, { [kind]: { enter: (node) => void found.push(node) } });
  return found;
}

/** The names of the variables that each operation uses, its own and those of the fragments it spreads. */
export function variablesOf(operationNode, fragments) {
  const names = new Set();
  const seen = new Set();
  const look = (tree) => {
    all(tree, Kind.VARIABLE).forEach((node) => names.add(node.name.value));
    for (const { name: key } of all(tree, Kind.FRAGMENT_SPREAD)) {
      const spreadFragment = fragments.get(key.value);
      if (spreadFragment && !seen.has(key.value)) {
        seen.add(key.value);
        look(spreadFragment);
      }
    }
  };
  look({ ...operationNode, variableDefinitions: [] });
  return names;
}
