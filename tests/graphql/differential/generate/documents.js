// Well-formed documents of a schema: nested fragments, aliases, merged fields, directives, variables, some operations.

import {
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  doTypesOverlap,
  getNamedType,
  isAbstractType,
  isLeafType,
  isRequiredArgument,
  print,
} from "graphql";
import * as ast from "../ast.js";
import { Values } from "./values.js";
import { Variables } from "./variables.js";

const DEPTH = 5;
/** What graphql-js has of a later draft than the specification of September 2025. */
const DRAFTS = { __Schema: ["directives"], __Directive: ["isDeprecated", "deprecationReason"] };
/** What has tests of its own: tests/it/feed/model.rs, tests/it/tasks/push_model.rs, tests/it/tasks/erasure.rs. */
const MODELLED_ELSEWHERE = { Query: ["changes"], Mutation: ["eraseMe", "pushTasks"] };
const LEFT_OUT = { ...DRAFTS, ...MODELLED_ELSEWHERE };

/** A request: the document as a tree, the operation to run, and the variables as JSON text. */
export function generate(schema, world, random) {
  return new Generation(schema, world, random).request();
}

class Generation {
  #fragments = new Map();
  /** What each response key stands for, so that fields of one name can always be merged. */
  #keys = new Map();

  constructor(schema, world, random) {
    this.schema = schema;
    this.random = random;
    this.variables = new Variables(random);
    this.values = new Values(random, world, this.variables);
    this.flag = schema.getDirective("skip").args[0].type;
  }

