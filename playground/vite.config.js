import { defineConfig } from "vite";

export default defineConfig({
  base: "/graphiql/",
  esbuild: { jsx: "automatic" },
  // Everything comes from the server itself, and nothing is inlined that its Content-Security-Policy would refuse.
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4096, modulePreload: { polyfill: false } },
});
