import { type Hlc, hlcParse } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';

/** How the ledger names a version of a lost history, on both sides alike (docs/sync-protocol.md §8.4). */

/** As long as the ledger takes a text. */
export const ledgerTextMaxChars = 20_000;

const names: { readonly [S in StreamName]?: string } = { orders: 'order', customers: 'customer', machines: 'machine' };
export const ledgerEntity = (stream: StreamName): string => names[stream] ?? stream;

/** What the id of its entry is made from: the same loss is the same entry, whoever finds it and however often. */
export const lostVersionName = (
  stream: StreamName,
  { entityId, version, updatedAt }: { readonly entityId: string; readonly version: number; readonly updatedAt: Hlc },
): { readonly atMs: number; readonly name: string } => ({
  atMs: hlcParse(updatedAt).ms,
  name: `${stream}/${entityId}/${version}`,
});
