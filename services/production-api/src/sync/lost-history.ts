import type { StreamName } from '@sgp/shared/sync';
import { derivedId } from '../streams/say.ts';

/** How the ledger names what a comparison found to be of a lost history (docs/sync-protocol.md §8.4). */

/** As long as the ledger takes a text. */
export const ledgerTextMaxChars = 20_000;

const names: { readonly [S in StreamName]?: string } = { orders: 'order', customers: 'customer', machines: 'machine' };
export const ledgerEntity = (stream: StreamName): string => names[stream] ?? stream;

type CoreVersion = { readonly entityId: string; readonly version: number; readonly updatedAt: string };

/** The same however often the same version of the Core is found. */
export const lostVersionId = (stream: StreamName, { entityId, version, updatedAt }: CoreVersion): string =>
  derivedId(Number(updatedAt.slice(0, 14)), `${stream}/${entityId}/${version}`);
