/** Limits that only the mirror knows, with the unit last in the name and the reason. What both sides know is in `@sgp/shared/limits`. */
export const mirrorLimits = {
  /** A node that was banned is refused at most this much later. */
  nodeRecordMaxAgeMs: 60_000,
  /** Half the age, so that a record is renewed in the background before a push has to wait for it. */
  nodeRefreshIntervalMs: 30_000,
  /** An id that the license service does not know is asked again after this. */
  nodeUnknownKeptMs: 10_000,
  /** Unknown ids remembered at once, so that guessing cannot fill the memory. */
  nodeUnknownKeptMax: 10_000,
  /** A push waits this long for the license service, then goes on with the record that is stored, if there is one. */
  licenseRequestTimeoutMs: 5_000,
  /** SECURITY 3.8: wrong API keys or signatures of one address… */
  badCredentialsPerIpMax: 60,
  badCredentialsWindowMs: 60_000,
  /** …and how long it is shut out after them. */
  badCredentialsBanMs: 10 * 60_000,
  /** Addresses watched at once; the oldest is forgotten first. */
  watchedAddressesMax: 10_000,
  /** SECURITY 3.8: pushes of one node, sustained… */
  pushesPerNodeMaxPerSecond: 10,
  /** …above a reserve of one minute's worth, so that the queue of a long outage drains at full speed. */
  pushesPerNodeReserveMax: 600,
  /** Photos that one node writes or removes, sustained: one and a half a second are more than a shop's uplink brings… */
  mediaWritesPerNodeMaxPerSecond: 10,
  /** …above a reserve: 40 photos of 6 files at once, as after an event, pass without a wait, and ten removals with them. */
  mediaWritesPerNodeReserveMax: 300,
  /** Bodies up to this size are inflated on the spot: the hop to another thread takes longer. */
  inflateInlineMaxBytes: 16 * 1024,
  /** Rows of empty pushes (signs of life) are only needed while the edge may repeat them. */
  heartbeatRowsKeptMs: 24 * 60 * 60_000,
  /** Pushes whose every order has a newer version prove only the past: a year, and the month in which it is asked about. */
  evidenceKeptDays: 400,
  /** Old pushes looked at in one sweep, so that no sweep is felt by those who push; 720,000 a day. */
  evidenceStepMaxRows: 500,
  /** How often expired nonces, heartbeats and failure counts are deleted. */
  housekeepingIntervalMs: 60_000,
  /** Wrong second factors of one address: a mobile network hides many customers behind one. */
  factorFailuresPerIpMax: 30,
  /** Streams that one link may hold open; each tab of the customer holds one. */
  streamsPerLinkMax: 50,
  /** Orders named in one PostgreSQL notification, whose payload ends at 8,000 bytes. */
  ordersPerNotificationMax: 150,
  /** Wait before the connection for notifications is opened again. */
  newsReconnectMs: 1_000,
} as const;
