import { describe, expect, test } from "vitest";
import { registry } from "../../compiler/frontend/onnx/ops/index.ts";

describe("the registry of operators", () => {
  test.each([...registry])("has the versions of %s in order, from opset 1 to 28", (_, { rows }) => {
    const versions = rows.map(({ since }) => since);
    expect(versions.length).toBeGreaterThan(0);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions.every((version) => version >= 1 && version <= 28)).toBe(true);
  });
});
