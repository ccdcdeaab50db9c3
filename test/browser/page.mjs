/** The page does what its address asks for and leaves a promise of the result. */
import { run, runCase } from "./cases.mjs";
import { instantiateLarge, read } from "./read.mjs";

const base = `${location.origin}/modules/`;

const tasks = {
  /** Every case on this page, at once and later, and in a worker. */
  async cases({ cases }) {
    const onPage = [];
    const later = [];
    for (const each of cases) onPage.push(await runCase(each, { base, read }));
    for (const each of cases) later.push(await runCase(each, { base, read, later: true }));
    const { relaxedSimd } = await import(`${base}mlp.file.js`);
    return { relaxed: relaxedSimd(), onPage, later, inWorker: await inWorker({ base, cases }) };
  },

  /** What each case throws, or null. */
  async refusals({ cases }) {
    const found = [];
    for (const each of cases)
      for (const later of [false, true])
        found.push(
          await runCase(each, { base, read, later }).then(
            () => null,
            ({ code, message }) => ({ code, message }),
          ),
        );
    return found;
  },

  async large({ large }) {
    const atOnce = await instantiateLarge(base, large, false).then(
      () => null,
      ({ code, message }) => ({ code, message }),
    );
    await instantiateLarge(base, large, true);
    return { atOnce, inWorker: (await inWorker({ base, cases: [], large })).length };
  },

  /** Compiles an ONNX file here and runs what is emitted, which the server gives back as a module. */
  async compiler({ model, targets }) {
    const { compile, fromOnnx } = await import("/dist/compiler/index.js");
    const network = fromOnnx(await read(model));
    const results = [];
    for (const target of targets) {
      const { code } = compile(network, { target, format: "js", weights: "inline" });
      const url = await (await fetch("/emitted", { method: "POST", body: code })).text();
      const { signature, instantiate } = await import(url);
      results.push({ code, outputs: run(signature, instantiate()) });
    }
    return results;
  },
};

function inWorker(message) {
  const worker = new Worker("/assets/worker.mjs", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.results));
    worker.onerror = ({ message }) => reject(new Error(message || "the worker does not start"));
    worker.postMessage(message);
  });
}

const { task, ...given } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
globalThis.result = tasks[task](given).then(
  (value) => ({ value }),
  (error) => ({ error: String(error?.stack ?? error) }),
);
