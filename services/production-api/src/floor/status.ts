import type { MachineState } from '@sgp/shared/floor-messages';

export type OrderTie = { readonly orderId: string; readonly number: string; readonly customer: string };

/** How a machine stands, as its messages said. Times in milliseconds since 1970. */
export type MachineStatus = {
  readonly state: MachineState | null;
  readonly stateReason: string | null;
  /** Time of the last state message, and since when the state is the same. */
  readonly stateAt: number | null;
  readonly stateSince: number | null;
  /** The broker's word; null until it spoke. */
  readonly online: boolean | null;
  readonly onlineSince: number | null;
  readonly lastMessageAt: number | null;
  readonly clockSkewMs: number | null;
  readonly order: OrderTie | null;
};

export const unheardStatus: MachineStatus = {
  state: null,
  stateReason: null,
  stateAt: null,
  stateSince: null,
  online: null,
  onlineSince: null,
  lastMessageAt: null,
  clockSkewMs: null,
  order: null,
};

export type StatusRow = {
  readonly machine_id: string;
  readonly state: MachineState | null;
  readonly state_reason: string | null;
  readonly state_at: number | null;
  readonly state_since: number | null;
  readonly online: boolean | number | null;
  readonly online_since: number | null;
  readonly last_message_at: number | null;
  readonly clock_skew_ms: number | null;
  readonly order_id: string | null;
  readonly order_number: string | null;
  readonly order_customer: string | null;
};

export const toStatusRow = (machineId: string, status: MachineStatus): StatusRow => ({
  machine_id: machineId,
  state: status.state,
  state_reason: status.stateReason,
  state_at: status.stateAt,
  state_since: status.stateSince,
  online: status.online,
  online_since: status.onlineSince,
  last_message_at: status.lastMessageAt,
  clock_skew_ms: status.clockSkewMs,
  order_id: status.order?.orderId ?? null,
  order_number: status.order?.number ?? null,
  order_customer: status.order?.customer ?? null,
});

export const fromStatusRow = (row: StatusRow): MachineStatus => ({
  state: row.state,
  stateReason: row.state_reason,
  stateAt: row.state_at,
  stateSince: row.state_since,
  // SQLite keeps booleans as 0 and 1.
  online: row.online === null ? null : Boolean(row.online),
  onlineSince: row.online_since,
  lastMessageAt: row.last_message_at,
  clockSkewMs: row.clock_skew_ms,
  order:
    row.order_id === null
      ? null
      : { orderId: row.order_id, number: row.order_number ?? '', customer: row.order_customer ?? '' },
});
