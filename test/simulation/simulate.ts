import { type Core, type CoreDisk, createCore } from './core.ts';
import { createEdge } from './edge.ts';
import type { EdgeDisk } from './edge-disk.ts';
import { type Books, createBooks, lawOfLineage, lawOfStatus, lawsAtRest, lawsOfCore, lawsOfRoom } from './laws.ts';
import { busyMs, type Plan, type Step } from './plan.ts';
import { createRandom, idOf } from './random.ts';
import { law, type Mutant } from './rules.ts';
import { createShop, type Shop } from './shop.ts';
import { createVirtualTime } from './virtual-time.ts';
import { createWire } from './wire.ts';

const startMs = Date.UTC(2026, 0, 5, 8);
const checkEveryMs = 20_000;
/**
 * A Core that was updated is noticed within the hour, within two where a clock was set back by one; the comparison of a
 * restored Core that nobody noticed comes after 15 minutes, what it finds a minute later.
 */
const restMaxMs = 3 * 3_600_000;

/** Runs a plan, heals everything, and lets time pass until every law holds. @returns the broken law, or null */
export function simulate(plan: Plan, mutant: Mutant | null = null): string | null {
  const time = createVirtualTime(startMs);
  const books = createBooks();
  let ids = 0;
  const newId = (): string => idOf(9, ++ids);
  const core = createCore(books, mutant, time);
  const random = createRandom(plan.seed);
  let histories = 0;
  const newHistory = (): number => ++histories;
  const shops = Array.from({ length: plan.edges }, (_, number) => {
    const openMachine = (copyOf: EdgeDisk | null) => {
      const name = `${number}${copyOf === null ? '' : ` copy ${newHistory()}`}`;
      const wire = createWire(time, random.fork(`wire ${name}`), core.awakeAtMs);
      const chance = random.fork(`edge ${name}`);
      const edge = createEdge({ number, time, random: chance, wire, core, books, mutant, newId, newHistory, copyOf });
      return { edge, wire };
    };
    return createShop({ number, core, books, openMachine });
  });
  const coreBackups: CoreDisk[] = [];
  const perform = (step: Step): void => {
    const shop = shops[step.edge];
    if (shop) performStep(step, shop, { books, core, coreBackups, shops });
  };
  try {
    for (const shop of shops) shop.at(0).edge.start();
    for (const step of plan.steps) time.later(step.atMs, () => perform(step));
    time.runUntil(startMs + busyMs);
    core.heal();
    for (const shop of shops) shop.heal();
    let broken = '';
    for (let rested = 0; rested < restMaxMs; rested += checkEveryMs) {
      time.runUntil(time.now + checkEveryMs);
      for (const shop of shops) shop.decideFork(plan.seed);
      broken = brokenLaw(() => {
        lawsOfCore(core.disk);
        for (const [i, shop] of shops.entries()) lawsOfShop(books, i, shop, core);
      });
      if (broken === '') return null;
    }
    return broken;
  } catch (error) {
    return textOf(error);
  }
}

function lawsOfShop(books: Books, number: number, shop: Shop, core: Core): void {
  law(shop.machines.length === 1, `edge ${number}: two live copies are found, and both stop`);
  const { edge } = shop.at(0);
  lawsAtRest(books, number, edge.disk, core.disk, shop.wasRestored);
  lawOfStatus(number, edge);
  if (!shop.wasRestored && !core.wasRestored) lawsOfRoom(books, number, edge.disk, core.disk);
  lawOfLineage(books, number, edge.disk, core.disk);
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

type World = {
  readonly books: Books;
  readonly core: Core;
  readonly coreBackups: CoreDisk[];
  readonly shops: readonly Shop[];
};

function performStep(step: Step, shop: Shop, { books, core, coreBackups, shops }: World): void {
  const { edge, wire } = shop.at(step.atMs);
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
    case 'version-edge':
      edge.setVersion(step.version);
      return;
    case 'version-core':
      core.setVersion(step.version);
      return;
    case 'room':
      edge.setRoom(step.room);
      return;
    case 'room-core':
      core.setFull(step.full);
      return;
    case 'clone':
      shop.clone(step.atMs);
      return;
    case 'switch-off':
      shop.switchOff(step.atMs);
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
      shop.backups.push(edge.backUp());
      return;
    case 'restore': {
      const backup = shop.backups.at(-1);
      if (backup) edge.restore(backup);
      books.forget(step.edge, disksOf(shop), core.disk);
      shop.wasRestored ||= backup !== undefined;
      return;
    }
    case 'back-up-core':
      coreBackups.push(core.backUp());
      return;
    case 'restore-core': {
      const backup = coreBackups.at(-1);
      if (backup) core.restore(backup);
      for (const [i, each] of shops.entries()) books.forget(i, disksOf(each), core.disk);
      return;
    }
  }
}

const disksOf = ({ machines }: Shop): readonly EdgeDisk[] => machines.map(({ edge }) => edge.disk);
