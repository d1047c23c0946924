// Bundles the pages into dist/: app.html and graphiql.html, assets/, whose names have their hash, and the app's service worker.
//
//   node build.js [--meta]     with the sizes of what is in the bundles

import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { analyzeMetafile, build } from "esbuild";

await rm("dist", { recursive: true, force: true });
const assets = await bundle("app", "src/app/main.tsx");
await bundle("graphiql", "src/graphiql/main.jsx");
await build({
  entryPoints: ["src/app/service-worker.js"],
  minify: true,
  define: { APP_ASSETS: JSON.stringify(assets) },
  outdir: "dist",
});

/** Bundles a page, and returns the URLs of all that it may load. Pages share nothing, so that none loads what only another needs. */
async function bundle(name, entry) {
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
    publicPath: "/assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    legalComments: "none",
  });
  if (process.argv.includes("--meta")) console.log(await analyzeMetafile(metafile));
  const url = (path) => `/assets/${basename(path)}`;
  const [script, { cssBundle }] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === entry);
  const page = (await readFile(`src/${name}/index.html`, "utf8"))
    .replace("{script}", url(script))
    .replace("{style}", url(cssBundle));
  await writeFile(`dist/${name}.html`, page);
  return Object.keys(metafile.outputs).map(url);
}
