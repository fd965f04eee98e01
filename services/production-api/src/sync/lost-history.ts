import type { Hlc } from '@sgp/shared/clock';
import type { StreamName } from '@sgp/shared/sync';
import { lostVersionName } from '@sgp/sync-engine/lost-history';
import { derivedId } from '../streams/say.ts';

type CoreVersion = { readonly entityId: string; readonly version: number; readonly updatedAt: Hlc };

/** Id of the ledger's entry about a version of the Core. */
export function lostVersionId(stream: StreamName, core: CoreVersion): string {
  const { atMs, name } = lostVersionName(stream, core);
  return derivedId(atMs, name);
}
