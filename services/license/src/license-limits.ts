const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

/** Limits of this service alone, with the unit last in the name and the reason. */
export const licenseLimits = {
  /** SECURITY 3.3: long enough to read it over the phone, short enough to be forgotten. */
  enrolmentCodeLifeMs: 24 * hourMs,
  /** SECURITY N1: a code that was tried this often with a wrong proof is dead. */
  enrolmentCodeTriesMax: 5,
  /** SECURITY 3.8: failed enrolments from one address. */
  enrolFailuresPerAddressMax: 20,
  enrolFailureWindowMs: hourMs,
  /** SECURITY 3.8: wrong API keys and signatures from one address. */
  signedFailuresPerAddressMax: 60,
  signedFailureWindowMs: 10 * 60 * 1000,
  /** Addresses remembered at once: a flood from many must not fill the memory; the oldest is forgotten. */
  addressesRememberedMax: 10_000,
  /** SECURITY 3.2: two slots, so that a new key can be in use before the old one goes. */
  apiKeysPerNodeMax: 2,
  apiKeyLifeMs: 180 * dayMs,
  /** SECURITY 3.3: a licence file lives 30 days, or 14 beyond what is paid; then 14 days of grace. */
  licenceLifeMs: 30 * dayMs,
  licencePaidMarginMs: 14 * dayMs,
  licenceGraceMs: 14 * dayMs,
  /** A check-in renews the licence once it is older than this. */
  licenceRenewAfterMs: dayMs,
  /** A node's clock may be a little behind when the licence arrives. */
  licenceNotBeforeMarginS: 300,
  /** What an open-ended contract states as paid, counted from the licence's issue. */
  openContractMs: 365 * dayMs,
  /** SECURITY 3.3: a keyset is signed for a year and anew each month. */
  keysetLifeMs: 365 * dayMs,
  keysetRenewAfterMs: 30 * dayMs,
  /** A node that was cut off may still hold answers signed with the sync key before the present one. */
  formerSyncKeysListedMax: 1,
  /** Nonces that nobody may use again are deleted this often. */
  noncePurgeIntervalMs: 60_000,
  /** A check-in carries nothing yet. */
  checkinBodyMaxBytes: 16 * 1024,
} as const;
