import { mkdtempSync, readFileSync, rmSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { spread } from './figures.ts';
import { startBenchShop } from './shop.ts';

export type StartFigures = {
  readonly seconds: readonly number[];
  /** What the six take from the machine: pages that they share (Node itself) counted once. */
  readonly pssMiB: readonly number[];
  /** The plain sum, shared pages counted six times. */
  readonly rssMiB: readonly number[];
  readonly byProcess: Readonly<Record<string, Memory>>;
};

type Memory = { readonly rss: number; readonly pss: number };

/** Memory of a process in MiB, from the kernel (Linux). */
function memoryMiB(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const value = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024);
  return { rss: value('Rss'), pss: value('Pss') };
}

/**
 * Time until all six processes work, and their resident memory together a few seconds later:
 * `node test/bench/start-up.ts [rounds=5]`. The first start of a data folder (enrolment, compile cache) is not counted.
 */
export async function measureStartUp(rounds: number): Promise<StartFigures> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sgp-bench-start-'));
  const seconds: number[] = [];
  const rss: number[] = [];
  const pss: number[] = [];
  let byProcess: Record<string, Memory> = {};
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const bench = await startBenchShop(dataDir);
    const took = (performance.now() - startedAt) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    byProcess = Object.fromEntries(
      [...bench.running.processes].map(([name, each]) => [name, memoryMiB(each.pid as number)]),
    );
    await bench.running[Symbol.asyncDispose]();
    if (round === 0) continue;
    seconds.push(took);
    rss.push(Object.values(byProcess).reduce((sum, each) => sum + each.rss, 0));
    pss.push(Object.values(byProcess).reduce((sum, each) => sum + each.pss, 0));
  }
  rmSync(dataDir, { recursive: true, force: true });
  return { seconds, pssMiB: pss, rssMiB: rss, byProcess };
}

if (import.meta.main) {
  const { seconds, pssMiB, rssMiB, byProcess } = await measureStartUp(Number(process.argv[2] ?? 5));
  console.log(
    `all six processes ready and signed in: ${spread(seconds, 's', 2)}; resident memory together: ${spread(pssMiB, 'MiB', 0)}, summed with shared pages in each: ${spread(rssMiB, 'MiB', 0)}`,
  );
  console.log(byProcess);
}
