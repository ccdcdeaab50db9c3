import { describe, expect, test } from "vitest";
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Step } from "../../compiler/ir/program.ts";
import { planArena } from "../../compiler/lower/arena.ts";
import { verifyArena } from "../../compiler/lower/arena-verify.ts";
import { resizeStep } from "../support/arbitrary/steps.ts";
import { buffer } from "../support/nests.ts";

const input = buffer("input", 8, "input");
const output = buffer("output", 8, "output");

/** Steps that are never in place: each reads the ends of its operands. */
class Net {
  readonly steps: Step[] = [];

  layer(length: number, from: Buffer): Buffer {
    const to = buffer(`b${this.steps.length}`, length, "arena");
    this.steps.push(resizeStep(from, to));
    return to;
  }

  /** Keeps `b` live until here. */
  use(b: Buffer): void {
    this.steps.push(resizeStep(b, output));
  }
}

function ratio({ steps }: Net): number {
  const plan = planArena(steps);
  verifyArena(plan, steps);
  return plan.bytes / plan.lowerBound;
}

describe("the arena stays within 1.10 of its lower bound", () => {
  test("for residual blocks of shrinking images", () => {
    const net = new Net();
    let x = net.layer(50_176, input);
    for (let block = 0; block < 16; block++) {
      const size = 50_176 >> Math.floor(block / 4);
      const hidden = net.layer(size >> 2, x);
      const wide = net.layer(size, net.layer(size >> 2, hidden));
      net.use(x);
      x = net.layer(size, wide);
    }
    net.use(x);
    expect(ratio(net)).toBeLessThanOrEqual(1.1);
  });

  test("for an hourglass, whose first values are read last", () => {
    const net = new Net();
    const sizes = [65_536, 40_000, 20_000, 9_000, 5_000];
    const skips: Buffer[] = [];
    let x = input;
    for (const size of sizes) {
      skips.push(net.layer(size, x));
      x = net.layer(size, skips.at(-1)!);
    }
    for (const skip of skips.reverse()) {
      x = net.layer(skip.length, x);
      net.use(skip);
      x = net.layer(skip.length, x);
    }
    net.use(x);
    expect(ratio(net)).toBeLessThanOrEqual(1.1);
  });

  test("for blocks of which each layer reads all before it", () => {
    const net = new Net();
    let x = net.layer(4096, input);
    for (let block = 0; block < 6; block++) {
      const before = [x];
      for (let layer = 0; layer < 8; layer++) {
        const joined = net.layer(before.length * 700, before.at(-1)!);
        for (const b of before) net.use(b);
        before.push(net.layer(700, joined));
      }
      x = net.layer(4096 - 500 * block, before.at(-1)!);
    }
    net.use(x);
    expect(ratio(net)).toBeLessThanOrEqual(1.1);
  });

  test.each([
    [30, 8],
    [100, 5],
    [100, 30],
    [1000, 10],
  ])("for %i buffers of random sizes, read up to %i steps later", (count, span) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = generator(seed * 7919);
      const net = new Net();
      const made = [input];
      while (made.length <= count) {
        const from = made[Math.max(0, made.length - 1 - Math.floor(random() * random() * span))]!;
        made.push(net.layer(1 + Math.floor(2 ** (random() * 14)), from));
      }
      expect(ratio(net)).toBeLessThanOrEqual(1.1);
    }
  });
});

/** Numbers in [0, 1) from a seed. */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
