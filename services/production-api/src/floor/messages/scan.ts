import type { ScanMessage } from '@sgp/shared/floor-messages';
import { type MessageContext, timed } from './context.ts';
import { storeOnce } from './once.ts';

/** `up/scan`: a code that finds an order ties the machine to it; counts without an order of their own go there. */
export async function takeScan(context: MessageContext, { ts, id, code }: ScanMessage): Promise<boolean> {
  const { draft, machineId } = context;
  const order = draft.order(code);
  const stored = await storeOnce(
    context,
    {
      ...timed(context.time(ts)),
      kind: 'scan',
      level: order ? 'info' : 'warn',
      code: order ? 'order' : 'unknown',
      text: code,
      data: { id, ...(order && { orderId: order.orderId, number: order.number }) },
    },
    id,
    ts,
  );
  if (!stored) return false;
  if (order) draft.patch(machineId, { order });
  return true;
}
