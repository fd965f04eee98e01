import type { EventMessage } from '@sgp/shared/floor-messages';
import { type MessageContext, timed } from './context.ts';
import { storeOnce } from './once.ts';

/** `up/event`: a line of the log, in the machine's own words. */
export async function takeEvent(context: MessageContext, message: EventMessage): Promise<boolean> {
  const { id, level, code, text, ts } = message;
  const line = { ...timed(context.time(ts)), kind: 'event', level, code, text, data: { id } } as const;
  return (await storeOnce(context, line, id, ts)) !== null;
}
