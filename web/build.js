// Bundles the pages into dist/: app.html and graphiql.html, and assets/, whose names have their hash.
//
//   node build.js [--meta]     with the sizes of what is in the bundles

import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { analyzeMetafile, build } from "esbuild";

const pages = { app: "src/app/main.tsx", graphiql: "src/graphiql/main.jsx" };
await rm("dist", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: Object.values(pages),
  bundle: true,
  splitting: true,
  minify: true,
  metafile: true,
  format: "esm",
  jsx: "automatic",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".woff2": "file", ".svg": "file" },
  outdir: "dist/assets",
  publicPath: "/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
});

const outputs = Object.entries(metafile.outputs);
const url = (path) => `/assets/${basename(path)}`;
for (const [name, entry] of Object.entries(pages)) {
  const [script, { cssBundle }] = outputs.find(([, output]) => output.entryPoint === entry);
  const page = (await readFile(`src/${name}/index.html`, "utf8"))
    .replace("{script}", url(script))
    .replace("{style}", url(cssBundle));
  await writeFile(`dist/${name}.html`, page);
}
if (process.argv.includes("--meta")) console.log(await analyzeMetafile(metafile));
