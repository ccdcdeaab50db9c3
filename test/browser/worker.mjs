/** A worker compiles at once whatever its size. */
import { runCase } from "./cases.mjs";
import { instantiateLarge, read } from "./read.mjs";

self.onmessage = async ({ data: { base, cases, large } }) => {
  try {
    const results = [];
    for (const each of cases) results.push(await runCase(each, { base, read }));
    if (large) await instantiateLarge(base, large, false);
    self.postMessage({ results });
  } catch (error) {
    self.postMessage({ error: String(error?.stack ?? error) });
  }
};
