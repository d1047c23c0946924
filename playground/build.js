// Bundles the page into dist/: index.html, and assets whose names have their hash.

import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

const entry = "src/main.jsx";
await rm("dist", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [entry],
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
  publicPath: "/graphiql/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
});

const outputs = Object.entries(metafile.outputs);
const [script, { cssBundle }] = outputs.find(([, output]) => output.entryPoint === entry);
const url = (path) => `/graphiql/assets/${basename(path)}`;
const page = (await readFile("index.html", "utf8"))
  .replace("{script}", url(script))
  .replace("{style}", url(cssBundle));
await writeFile("dist/index.html", page);
