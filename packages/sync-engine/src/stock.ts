import type { Movement, Transfer } from '@sgp/shared/sync-payloads';

/** The rules of material (docs/sync-protocol.md §9): nothing is set, everything moves. Quantities are in thousandths of a unit. */

export type MovementState = Movement['state'];
export type MovementKind = Movement['kind'];

/** From each state to each: pending is a reservation, posted and voided are final. */
const moves: { readonly [From in MovementState]: { readonly [To in MovementState]: boolean } } = {
  pending: { pending: true, posted: true, voided: true },
  posted: { pending: false, posted: true, voided: false },
  voided: { pending: false, posted: false, voided: true },
};

/** 1: it brings material in; -1: it takes material out; null: either. */
const directions: { readonly [K in MovementKind]: 1 | -1 | null } = {
  receipt: 1,
  consumption: -1,
  adjustment: null,
  'transfer-out': -1,
  'transfer-in': 1,
  compensation: null,
};

/** Why a movement cannot be one, or null. */
export function movementFault({ kind, quantityMilli, transferId, state, settledAt }: Movement): string | null {
  const direction = directions[kind];
  if (quantityMilli === 0) return 'a movement of nothing';
  if (direction !== null && Math.sign(quantityMilli) !== direction) return `a ${kind} of ${quantityMilli}`;
  if ((kind === 'transfer-in' || kind === 'transfer-out') !== (transferId !== undefined))
    return `a ${kind} ${transferId === undefined ? 'without' : 'with'} a transfer`;
  return (state === 'pending') === (settledAt === null) ? null : `${state} and settled at ${settledAt}`;
}

export type MovementOutcome =
  /** It is the movement's state now. */
  | 'applied'
  /** The same is there. */
  | 'same'
  /** An earlier state of a movement that is settled: it comes late and says nothing new. */
  | 'late'
  /** Another movement under the same id, or another end of a settled one. */
  | 'refused';

/** Takes a movement's next state in. A movement counts once, however often its states arrive. */
export function takeMovement(
  standing: Movement | null,
  next: Movement,
): { readonly movement: Movement; readonly outcome: MovementOutcome } {
  if (standing === null) return { movement: next, outcome: 'applied' };
  const isOther =
    standing.movementId !== next.movementId ||
    standing.materialId !== next.materialId ||
    standing.kind !== next.kind ||
    standing.quantityMilli !== next.quantityMilli ||
    standing.transferId !== next.transferId;
  if (isOther) return { movement: standing, outcome: 'refused' };
  if (standing.state === next.state) return { movement: standing, outcome: 'same' };
  if (moves[standing.state][next.state]) return { movement: next, outcome: 'applied' };
  return { movement: standing, outcome: next.state === 'pending' ? 'late' : 'refused' };
}

// --- sums ---

/** What one material has, in thousandths of its unit. */
export type Stock = {
  /** Sum of what is posted: what is on the shelf. */
  readonly balanceMilli: number;
  /** What pending movements will take, not below 0. */
  readonly reservedMilli: number;
};
export const noStock: Stock = { balanceMilli: 0, reservedMilli: 0 };

export const freeOf = ({ balanceMilli, reservedMilli }: Stock): number => balanceMilli - reservedMilli;

const partOf = (movement: Movement | null): Stock => ({
  balanceMilli: movement?.state === 'posted' ? movement.quantityMilli : 0,
  reservedMilli: movement?.state === 'pending' && movement.quantityMilli < 0 ? -movement.quantityMilli : 0,
});

/** The stock after one movement went from one state to another; null for a movement that was not there. */
export function stockAfter(stock: Stock, before: Movement | null, after: Movement): Stock {
  const [out, into] = [partOf(before), partOf(after)];
  return {
    balanceMilli: stock.balanceMilli - out.balanceMilli + into.balanceMilli,
    reservedMilli: stock.reservedMilli - out.reservedMilli + into.reservedMilli,
  };
}

export const stockOf = (movements: Iterable<Movement>): Stock =>
  Iterator.from(movements).reduce((stock, movement) => stockAfter(stock, null, movement), noStock);

/** What is missing on the shelf; 0 when nothing is. */
export const shortageOf = ({ balanceMilli }: Stock): number => Math.max(0, -balanceMilli);

