import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = "http://127.0.0.1:8080";

/** Beside each large file a smaller one, which the server prefers: the image engine is 3.7 MB. */
const smaller: Plugin = {
  name: "smaller",
  apply: "build",
  writeBundle({ dir = "dist" }) {
    for (const name of readdirSync(join(dir, "assets"))) {
      const path = join(dir, "assets", name);
      const content = readFileSync(path);
      if (/\.(js|css|wasm)$/.test(name) && content.length > 1024)
        writeFileSync(`${path}.gz`, gzipSync(content));
    }
  },
};

export default defineConfig({
  plugins: [smaller],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
  },
  // The image decoders start workers and WASM of their own.
  worker: { format: "es" },
  optimizeDeps: {
    exclude: ["@cornerstonejs/dicom-image-loader"],
    include: [
      "dicom-parser",
      "pako",
      "@cornerstonejs/codec-charls/decodewasmjs",
      "@cornerstonejs/codec-openjpeg/decodewasmjs",
      "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs",
      "@cornerstonejs/codec-openjph/wasmjs",
    ],
  },
  server: {
    proxy: { "/api": server, "/dicomweb": server, "/ws": { target: server, ws: true } },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
