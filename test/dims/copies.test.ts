import { expect, test, vi } from "vitest";

test("dims of two copies of the package are refused, not compared forever", async () => {
  const first = await import("../../compiler/dims/index.ts");
  vi.resetModules();
  const second = await import("../../compiler/dims/index.ts");
  const strange = first.mul(first.symbol("a"), first.symbol("b"));
  const own = second.mul(second.symbol("a"), second.symbol("b"));
  expect(() => second.add(own, strange)).toThrow(/two copies of shapecast/);
});
