import type { CountMessage } from '@sgp/shared/floor-messages';
import { type MessageContext, timed } from './context.ts';
import { storeOnce } from './once.ts';

/**
 * `up/count`: pieces of today, and of the order that the message names or that was scanned at the machine. A machine that
 * names its order is at work on it, as if the order had been scanned there.
 */
export async function takeCount(context: MessageContext, message: CountMessage): Promise<boolean> {
  const { draft, machineId } = context;
  const { id, good, scrap } = message;
  const answer = context.time(message.ts);
  // An order that was named and not found is not replaced by the one at the machine: the machine meant another.
  const order = message.order === undefined ? draft.status(machineId).order : draft.order(message.order);
  const unknown = message.order !== undefined && order === null;
  const stored = await storeOnce(
    context,
    {
      ...timed(answer),
      kind: 'count',
      level: unknown ? 'warn' : 'info',
      code: unknown ? 'order_unknown' : 'count',
      text: '',
      data: {
        id,
        good,
        scrap,
        ...(message.order !== undefined && { order: message.order }),
        ...(order && { orderId: order.orderId, number: order.number }),
      },
    },
    id,
    message.ts,
  );
  if (!stored) return false;
  if (message.order !== undefined && order) draft.patch(machineId, { order });
  await draft.count(machineId, draft.day(answer.at), good, scrap);
  if (order && good + scrap > 0)
    await draft.deliver({
      lineId: Number(stored.lineId),
      machineId,
      messageId: id,
      orderId: order.orderId,
      good,
      scrap,
      at: answer.at,
    });
  return true;
}
