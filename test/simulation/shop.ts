import type { Core } from './core.ts';
import type { Edge } from './edge.ts';
import type { EdgeDisk } from './edge-disk.ts';
import type { Books } from './laws.ts';
import { clearSky, type Wire } from './wire.ts';

type Machine = { readonly edge: Edge; readonly wire: Wire };

/** An establishment: one machine, or for a while two with copies of one disk, and what its people decide about them. */
export type Shop = {
  /** The machines that are not switched off, the first one first. */
  readonly machines: readonly Machine[];
  /** The one that a step meets; which of two is a matter of its time. */
  at(atMs: number): Machine;
  readonly backups: EdgeDisk[];
  /** A disk of this shop was restored or copied. */
  wasRestored: boolean;
  /** Copies the running disk of a machine to another one, which starts. */
  clone(atMs: number): void;
  /** Leaves one of two. */
  switchOff(atMs: number): void;
  heal(): void;
  /** Once both copies stopped, a person keeps one of them; the Core hears of it. */
  decideFork(keepMs: number): void;
};

export function createShop(deps: {
  readonly number: number;
  readonly core: Core;
  readonly books: Books;
  readonly openMachine: (copyOf: EdgeDisk | null) => Machine;
}): Shop {
  const { number, core, books, openMachine } = deps;
  const machines: Machine[] = [openMachine(null)];
  const at = (atMs: number): Machine => machines[atMs % machines.length] as Machine;
  const shop: Shop = {
    machines,
    at,
    backups: [],
    wasRestored: false,
    clone(atMs) {
      if (machines.length > 1) return;
      const copy = openMachine(at(atMs).edge.disk);
      machines.push(copy);
      shop.wasRestored = true;
      copy.edge.start();
    },
    switchOff(atMs) {
      const [gone] = machines.length > 1 ? machines.splice(atMs % machines.length, 1) : [];
      if (gone === undefined) return;
      gone.edge.switchOff();
      books.giveUp(number, at(0).edge.disk);
      // What a restored Core had acknowledged, and only this machine held still, goes with it.
      if (core.wasRestored) books.forget(number, [at(0).edge.disk], core.disk);
    },
    heal() {
      for (const { edge, wire } of machines) {
        Object.assign(wire.weather, clearSky());
        edge.heal();
      }
    },
    decideFork(keepMs) {
      if (!core.isForked(number) || machines.some(({ edge }) => edge.status() !== 'failed')) return;
      shop.switchOff(keepMs);
      core.clearFork(number);
    },
  };
  return shop;
}
