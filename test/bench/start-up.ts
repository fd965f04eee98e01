import { mkdtempSync, readFileSync, rmSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { spread } from './figures.ts';
import { startBenchShop } from './shop.ts';

export type StartFigures = {
  readonly seconds: readonly number[];
  readonly rssMiB: readonly number[];
  readonly byProcess: Readonly<Record<string, number>>;
};

/** Resident memory of a process in MiB, from the kernel (Linux). */
const rssMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/**
 * Time until all six processes work, and their resident memory together a few seconds later:
 * `node test/bench/start-up.ts [rounds=5]`. The first start of a data folder (enrolment, compile cache) is not counted.
 */
export async function measureStartUp(rounds: number): Promise<StartFigures> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sgp-bench-start-'));
  const seconds: number[] = [];
  const rss: number[] = [];
  let byProcess: Record<string, number> = {};
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const bench = await startBenchShop(dataDir);
    const took = (performance.now() - startedAt) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    byProcess = Object.fromEntries(
      [...bench.running.processes].map(([name, each]) => [name, Math.round(rssMiB(each.pid as number))]),
    );
    await bench.running[Symbol.asyncDispose]();
    if (round === 0) continue;
    seconds.push(took);
    rss.push(Object.values(byProcess).reduce((sum, each) => sum + each, 0));
  }
  rmSync(dataDir, { recursive: true, force: true });
  return { seconds, rssMiB: rss, byProcess };
}

if (import.meta.main) {
  const { seconds, rssMiB: rss, byProcess } = await measureStartUp(Number(process.argv[2] ?? 5));
  console.log(
    `all six processes ready and signed in: ${spread(seconds, 's', 2)}; resident memory together: ${spread(rss, 'MiB', 0)}`,
  );
  console.log(byProcess);
}
