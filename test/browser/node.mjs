/** What Node makes of the cases in `process.argv[2]`, as JSON. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runCase } from "./cases.mjs";

const { base, cases } = JSON.parse(process.argv[2]);
const read = async (url) => readFileSync(fileURLToPath(url));
const results = [];
for (const each of cases) results.push(await runCase(each, { base, read }));
process.stdout.write(JSON.stringify(results));
