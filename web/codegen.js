// Writes src/graphql/generated.ts, the operations with their types, from the server's schema:
//
//   npm run codegen            or `npm run codegen -- --check`, which only says whether it is what it would be

import { readFile, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as operations from "@graphql-codegen/typescript-operations";
import * as types from "@graphql-codegen/typescript";
import * as documents from "@graphql-codegen/typed-document-node";
import { parse, visit } from "graphql";

const read = async (path) => parse(await readFile(new URL(path, import.meta.url), "utf8"));
// What the schema says of a type is there to be read; here it would only have to be kept the same.
const bare = (document) => visit(document, { enter: ({ description, ...node }) => (description ? node : undefined) });
const file = new URL("src/graphql/generated.ts", import.meta.url);
const scalars = { Date: "string", DateTime: "string", LocalTime: "string", TimeZone: "string" };
const text = await codegen({
  filename: file.pathname,
  schema: bare(await read(process.env.SCHEMA ?? "../schema.graphql")),
  documents: [{ document: await read("src/graphql/operations.graphql") }],
  config: { avoidOptionals: { field: true }, documentMode: "string", enumsAsTypes: true, onlyOperationTypes: true, scalars, skipTypename: true, useTypeImports: true },
  plugins: [{ types: {} }, { operations: {} }, { documents: {} }],
  pluginMap: { types, operations, documents },
});
const head = "// Generated from schema.graphql and operations.graphql: npm run codegen\n";
if (!process.argv.includes("--check")) await writeFile(file, head + text);
else if ((await readFile(file, "utf8")) !== head + text) throw new Error("src/graphql/generated.ts is old: npm run codegen");
