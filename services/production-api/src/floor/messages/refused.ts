import { newId } from '@sgp/service-kit/ids';
import type { Refusal } from '@sgp/shared/floor-messages';
import type { Draft } from '../draft.ts';
import type { FloorEntry } from '../floor-entry.ts';

/** What the broker refused. Its id makes it unique. */
export async function takeRefusal(draft: Draft, machineId: string, refusal: Refusal): Promise<void> {
  const { id, at, code, username, clientId, topic, remoteAddress, sizeBytes, excerpt } = refusal;
  const data = { username, clientId, topic, remoteAddress, sizeBytes, excerpt };
  const line = { at, machineAt: null, kind: 'refused', level: 'warn', code, text: '', mark: code, data } as const;
  if (await draft.line(machineId, line, id)) draft.refuse(machineId, code, at);
}

/** A message that reached us and cannot be used. It has no id that could be trusted, so each delivery counts. */
export async function takeBad(
  draft: Draft,
  machineId: string,
  bad: Pick<Extract<FloorEntry, { kind: 'bad' }>, 'code' | 'detail' | 'topic' | 'excerpt' | 'sizeBytes' | 'receivedAt'>,
): Promise<void> {
  const { code, detail, topic, excerpt, sizeBytes, receivedAt } = bad;
  const data = { topic, excerpt, sizeBytes };
  const line = { machineAt: null, kind: 'refused', level: 'warn', code, text: detail, mark: code, data } as const;
  await draft.line(machineId, { ...line, at: receivedAt }, newId());
  draft.refuse(machineId, code, receivedAt);
}
