import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openExternalData } from "../../compiler/cli/external-data.ts";

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
  test("are read from its folder and through links that stay there, where they are asked for", () => {
    const data = openExternalData(["a.bin", "inside/b.bin", "own.bin"], folder);
    expect([...data].map(([name, file]) => [name, file.length])).toEqual([
      ["a.bin", 3],
      ["inside/b.bin", 1],
      ["own.bin", 3],
    ]);
    expect([...data.get("own.bin")!.read(1, 2)]).toEqual([2, 3]);
    expect([...data.get("a.bin")!.read(3, 0)]).toEqual([]);
  });

  test("are refused when they changed after they were looked at", () => {
    const path = join(folder, "c.bin");
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4));
    const file = openExternalData(["c.bin"], folder).get("c.bin")!;
    writeFileSync(path, Uint8Array.of(1));
    expect(() => file.read(0, 4)).toThrow("became shorter while it was read");
    rmSync(path);
    symlinkSync(join(place, "secret"), path);
    expect(() => file.read(0, 1)).toThrow("cannot be opened");
    rmSync(path);
    mkdirSync(path);
    expect(() => file.read(0, 1)).toThrow("is no regular file");
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
    expect(() => openExternalData([location], folder)).toThrow(`E5002 the model keeps tensors in the file`);
    expect(() => openExternalData([location], folder)).toThrow(why);
  });
});
