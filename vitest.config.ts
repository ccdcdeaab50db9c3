import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  resolve: {
    alias: [
      { find: /^shapecast$/, replacement: source("./compiler/index.ts") },
      { find: /^shapecast\/dims$/, replacement: source("./compiler/dims/index.ts") },
      { find: /^shapecast\/fuzz$/, replacement: source("./runtime/fuzz/index.ts") },
    ],
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, pool: "threads", maxWorkers: 2 },
});
