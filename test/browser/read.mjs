/** What pages and workers share. */
export const read = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The file of a module made longer than a page compiles at once, by a section that says nothing. */
export async function instantiateLarge(base, { name, bytes }, later) {
  const { instantiate, instantiateAsync } = await import(`${base}${name}.file.js`);
  const file = await read(`${base}${name}.file.wasm`);
  const size = [0, 7, 14, 21].map((shift, i) => ((bytes >> shift) & 127) | (i < 3 ? 128 : 0));
  const padded = new Uint8Array(file.length + 5 + bytes);
  padded.set(file);
  padded.set([0, ...size, 1, 112], file.length);
  return later ? await instantiateAsync(padded) : instantiate(padded);
}
