import { limits } from '@sgp/shared/limits';

/** Limits of the broker alone, unit last, each with its reason. Those that others meet are in `@sgp/shared/limits`. */
export const brokerLimits = {
  /** TCP and WebSocket connections together: a shop has tens of machines; beyond this something is wrong. */
  connectionsMax: 2_000,
  /** From TCP connect to CONNECT: an idle stranger does not hold a connection. */
  connectMaxMs: 10_000,
  /** Packets that a client may send before its CONNACK; what aedes holds meanwhile is one read of its socket. */
  packetsBeforeConnackMax: 1_000,
  /** A subscriber that takes no byte for this long is cut, so that it cannot hold up those who publish to it. */
  subscriberStallMaxMs: 10_000,
  /** One burst may hold this many seconds of a device's allowance. */
  floorBurstS: 2,
  /** SECURITY 3.8: wrong credentials per address and user name, and for how long the pair then waits. */
  badCredentialsMax: 5,
  badCredentialsWindowMs: 60_000,
  /** Pairs, devices and refusal keys remembered at once; the oldest is forgotten first. */
  rememberedKeysMax: 10_000,
  /** Refusals told to the services for one (user, code): a person who tries by hand sees each, a loop does not flood. */
  refusalsPerKeyBurst: 5,
  refusalsPerKeyPerSecond: 1,
  refusalsBurst: 50,
  refusalsPerSecond: 20,
  refusalExcerptMaxChars: 200,
  /** Messages sent to a durable session and not yet acknowledged; far below the 65,535 packet ids of MQTT. */
  sessionWindowMessages: 4_000,
  /** Messages of one session held ready in memory; the rest of a backlog stays in the journal. */
  sessionMemoryMaxMessages: 20_000,
  sessionMemoryMaxBytes: 32 * 1024 * 1024,
  sessionPageMessages: 2_000,
  /** Bytes handed to a durable session's socket at once. */
  sessionWriteMaxBytes: 256 * 1024,
  durableSessionsMax: 32,
  /** A durable session that nobody comes back to is dropped: an upgrade that renames a consumer must not fill the disk. */
  sessionExpiryMs: 7 * 24 * 60 * 60 * 1000,
  sessionSweepMs: 60 * 60 * 1000,
  /** Waiting bytes in the journal. Beyond it nothing more is accepted, because nothing more could be promised. */
  journalMaxBytes: 2 * 1024 * 1024 * 1024,
  /** Acknowledgements wait for company when no message needs a commit: losing one only sends a message again. */
  journalAckMaxDelayMs: 50,
  /** Different filters of one machine in one connection, all below its own `down/`: the broker holds them in memory. */
  deviceFiltersMax: 16,
  deviceFilterMaxChars: 256,
  /** Commands waiting for one machine that is away with a persistent session. */
  deviceQueueMaxMessages: 1_000,
  /** Lent to the last writes when the process ends. */
  closeMaxMs: limits.shutdownMaxMs / 2,
} as const;
