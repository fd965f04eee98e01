import { spread } from '../figures.ts';
import type { DrainFigures, DrainSubject } from './drain.ts';
import { comparison, digestUpkeepUs, mergesPerS } from './engine.ts';
import { oursOver } from './ours.ts';
import { mosquitto } from './peer-mosquitto.ts';
import { replication } from './peer-postgres.ts';
import { pouchdb } from './peer-pouchdb.ts';
import { createWorkload } from './workload.ts';

/**
 * The sync against what else would do: a backlog of 30,000 snapshots over one TCP connection that is counted, and the
 * engine's pure parts. The peers do less (no signature, no conflict, no proof of equality); that is said beside the figures.
 */
const subjects: readonly DrainSubject[] = [
  oursOver(0),
  oursOver(60),
  pouchdb,
  mosquitto,
  replication('off'),
  replication('on'),
];

const megabytes = (bytes: number): number => bytes / 1e6;
const roundsOf = <Figure>(rounds: number, measure: () => Figure): readonly Figure[] =>
  Array.from({ length: rounds }, measure);

/** One line for people and for docs/performance.md each, then one of JSON. */
export async function benchDrains(rounds: number, workload = createWorkload()): Promise<readonly string[]> {
  const { snapshots, orders, bytes } = workload;
  const lines = [
    `backlog: ${snapshots.length} snapshots of ${orders} orders, ${megabytes(bytes).toFixed(1)} MB of JSON`,
    '| | drained | up | down | arrived |',
    '|---|---|---|---|---|',
  ];
  const figures: Record<string, readonly DrainFigures[]> = {};
  for (const subject of subjects) {
    const missing = subject.missing();
    if (missing !== null) {
      lines.push(`| ${subject.name} | ${missing} | | | |`);
      continue;
    }
    const runs: DrainFigures[] = [];
    for (let round = 0; round < rounds; round++) runs.push(await subject.run(workload));
    figures[subject.name] = runs;
    lines.push(rowOf(subject, runs));
  }
  return [...lines, JSON.stringify({ bench: 'sync-drain', figures })];
}

function rowOf({ name, setup }: DrainSubject, runs: readonly DrainFigures[]): string {
  const of = (pick: (each: DrainFigures) => number, unit: string, digits: number) =>
    spread(runs.map(pick), unit, digits);
  const cells = [
    `${name} (${setup})`,
    of(({ drainMs }) => drainMs / 1000, 's', 2),
    of(({ bytesUp }) => megabytes(bytesUp), 'MB', 2),
    of(({ bytesDown }) => megabytes(bytesDown), 'MB', 2),
    String(runs.at(-1)?.arrived),
  ];
  return `| ${cells.join(' | ')} |`;
}

export function benchEngine(rounds: number, rows = 100_000): readonly string[] {
  const upkeep = roundsOf(rounds, () => digestUpkeepUs(rows));
  const merges = roundsOf(rounds, () => mergesPerS(50_000));
  const lines = [
    `digest upkeep: ${spread(upkeep, 'µs per change', 2)}`,
    `merge of shared fields: ${spread(merges, 'edits/s', 0)}`,
  ];
  const comparisons: Record<string, unknown> = {};
  for (const differing of [0, 1, 100]) {
    const measure = comparison(rows, differing);
    const runs = roundsOf(rounds, measure);
    comparisons[differing] = runs;
    lines.push(
      `comparison of ${rows} rows, ${differing} differing: ${spread(
        runs.map(({ ms }) => ms),
        'ms',
        2,
      )}, ${runs[0]?.bytes} bytes both ways, ${runs[0]?.rounds} rounds`,
    );
  }
  return [...lines, JSON.stringify({ bench: 'sync-engine', upkeepUs: upkeep, mergesPerS: merges, comparisons })];
}