  request() {
    const r = this.random;
    const count = r.chance(0.85) ? 1 : r.int(2, 3);
    const names = Array.from({ length: count }, (_, index) =>
      count === 1 && r.chance(0.5) ? undefined : `Op${index}`,
    );
    const operations = names.map((name) => this.#operation(name));
    const run = r.pick(operations);
    const uses = (one) => ast.variablesOf(one, this.#fragments);
    for (const one of operations) one.variableDefinitions = this.variables.definitions(uses(one));
    return {
      document: ast.document(r.shuffle([...operations, ...this.#used(operations)])),
      operationName: this.#operationName(run, count),
      variables: this.variables.json(uses(run), this.values),
    };
  }

  #operationName(run, count) {
    const r = this.random;
    if (r.chance(0.02)) return "Nobody";
    return count > 1 ? (r.chance(0.95) ? run.name.value : undefined) : r.chance(0.5) ? run.name?.value : undefined;
  }

  #operation(name) {
    const r = this.random;
    const kind = r.chance(0.35) ? "mutation" : "query";
    const root = this.schema.getRootType(kind);
    return ast.operation(kind, name, this.#selections(root, 0));
  }

  #used(operations) {
    const names = new Set();
    const look = (tree) => {
      for (const { name } of ast.all(tree, Kind.FRAGMENT_SPREAD)) {
        if (names.has(name.value)) continue;
        names.add(name.value);
        look(this.#fragments.get(name.value));
      }
    };
    operations.forEach(look);
    return [...names].map((name) => this.#fragments.get(name));
  }

  #selections(type, depth) {
    const r = this.random;
    const selections = Array.from({ length: r.int(1, depth === 0 ? 3 : 4) }, () => this.#selection(type, depth));
    if (r.chance(0.25)) selections.push(this.#again(r.pick(selections), type, depth));
    return selections;
  }

  #selection(type, depth) {
    const r = this.random;
    if (depth < DEPTH && r.chance(0.13)) return this.#inline(type, depth);
    if (depth < DEPTH && r.chance(0.15)) return this.#spread(type, depth);
    return this.#field(type, depth);
  }

  #inline(type, depth) {
    const r = this.random;
    const on = r.chance(0.3) ? undefined : r.pick(this.#overlapping(type));
    return ast.inline(on?.name, this.#selections(on ?? type, depth + 1), this.#directives(0.2));
  }

  #spread(type, depth) {
    const r = this.random;
    const fits = (one) => doTypesOverlap(this.schema, type, this.schema.getType(one.typeCondition.name.value));
    const existing = [...this.#fragments.values()].filter(fits);
    if (existing.length > 0 && r.chance(0.5)) return ast.spread(r.pick(existing).name.value, this.#directives(0.2));
    const on = r.pick(this.#overlapping(type));
    const selections = this.#selections(on, depth + 1);
    const name = `${r.pick(["F", "Fields", "on_", "_"])}${this.#fragments.size}`;
    this.#fragments.set(name, ast.fragment(name, on.name, selections));
    return ast.spread(name, this.#directives(0.2));
  }

  #overlapping(type) {
    const abstract = type.getInterfaces?.() ?? [];
    return isAbstractType(type) ? [type, ...this.schema.getPossibleTypes(type)] : [type, type, ...abstract];
  }

  /** The same once more, as it stands, with other sub-selections, or in a fragment. */
  #again(selection, type, depth) {
    const r = this.random;
    if (selection.kind !== Kind.FIELD) return selection;
    const definition = this.#definition(type, selection.name.value);
    const of = getNamedType(definition.type);
    const selections = isLeafType(of) ? undefined : this.#selections(of, depth + 1);
    const again = {
      ...selection,
      selectionSet: selections && ast.selectionSet(selections),
      directives: this.#directives(0.1),
    };
    return r.chance(0.4) ? ast.inline(r.chance(0.5) ? type.name : undefined, [again]) : again;
  }

  #definition(type, name) {
    const meta = [TypeNameMetaFieldDef, SchemaMetaFieldDef, TypeMetaFieldDef];
    return meta.find((one) => one.name === name) ?? type.getFields()[name];
  }

  #field(type, depth) {
    const definition = this.#pickField(type, depth);
    const args = this.#arguments(definition);
    const of = getNamedType(definition.type);
    const selections = isLeafType(of) ? undefined : this.#selections(of, depth + 1);
    const alias = this.#alias(definition.name, args);
    return ast.field(definition.name, { alias, args, selections, directives: this.#directives(0.12) });
  }

  #pickField(type, depth) {
    const r = this.random;
    const fields = Object.values(type.getFields()).filter((one) => !LEFT_OUT[type.name]?.includes(one.name));
    const leaves = fields.filter((one) => isLeafType(getNamedType(one.type)));
    if (r.chance(0.06) || (depth >= DEPTH && leaves.length === 0)) return TypeNameMetaFieldDef;
    if (type === this.schema.getQueryType() && r.chance(0.06)) return r.pick([SchemaMetaFieldDef, TypeMetaFieldDef]);
    return r.pick(depth >= DEPTH || (leaves.length > 0 && r.chance(0.3)) ? leaves : fields);
  }

  #arguments(definition) {
    const r = this.random;
    const wanted = r.shuffle(definition.args).filter((one) => isRequiredArgument(one) || r.chance(0.3));
    return wanted.map(({ name, type, defaultValue }) => {
      return ast.argument(name, this.values.node(type, name, { hasDefault: defaultValue !== undefined }));
    });
  }

  #alias(name, args) {
    const r = this.random;
    const meaning = `${name}(${args.map(print).sort()})`;
    const known = this.#keys.get(name);
    if ((known === undefined || known === meaning) && r.chance(0.75)) {
      this.#keys.set(name, meaning);
      return undefined;
    }
    const reusable = [...this.#keys].filter(([key, value]) => value === meaning && key !== name);
    if (reusable.length > 0 && r.chance(0.5)) return r.pick(reusable)[0];
    const alias = `${r.pick(["a", "type", "x_", "id"])}${this.#keys.size}`;
    this.#keys.set(alias, meaning);
    return alias;
  }

  #directives(probability) {
    const r = this.random;
    if (!r.chance(probability)) return [];
    const names = r.chance(0.15) ? r.shuffle(["skip", "include"]) : [r.pick(["skip", "include"])];
    return names.map((name) => ast.directive(name, [ast.argument("if", this.values.node(this.flag, "if"))]));
  }
}
