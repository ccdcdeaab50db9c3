import { describe, expect, test } from "vitest";
import { canonicalise } from "../../compiler/passes/canonicalise.ts";
import { eliminateDead } from "../../compiler/passes/eliminate-dead.ts";
import { narrowIntegers } from "../../compiler/passes/narrow-integers.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";

const narrowed = (text: string) => linesOf(eliminateDead(canonicalise(narrowIntegers(parseBound(text)))));

describe("64-bit integers that fit are kept as int32", () => {
  test("when a position is moved and used as an index", () => {
    expect(
      narrowed(`graph g(%x: float32[4, 9], %table: float32[20, 2]) {
  %at: int32[4] = argMax(%x) {axis=1}
  %wide: int64[4] = cast(%at) {dtype="int64"}
  %ten: int64[] = constant() {value=int64[](10)}
  %place: int64[4] = add(%wide, %ten)
  %y: float32[4, 2] = gather(%table, %place) {axis=0}
  return y=%y
}`),
    ).toMatchInlineSnapshot(`
      "%at: int32[4] = argMax(%x) {axis=1}
      %ten_1: int32[] = constant() {value=int32[](10)}
      %place_1: int32[4] = add(%at, %ten_1)
      %y: float32[4, 2] = gather(%table, %place_1) {axis=0}
      return y=%y"
    `);
  });

  test("and an output gets its 64 bits at the end", () => {
    expect(
      narrowed(`graph g(%x: float32[4]) {
  %i: int64[4] = iota() {dtype="int64", shape=[<4>], axis=0}
  %two: int64[] = constant() {value=int64[](2)}
  %even: int64[4] = mul(%i, %two)
  return even=%even, x=%x
}`),
    ).toMatchInlineSnapshot(`
      "%i_1: int32[4] = iota() {dtype="int32", shape=[<4>], axis=0}
      %two_1: int32[] = constant() {value=int32[](2)}
      %even_1: int32[4] = mul(%i_1, %two_1)
      %even: int64[4] = cast(%even_1) {dtype="int64"}
      return even=%even, x=%x"
    `);
  });

  test("when they are compared, and when they become floats", () => {
    expect(
      narrowed(`graph g(%b: int8[3]) {
  %wide: int64[3] = cast(%b) {dtype="int64"}
  %i: int64[3] = iota() {dtype="int64", shape=[<3>], axis=0}
  %less: bool[3] = lt(%i, %wide)
  %sum: int64[3] = add(%i, %wide)
  %f: float32[3] = cast(%sum) {dtype="float32"}
  return less=%less, f=%f
}`),
    ).toMatchInlineSnapshot(`
      "%i_1: int32[3] = iota() {dtype="int32", shape=[<3>], axis=0}
      %wide_1: int32[3] = cast(%b) {dtype="int32"}
      %less: bool[3] = lt(%i_1, %wide_1)
      %sum_1: int32[3] = add(%i_1, %wide_1)
      %f: float32[3] = cast(%sum_1) {dtype="float32"}
      return less=%less, f=%f"
    `);
  });

  test("when a remainder of anything is an index", () => {
    expect(
      narrowed(`graph g(%x: int64[3], %table: float32[5]) {
  %five: int64[] = constant() {value=int64[](5)}
  %at: int64[3] = mod(%x, %five)
  %one: int64[] = constant() {value=int64[](1)}
  %less: int64[3] = sub(%at, %one)
  %y: bool[3] = eq(%less, %at)
  return y=%y
}`),
    ).toMatchInlineSnapshot(`
      "%five: int64[] = constant() {value=int64[](5)}
      %at: int64[3] = mod(%x, %five)
      %at_1: int32[3] = cast(%at) {dtype="int32"}
      %one_1: int32[] = constant() {value=int32[](1)}
      %less_1: int32[3] = sub(%at_1, %one_1)
      %y: bool[3] = eq(%less_1, %at_1)
      return y=%y"
    `);
  });
});

describe("64-bit integers stay", () => {
  test.each([
    ["a sum of inputs", "  %y: int64[3] = add(%x, %x)"],
    ["a cast of floats", '  %y: int64[3] = cast(%f) {dtype="int64"}'],
    [
      "a product that may leave 32 bits",
      `  %i: int32[3] = cast(%f) {dtype="int32"}
  %w: int64[3] = cast(%i) {dtype="int64"}
  %y: int64[3] = mul(%w, %w)`,
    ],
    [
      "a uint64 that would be negative",
      `  %i: int64[3] = iota() {dtype="uint64", shape=[<3>], axis=0}
  %y: int64[3] = neg(%x)`.replace("%i: int64[3] = iota", "%i: uint64[3] = iota"),
    ],
  ])("when it is %s", (_what, lines) => {
    const text = `graph g(%x: int64[3], %f: float32[3]) {\n${lines}\n  return y=%y\n}`;
    expect(linesOf(eliminateDead(narrowIntegers(parseBound(text))))).toBe(
      linesOf(eliminateDead(parseBound(text))),
    );
  });
});
