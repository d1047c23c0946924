// Bundles the pages into dist/: app.html and graphiql.html, assets/, whose names have their hash, and the app's service worker.
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

const url = (path) => `/assets/${basename(path)}`;
const [app] = await Promise.all(Object.entries(pages).map(([name, entry]) => writePage(name, entry)));
await build({
  entryPoints: ["src/app/service-worker.js"],
  minify: true,
  define: { APP_ASSETS: JSON.stringify([...new Set(app)].sort().map(url)) },
  outdir: "dist",
});
if (process.argv.includes("--meta")) console.log(await analyzeMetafile(metafile));

/** Writes a page, and returns what it loads. */
async function writePage(name, entry) {
  const [script, { cssBundle }] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === entry);
  const html = await readFile(`src/${name}/index.html`, "utf8");
  await writeFile(`dist/${name}.html`, html.replace("{script}", url(script)).replace("{style}", url(cssBundle)));
  return [script, cssBundle].flatMap(loaded);
}

/** An output and all that it imports. */
function loaded(path) {
  const imports = metafile.outputs[path]?.imports ?? [];
  return [path, ...imports.flatMap((imported) => loaded(imported.path))];
}
