import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readExternalData } from "../../compiler/cli/external-data.ts";

const place = mkdtempSync(join(tmpdir(), "shapecast-external-"));
const folder = join(place, "model");
mkdirSync(join(folder, "inside"), { recursive: true });
writeFileSync(join(folder, "a.bin"), Uint8Array.of(1, 2, 3));
writeFileSync(join(folder, "inside", "b.bin"), Uint8Array.of(4));
writeFileSync(join(place, "secret"), "secret");
symlinkSync(join(place, "secret"), join(folder, "link.bin"));
symlinkSync(place, join(folder, "up"));
symlinkSync(join(folder, "a.bin"), join(folder, "own.bin"));
afterAll(() => rmSync(place, { recursive: true }));

describe("the files a model keeps its tensors in", () => {
  test("are read from its folder, also through links that stay there", () => {
    const data = readExternalData(["a.bin", "inside/b.bin", "own.bin"], folder);
    expect([...data].map(([name, bytes]) => [name, [...bytes]])).toEqual([
      ["a.bin", [1, 2, 3]],
      ["inside/b.bin", [4]],
      ["own.bin", [1, 2, 3]],
    ]);
  });

  test.each([
    ["/etc/hostname", "is no relative path"],
    ["C:\\data.bin", "is no relative path"],
    ["", "is no relative path"],
    ["a\0.bin", "is no relative path"],
    ["../secret", "leads out of the model's folder"],
    ["inside/../../secret", "leads out of the model's folder"],
    ["inside\\..\\..\\secret", "leads out of the model's folder"],
    ["link.bin", "is a link out of the model's folder"],
    ["up/secret", "is a link out of the model's folder"],
    ["inside", "is no regular file"],
    [".", "is a link out of the model's folder"],
    ["missing.bin", "does not exist beside the model"],
  ])("are refused (E5002) at %j, which %s", (location, why) => {
    expect(() => readExternalData([location], folder)).toThrow(`E5002 the model keeps tensors in the file`);
    expect(() => readExternalData([location], folder)).toThrow(why);
  });
});
