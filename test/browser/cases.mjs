/**
 * Runs emitted modules and gives the bytes of their outputs. Pages, workers and Node import this text, so
 * that the same bytes can be expected of them. `read` resolves to the bytes at an address.
 */
export async function runCase({ name, mode }, { base, read, later = false }) {
  const module = await import(`${base}${name}.${mode}.js`);
  const { instantiate, instantiateAsync = instantiate, relaxedSimd } = module;
  const file = `${base}${name}.file${relaxedSimd?.() ? ".relaxed" : ""}.wasm`;
  const given = mode === "file" ? [await read(file)] : [];
  const instance = later ? await instantiateAsync(...given) : instantiate(...given);
  return run(module.signature, instance);
}

/** Passes the inputs, then leaves them in memory where the instance has a place for them. */
export function run({ inputs, outputs }, instance) {
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, port], i) => [name, noise(port, i + 1)]),
  );
  const first = bytesOf(outputs, instance.run(given));
  if (!instance.inputs) return first;
  for (const [name, data] of Object.entries(given)) instance.inputs[name].set(data);
  const again = bytesOf(outputs, instance.run());
  if (JSON.stringify(again) !== JSON.stringify(first)) throw new Error("inputs in memory give other outputs");
  return first;
}

function noise({ dtype, shape }, seed) {
  const length = shape.reduce((a, b) => a * b, 1);
  const bits = (i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) & 255;
  return dtype === "uint8"
    ? Uint8Array.from({ length }, (_, i) => bits(i))
    : Float32Array.from({ length }, (_, i) => bits(i) / 100 - 1.28);
}

const bytesOf = (ports, values) =>
  Object.fromEntries(
    Object.keys(ports).map((name) => {
      const { buffer, byteOffset, byteLength } = values[name];
      return [name, [...new Uint8Array(buffer, byteOffset, byteLength)].join()];
    }),
  );
