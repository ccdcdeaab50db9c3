/**
 * Contenders timed side by side: every one in processes of its own, one at work at a time, round by round,
 * so that a noisy neighbour hits all alike. Starting up is timed in fresh processes, of which the last goes
 * on to run.
 */
import type { BenchProcess, Contender, Stage, Startup } from "./bench-process.ts";

export interface Timing {
  readonly name: string;
  /** Medians over fresh processes, in milliseconds. */
  readonly startup: Startup;
  /** Of single runs, in milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly fastest: number;
  readonly runs: number;
}

/** A contender that could not run, and why. */
export interface Dropped {
  readonly name: string;
  readonly reason: string;
}

export interface Pace {
  /** Fresh processes that starting up is timed in. */
  readonly starts: number;
  readonly rounds: number;
  /** For each contender in each round. */
  readonly milliseconds: number;
  /** The most runs of each contender, over all rounds. */
  readonly runs: number;
}

export const standardPace: Pace = { starts: 3, rounds: 12, milliseconds: 120, runs: 20_000 };

/** Runs before the first that counts: engines optimise what they have seen to be hot. */
const WARM_UP = { milliseconds: 400, runs: 5_000 };

interface Started {
  readonly name: string;
  readonly process: BenchProcess;
  readonly startups: readonly Startup[];
}

/** The same order as `contenders`, those that fail among them said to be dropped. */
export async function measure(
  stage: Stage,
  contenders: readonly Contender[],
  pace: Pace = standardPace,
): Promise<readonly (Timing | Dropped)[]> {
  const started = new Map<Contender, Started | Dropped>();
  try {
    for (let i = 0; i < pace.starts; i++)
      for (const contender of contenders) {
        const before = started.get(contender);
        if (before && "reason" in before) continue;
        before?.process.end();
        started.set(contender, await start(stage, contender, before?.startups ?? []));
      }
    return await race([...started.values()], pace);
  } finally {
    for (const each of started.values()) if ("process" in each) each.process.end();
  }
}

async function start(
  stage: Stage,
  contender: Contender,
  earlier: readonly Startup[],
): Promise<Started | Dropped> {
  const { name } = contender;
  try {
    const process = await stage.start(contender);
    return { name, process, startups: [...earlier, process.startup] };
  } catch (error) {
    return { name, reason: lineOf(error) };
  }
}

async function race(all: readonly (Started | Dropped)[], pace: Pace): Promise<readonly (Timing | Dropped)[]> {
  const running = all.filter((each) => "process" in each);
  const times = new Map<Started, number[]>(running.map((each) => [each, []]));
  for (const { process } of running) await process.times(WARM_UP.milliseconds, WARM_UP.runs);
  const share = Math.max(1, Math.ceil(pace.runs / pace.rounds));
  for (let round = 0; round < pace.rounds; round++)
    for (const each of running)
      times.get(each)!.push(...(await each.process.times(pace.milliseconds, share)));
  return all.map((each) => ("process" in each ? timingOf(each, times.get(each)!) : each));
}

function timingOf({ name, startups }: Started, times: number[]): Timing {
  const sorted = times.sort((a, b) => a - b);
  const part = (of: keyof Startup) =>
    quantile(
      startups.map((each) => each[of]).sort((a, b) => a - b),
      0.5,
    );
  return {
    name,
    startup: {
      import: part("import"),
      instantiate: part("instantiate"),
      compile: part("compile"),
      first: part("first"),
    },
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    fastest: sorted[0]!,
    runs: sorted.length,
  };
}

/** Of sorted numbers. */
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;

const lineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!.slice(0, 200);
