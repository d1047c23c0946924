// Bundles and runs the tests of src/sync: node tests/sync.js [a part of a name]

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const outdir = "node_modules/.tests";
const tests = readdirSync("tests/sync").filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: tests.map((name) => `tests/sync/${name}`),
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  sourcemap: "inline",
  outdir,
  outExtension: { ".js": ".mjs" },
});
const files = tests.map((name) => `${outdir}/${name.replace(/ts$/, "mjs")}`);
const named = process.argv[2] ? [`--test-name-pattern=${process.argv[2]}`] : [];
const { status } = spawnSync("node", ["--enable-source-maps", "--test", ...named, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
