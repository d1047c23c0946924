// Where a document can be broken: its nodes with what the schema says of them.

import { Kind, TypeInfo, visit, visitWithTypeInfo } from "graphql";

/** Everything a mutator looks for, in the order of the document. Repeated nodes are listed each time they are met. */
export function places(document, schema) {
  const found = {
    fields: [],
    sets: [],
    fragments: [],
    operations: [],
    spreads: [],
    inlines: [],
    values: [],
    directives: [],
    selections: [],
  };
  const info = new TypeInfo(schema);
  const enter = (node) => {
    switch (node.kind) {
      case Kind.OPERATION_DEFINITION:
        return void found.operations.push(node);
      case Kind.FRAGMENT_DEFINITION:
        return void found.fragments.push(node);
      case Kind.SELECTION_SET:
        return void found.sets.push({ node, type: info.getParentType() });
      case Kind.FIELD:
        found.selections.push(node);
        return void found.fields.push({ node, parent: info.getParentType(), definition: info.getFieldDef() });
      case Kind.FRAGMENT_SPREAD:
        found.selections.push(node);
        return void found.spreads.push(node);
      case Kind.INLINE_FRAGMENT:
        found.selections.push(node);
        return void found.inlines.push(node);
      case Kind.DIRECTIVE:
        return void found.directives.push(node);
      case Kind.ARGUMENT:
      case Kind.OBJECT_FIELD:
        return void found.values.push({ node, key: "value", type: info.getInputType() });
      case Kind.VARIABLE_DEFINITION:
        if (node.defaultValue) found.values.push({ node, key: "defaultValue", type: info.getInputType() });
        return undefined;
      default:
        return undefined;
    }
  };
  visit(document, visitWithTypeInfo(info, { enter }));
  return found;
}
