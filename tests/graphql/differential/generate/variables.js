// The variables of a document: declared as the generator comes to need them, for whichever operation uses them.

import { GraphQLNonNull, isNonNullType } from "graphql";
import { variableDefinition } from "../ast.js";
import { wrongJson } from "./values.js";

export class Variables {
  #random;
  #declared = new Map();

  constructor(random) {
    this.#random = random;
  }

  /** The name of a variable that may stand where a value of this type is wanted. */
  declare(type, key, hasDefault, values) {
    const r = this.#random;
    const reusable = [...this.#declared.values()].filter(
      (one) => one.key === key && String(one.wanted) === String(type),
    );
    if (reusable.length > 0 && r.chance(0.4)) return r.pick(reusable).name;
    const name = `${key}${this.#declared.size}`;
    const declared = this.#typeFor(type, hasDefault);
    const isOptional = !isNonNullType(declared.type) || declared.needsDefault;
    const withDefault = declared.needsDefault || (isOptional ? r.chance(0.3) : r.chance(0.15));
    const defaultValue = withDefault ? values.node(strict(type), key, { mayVary: false }) : undefined;
    this.#declared.set(name, { name, key, wanted: type, type: declared.type, defaultValue });
    return name;
  }

  /** Stricter than what is wanted, or laxer where a default makes up for it. */
  #typeFor(type, hasDefault) {
    const r = this.#random;
    if (!isNonNullType(type)) return { type: r.chance(0.2) ? strict(type) : type };
    if (hasDefault && r.chance(0.5)) return { type: type.ofType };
    return r.chance(0.15) ? { type: type.ofType, needsDefault: true } : { type };
  }

  /** The definitions for these names, as far as they are known. */
  definitions(names) {
    const known = this.#random.shuffle([...names]).map((name) => this.#declared.get(name));
    return known
      .filter(Boolean)
      .map(({ name, type, defaultValue }) => variableDefinition(name, String(type), defaultValue));
  }

  /** Values for these names as JSON: given, absent, and sometimes wrong. */
  json(names, values) {
    const r = this.#random;
    const members = [...names].flatMap((name) => {
      const { key, type, defaultValue } = this.#declared.get(name) ?? {};
      if (!type) return [];
      const mayBeAbsent = !isNonNullType(type) || defaultValue;
      if (r.chance(mayBeAbsent ? 0.35 : 0.02)) return [];
      return [`${JSON.stringify(name)}:${r.chance(0.03) ? wrongJson(r) : values.json(type, key)}`];
    });
    if (r.chance(0.03)) members.push(`"unused":${wrongJson(r)}`);
    return members.length > 0 || r.chance(0.5) ? `{${members}}` : r.pick([undefined, "null"]);
  }
}

const strict = (type) => (isNonNullType(type) ? type : new GraphQLNonNull(type));
