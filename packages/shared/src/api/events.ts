import type { SyncStatus } from '../sync.ts';
import type { LogLine, Machine } from './machines.ts';

/**
 * GET /api/events (session needed): server-sent events, one stream for each browser. `event:` is the key below, `data:` its JSON.
 * After a reconnect the browser fetches what it shows again; events are news, never the only source.
 */
export type ShopEvents = {
  /** An order was written; `orderId` with the version that is current now. */
  readonly 'order.changed': {
    readonly orderId: string;
    readonly number: string;
    readonly version: number;
    readonly stageKey: string;
    readonly status: string;
  };
  /** A photo's state changed. */
  readonly 'media.changed': { readonly mediaId: string; readonly orderId: string; readonly state: string };
  readonly 'machine.changed': Machine;
  /** Samples as they arrived; at most ten events per second and machine, each with all samples since the one before. */
  readonly 'machine.telemetry': {
    readonly machineId: string;
    readonly samples: readonly {
      readonly at: number;
      readonly metric: string;
      readonly value: number | boolean | string;
    }[];
  };
  readonly 'machine.log': { readonly machineId: string; readonly lines: readonly LogLine[] };
  /** A client was refused that belongs to no machine of ours. */
  readonly 'refusal.changed': { readonly at: number };
  readonly 'sync.status': SyncStatus;
  /** A balance, a movement or a transfer is another one. */
  readonly 'stock.changed': { readonly at: number };
  /** A catalogue item or a block is another one. */
  readonly 'catalogue.changed': { readonly at: number };
  /** A conflict was found or decided. */
  readonly 'conflicts.changed': { readonly at: number };
  readonly 'services.changed': { readonly at: number };
  /** First event of each stream: the server's build; another build than the page's asks for a reload. */
  readonly hello: { readonly version: string; readonly at: number };
};
export type ShopEventName = keyof ShopEvents;