/**
 * Proposes the pending movement that brings a negative balance back to nothing, for a person to post or void. What an
 * earlier proposal already answers is not proposed again. Null: nothing to propose.
 * @param movements all of one material
 * @param cause the movement that was posted without material
 */
export function proposeCompensation(
  movements: readonly Movement[],
  cause: Pick<Movement, 'movementId'>,
): Pick<Movement, 'kind' | 'state' | 'quantityMilli' | 'compensates' | 'settledAt'> | null {
  const proposed = movements
    .filter(({ kind, state }) => kind === 'compensation' && state === 'pending')
    .reduce((sum, { quantityMilli }) => sum + quantityMilli, 0);
  const quantityMilli = shortageOf(stockOf(movements)) - proposed;
  if (quantityMilli <= 0) return null;
  return { kind: 'compensation', state: 'pending', quantityMilli, compensates: cause.movementId, settledAt: null };
}

// --- transfers between establishments ---

/** A transfer's state follows from what happened, so that the order in which the Core hears of it does not matter. */
const stateOf = ({ sentAt, receivedAt, state }: Transfer): Transfer['state'] => {
  if (receivedAt !== null) return 'received';
  if (sentAt !== null) return 'sent';
  return state === 'cancelled' ? 'cancelled' : 'requested';
};

export type TransferStep = { readonly transfer: Transfer; readonly outcome: 'changed' | 'unchanged' | 'refused' };

const stepTo = (before: Transfer, members: Partial<Transfer>): TransferStep => {
  const next = { ...before, ...members };
  const transfer = { ...next, state: stateOf(next) };
  const keys = Object.keys(transfer) as (keyof Transfer)[];
  return keys.every((key) => transfer[key] === before[key])
    ? { transfer: before, outcome: 'unchanged' }
    : { transfer, outcome: 'changed' };
};

/**
 * What a movement of an establishment does to its transfer: posted out → sent, posted in → received; pending and voided
 * ones do nothing. Material that left has left: a posted movement wins over a cancellation that crossed it on the way.
 * @param establishmentId whose movement it is
 */
export function transferAfterMovement(transfer: Transfer, movement: Movement, establishmentId: string): TransferStep {
  const { kind, state, settledAt, quantityMilli, materialId, transferId } = movement;
  const fits =
    transferId === transfer.transferId &&
    materialId === transfer.materialId &&
    ((kind === 'transfer-out' &&
      establishmentId === transfer.fromEstablishmentId &&
      quantityMilli === -transfer.quantityMilli) ||
      (kind === 'transfer-in' &&
        establishmentId === transfer.toEstablishmentId &&
        quantityMilli === transfer.quantityMilli));
  if (!fits) return { transfer, outcome: 'refused' };
  if (state !== 'posted' || settledAt === null) return { transfer, outcome: 'unchanged' };
  return kind === 'transfer-out'
    ? stepTo(transfer, { sentAt: transfer.sentAt ?? settledAt })
    : stepTo(transfer, { receivedAt: transfer.receivedAt ?? settledAt });
}

/** A transfer is cancelled while nothing moved. */
export const cancelTransfer = (transfer: Transfer): TransferStep =>
  transfer.sentAt !== null || transfer.receivedAt !== null
    ? { transfer, outcome: 'refused' }
    : stepTo(transfer, { state: 'cancelled' });

/**
 * What a transfer asks of an establishment, given its movement of this transfer: the sender reserves what is requested and
 * gives it free when cancelled; the receiver expects what was sent. Posting is for the person who moved the material.
 */
export function transferDuty(
  transfer: Transfer,
  establishmentId: string,
  movement: Movement | null,
): 'reserve' | 'free' | 'expect' | 'none' {
  if (establishmentId === transfer.fromEstablishmentId) {
    if (transfer.state === 'requested' && movement === null) return 'reserve';
    return transfer.state === 'cancelled' && movement?.state === 'pending' ? 'free' : 'none';
  }
  const isExpected = establishmentId === transfer.toEstablishmentId && transfer.state === 'sent';
  return isExpected && movement === null ? 'expect' : 'none';
}
