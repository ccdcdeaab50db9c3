import { describe, expect, test } from "vitest";
import { eliminateCommon } from "../../compiler/passes/eliminate-common.ts";
import { eliminateDead } from "../../compiler/passes/eliminate-dead.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";

describe("common values", () => {
  const merged = (text: string) => linesOf(eliminateCommon(parseBound(text)));

  test("are computed once, constants and operands in either order included", () => {
    expect(
      merged(`graph g(%x: float32[2], %z: float32[2]) {
  %a: float32[] = constant() {value=float32[](1)}
  %b: float32[] = constant() {value=float32[](1)}
  %p: float32[2] = add(%x, %a)
  %q: float32[2] = add(%b, %x)
  %r: float32[2] = sub(%p, %z)
  %s: float32[2] = sub(%q, %z)
  return r=%r, s=%s
}`),
    ).toMatchInlineSnapshot(`
      "%a: float32[] = constant() {value=float32[](1)}
      %p: float32[2] = add(%x, %a)
      %r: float32[2] = sub(%p, %z)
      return r=%r, s=%r"
    `);
  });

  test("are told apart by attributes, dtype, the sign of zero and the order of operands", () => {
    const text = `graph g(%x: float32[2, 2], %z: float32[2, 2]) {
  %a: float32[] = constant() {value=float32[](0)}
  %b: float32[] = constant() {value=float32[](-0)}
  %c: float64[] = constant() {value=float64[](0)}
  %p: float32[2] = reduceSum(%x) {axes=[0], keepDims=false}
  %q: float32[2] = reduceSum(%x) {axes=[1], keepDims=false}
  %r: float32[2, 2] = sub(%x, %z)
  %s: float32[2, 2] = sub(%z, %x)
  return a=%a, b=%b, c=%c, p=%p, q=%q, r=%r, s=%s
}`;
    const graph = parseBound(text);
    expect(eliminateCommon(graph)).toBe(graph);
  });
});

describe("dead values", () => {
  const alive = (text: string) => linesOf(eliminateDead(parseBound(text)));

  test("go, with the parameters only they read", () => {
    expect(
      alive(`graph g(%x: float32[2], %unused: float32[2]) {
  param %p: float32[2] = {"kind":"zeros"}
  param %q: float32[2] = {"kind":"zeros"}
  %a: float32[2] = add(%x, %p)
  %b: float32[2] = neg(%a)
  %y: float32[2] = mul(%x, %q)
  return y=%y
}`),
    ).toMatchInlineSnapshot(`
      "param %q: float32[2] = {"kind":"zeros"}
      %y: float32[2] = mul(%x, %q)
      return y=%y"
    `);
  });

  test("go from scans: stacks that nothing reads, sequences and invariants that the body does not", () => {
    expect(
      alive(`graph g(%s: float32[2], %xs: float32[4, 2], %zs: float32[4, 2], %w: float32[2], %v: float32[2]) {
  %y: float32[2], %a: float32[4, 2], %b: float32[4, 2] = scan(%s, %xs, %zs, %w, %v) {states=1, sequences=2,
    reverse=false, conditional=false, body=graph step(%h: float32[2], %x: float32[2], %z: float32[2], %k: float32[2], %l: float32[2]) {
    %u: float32[2] = mul(%z, %l)
    %n: float32[2] = add(%h, %x)
    %m: float32[2] = mul(%n, %k)
    return h=%n, a=%u, b=%m
  }}
  return y=%y, b=%b
}`),
    ).toMatchInlineSnapshot(`
      "%y: float32[2], %b: float32[4, 2] = scan(%s, %xs, %w) {states=1, sequences=1, reverse=false, conditional=false, body=graph step(%h: float32[2], %x: float32[2], %k: float32[2]) {
        %n: float32[2] = add(%h, %x)
        %m: float32[2] = mul(%n, %k)
        return h=%n, b=%m
      }}
      return y=%y, b=%b"
    `);
  });

  test("leave a scan one sequence to run along", () => {
    const text = `graph g(%s: float32[2], %xs: float32[4, 2]) {
  %y: float32[2] = scan(%s, %xs) {body=graph step(%h: float32[2], %x: float32[2]) {
    %n: float32[2] = add(%h, %h)
    return h=%n
  }, states=1, sequences=1, reverse=false, conditional=false}
  return y=%y
}`;
    const graph = parseBound(text);
    expect(eliminateDead(graph)).toBe(graph);
  });
});
