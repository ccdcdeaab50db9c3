/**
 * Writes codegen/typescript/initializers.source.ts, the seeded initialisers as text:
 *
 *   npx jiti scripts/embed-initializers.ts
 */
import { writeFileSync } from "node:fs";
import { generate } from "./initializer-text.ts";

writeFileSync(new URL("../codegen/typescript/initializers.source.ts", import.meta.url), generate());
