/** Limits of media-sync's own work, unit last in the name, each with its reason. What other services share is in `@sgp/shared/limits`. */
export const workLimits = {
  /** DESIGN §5: two pictures at a time keep the shop's PC usable, and use two cores fully. */
  derivingAtOnceMax: 2,
  /** Two photos are enough to fill an uplink of a shop; more would only make each one slower. */
  publishingAtOnceMax: 2,
  /** A removal is a dozen small requests and nobody waits for it: the uplink belongs to the uploads. */
  deletingAtOnceMax: 1,
  /** A 100-megapixel picture takes about 3 s on a slow PC; one that takes this long never ends. */
  deriveMaxMs: 60_000,
  /** Deaths of the process that a picture may cause before it is refused: fewer would blame it for a power cut. */
  deriveStartsMax: 3,
  /** An original that is not there may be on a drive that is being mounted; after this many looks it is missing. */
  originalLooksMax: 3,
  /** Every so many picks the oldest photo goes first, so that newest first never starves one. */
  oldestFirstEvery: 4,
  /** Largest preset at 1 Mbit/s takes 3 s; this allows a link ten times worse. */
  storeRequestMaxMs: 60_000,
  storeConnectMaxMs: 5_000,
  /** HEAD requests of the audit at once: it must not compete with the uploads. */
  auditHeadsAtOnceMax: 4,
  /** A loop that has nothing due looks again after this long, whatever it was told. */
  idlePollMaxMs: 30_000,
  /** Uploads announced on the bus: gathered for one commit. */
  uploadsBatchMaxMessages: 200,
  uploadsBatchMaxDelayMs: 10,
} as const;
