import { type Core, type CoreDisk, createCore } from './core.ts';
import { createEdge, type Edge } from './edge.ts';
import type { EdgeDisk } from './edge-disk.ts';
import { type Books, createBooks, lawOfLineage, lawOfStatus, lawsAtRest, lawsOfCore } from './laws.ts';
import { busyMs, type Plan, type Step } from './plan.ts';
import { createRandom, idOf } from './random.ts';
import type { Mutant } from './rules.ts';
import { createVirtualTime } from './virtual-time.ts';
import { clearSky, createWire } from './wire.ts';

const startMs = Date.UTC(2026, 0, 5, 8);
const checkEveryMs = 20_000;
/** The comparison of a restored Core that nobody noticed comes after 15 minutes, what it finds a minute later. */
const restMaxMs = 45 * 60_000;

/** Runs a plan, heals everything, and lets time pass until every law holds. @returns the broken law, or null */
export function simulate(plan: Plan, mutant: Mutant | null = null): string | null {
  const time = createVirtualTime(startMs);
  const books = createBooks();
  let ids = 0;
  const newId = (): string => idOf(9, ++ids);
  const core = createCore(books, mutant, time);
  const random = createRandom(plan.seed);
  const shops = Array.from({ length: plan.edges }, (_, number) => {
    const wire = createWire(time, random.fork(`wire ${number}`), core.awakeAtMs);
    const edge = createEdge({ number, time, random: random.fork(`edge ${number}`), wire, core, books, mutant, newId });
    return { edge, wire, backups: [] as EdgeDisk[], restored: false };
  });
  const coreBackups: CoreDisk[] = [];
  const perform = (step: Step): void => {
    const shop = shops[step.edge];
    if (shop) performStep(step, shop, { books, core, coreBackups, shops });
  };
  try {
    for (const { edge } of shops) edge.start();
    for (const step of plan.steps) time.later(step.atMs, () => perform(step));
    time.runUntil(startMs + busyMs);
    core.heal();
    for (const { edge, wire } of shops) {
      Object.assign(wire.weather, clearSky());
      edge.heal();
    }
    let broken = '';
    for (let rested = 0; rested < restMaxMs; rested += checkEveryMs) {
      time.runUntil(time.now + checkEveryMs);
      broken = brokenLaw(() => {
        lawsOfCore(core.disk);
        for (const [i, { edge, restored }] of shops.entries()) {
          lawsAtRest(books, i, edge.disk, core.disk, restored);
          lawOfStatus(i, edge);
          lawOfLineage(books, i, edge.disk, core.disk);
        }
      });
      if (broken === '') return null;
    }
    return broken;
  } catch (error) {
    return textOf(error);
  }
}

const textOf = (error: unknown): string => {
  if (error instanceof Error && error.message.startsWith('broken law')) return error.message;
  throw error;
};
function brokenLaw(check: () => void): string {
  try {
    check();
    return '';
  } catch (error) {
    return textOf(error);
  }
}

type Shop = {
  readonly edge: Edge;
  readonly wire: ReturnType<typeof createWire>;
  readonly backups: EdgeDisk[];
  restored: boolean;
};

type World = {
  readonly books: Books;
  readonly core: Core;
  readonly coreBackups: CoreDisk[];
  readonly shops: readonly Shop[];
};

function performStep(step: Step, shop: Shop, { books, core, coreBackups, shops }: World): void {
  const { edge, wire, backups } = shop;
  switch (step.do) {
    case 'write':
      edge.write(step.stream, step.entity, step.poison);
      return;
    case 'roll-up':
      edge.write('rollups', null, false);
      return;
    case 'weather':
      Object.assign(wire.weather, step.weather);
      return;
    case 'clock-edge':
      edge.setClock(step.offsetMs);
      return;
    case 'clock-core':
      core.setClock(step.offsetMs);
      return;
    case 'hang-edge':
      edge.hang(step.forMs);
      return;
    case 'hang-core':
      core.hang(step.forMs);
      return;
    case 'crash-edge':
      edge.crash(step.at, step.downMs);
      return;
    case 'crash-core':
      core.crash(step.at, step.downMs);
      return;
    case 'back-up':
      backups.push(edge.backUp());
      return;
    case 'restore': {
      const backup = backups.at(-1);
      if (backup) edge.restore(backup);
      books.forget(step.edge, edge.disk, core.disk);
      shop.restored ||= backup !== undefined;
      return;
    }
    case 'back-up-core':
      coreBackups.push(core.backUp());
      return;
    case 'restore-core': {
      const backup = coreBackups.at(-1);
      if (backup) core.restore(backup);
      for (const [i, each] of shops.entries()) books.forget(i, each.edge.disk, core.disk);
      return;
    }
  }
}
