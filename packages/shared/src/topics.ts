/** The LAN bus (DESIGN §3): every topic of SGP is built and read here. MQTT 3.1.1 §4.7. */

export const floorKinds = ['state', 'telemetry', 'count', 'event', 'scan', 'result'] as const;
export type FloorKind = (typeof floorKinds)[number];

export const serviceNames = ['broker', 'production-api', 'bridge', 'media-sync'] as const;
export type ServiceName = (typeof serviceNames)[number];

export const deviceUsername = (est: string, device: string): string => `${est}.${device}`;
/** Service accounts begin with `_`, which no device name can. */
export const serviceUsername = (service: ServiceName): string => `_${service}`;

const deviceUsernamePattern = /^([a-z0-9]{1,32})\.([a-z0-9]{1,32})$/;

/** Splits `{est}.{device}`; null when it is not a device's user name (SECURITY D2: no wildcard, no slash). */
export function parseDeviceUsername(username: string): { readonly est: string; readonly device: string } | null {
  const match = deviceUsernamePattern.exec(username);
  return match ? { est: match[1] as string, device: match[2] as string } : null;
}

export const topics = {
  up: (est: string, device: string, kind: FloorKind): string => `sgp/${est}/${device}/up/${kind}`,
  /** Everything that machines say: the floor ingest's subscription. */
  upAll: (est: string): string => `sgp/${est}/+/up/#`,
  command: (est: string, device: string): string => `sgp/${est}/${device}/down/command`,
  downAll: (est: string, device: string): string => `sgp/${est}/${device}/down/#`,
  /** Retained, written by the broker: {@link import('./floor-messages.ts').onlineSchema}. */
  online: (est: string, device: string): string => `sgp/${est}/${device}/online`,
  onlineAll: (est: string): string => `sgp/${est}/+/online`,
  order: (est: string, orderId: string): string => `sgp/${est}/_bus/orders/${orderId}`,
  mediaUploaded: (est: string): string => `sgp/${est}/_bus/media/uploaded`,
  mediaPublished: (est: string): string => `sgp/${est}/_bus/media/published`,
  mediaDeleted: (est: string): string => `sgp/${est}/_bus/media/deleted`,
  /** Doorbell, QoS 0: the outbox grew. */
  outbox: (est: string): string => `sgp/${est}/_bus/outbox`,
  syncStatus: (est: string): string => `sgp/${est}/_bus/sync/status`,
  /** What the broker refused, with the reason, QoS 1. */
  refused: (est: string): string => `sgp/${est}/_bus/refused`,
  serviceStatus: (est: string, service: ServiceName): string => `sgp/${est}/_service/${service}/status`,
  serviceStatusAll: (est: string): string => `sgp/${est}/_service/+/status`,
} as const;

/** Reads `sgp/{est}/{device}/up/{kind}`; `kind` is null when the last level is not one of {@link floorKinds}. */
export function parseUpTopic(
  topic: string,
): { readonly est: string; readonly device: string; readonly kind: FloorKind | null; readonly rest: string } | null {
  const match = /^sgp\/([a-z0-9]{1,32})\/([a-z0-9]{1,32})\/up\/(.+)$/.exec(topic);
  if (!match) return null;
  const rest = match[3] as string;
  const kind = floorKinds.find((known) => known === rest) ?? null;
  return { est: match[1] as string, device: match[2] as string, kind, rest };
}
