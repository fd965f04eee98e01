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
  /** A push up to this size (some 100 orders under gzip) is what is live, and never waits for larger ones. */
  smallPushMaxBytes: 16 * 1024,
  /** Large pushes worked on at once by a process: more would only share its one thread and take the small ones' connections. */
  bulkPushesAtOnceMax: 2,
  /** …and those that wait, compressed: they are through long before an edge gives its request up (15 s). */
  bulkPushesWaitingMax: 100,
  bulkRetryAfterS: 2,
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
  /** Batches whose digests are added up at once: 500 batches of 500 changes are about 15 MB of text. */
  digestFoldMaxBatches: 500,
  /** Streams of establishments that one sweep brings up to date. */
  digestStreamsPerSweepMax: 1_000,
  /** Sums are made anew from the rows this often: what was lost from a table by itself is found within a day. */
  digestRecountEveryMs: 24 * 60 * 60_000,
  /** A round of the comparison: 500 short digests, or the numbers of all 1,024 buckets. */
  digestAskMaxBytes: 32 * 1024,
  /** Files of pushes that are taken in at once: each may need 64 MiB of the disk, and the rest of the Core goes on meanwhile. */
  bundlesAtOnceMax: 2,
  /** A file of 30,000 changes is taken in within this. */
  bundleRetryAfterS: 30,
  /** A handshake has a dozen members. */
  helloMaxBytes: 4 * 1024,
  /** Receipts prove that edge and Core were equal: one of each day is kept as long as the evidence of pushes. */
  receiptsKeptDays: 400,
  /** When an order was shown is told again for this long, because an answer may be lost: two heartbeats. */
  shownToldForMs: 60_000,
  /** Told with one acknowledgement; the rest comes with the next one. */
  shownPerAckMax: 100,
  /** Versions that were shown are remembered as long. */
  trailKeptDays: 90,
  /** Wrong second factors of one address: a mobile network hides many customers behind one. */
  factorFailuresPerIpMax: 30,
  /** Streams that one link may hold open; each tab of the customer holds one. */
  streamsPerLinkMax: 50,
  /** Orders named in one PostgreSQL notification, whose payload ends at 8,000 bytes. */
  ordersPerNotificationMax: 150,
  /** Wait before the connection for notifications is opened again. */
  newsReconnectMs: 1_000,
  /** Rows of one insert: SQLite's ceiling is 32,766 parameters, and a row has at most 12. */
  rowsPerInsertMax: 500,
  /** One answer of the downlink, before it is signed; what is left comes with the next call at once. */
  downAnswerMaxChanges: 500,
  downAnswerMaxBytes: 512 * 1024,
  /** A call for changes: 100 parked changes with their reasons fit. */
  downAskMaxBytes: 128 * 1024,
  /** Calls of one node that are held open: the present one, and one whose connection died unnoticed. */
  downCallsPerNodeMax: 2,
  /** A node that asked nothing for longer holds nothing back: longer than a licence lasts offline (44 days). */
  downCursorKeptDays: 45,
  /** Establishments whose fetched changes one sweep deletes; the next sweep goes on. */
  downForgottenPerSweepMax: 500,
  /** Decided conflicts and finished transfers are told again to a node that hears everything anew: longer than a node may be away. */
  downRetoldDays: 60,
  /** Establishments named in one PostgreSQL notification, whose payload ends at 8,000 bytes. */
  establishmentsPerNotificationMax: 150,
  /** Calls of one company token, sustained: a screen that is refreshed each second by a few people… */
  companyCallsMaxPerSecond: 10,
  /** …above a reserve for a first load of many pages. */
  companyCallsReserveMax: 300,
  /** Tokens of one company that are valid at once. */
  companyTokensMax: 50,
  /** `lastUsedAt` is written this often, so that reading does not write. */
  companyTokenTouchMs: 60_000,
  /** Transfers and conflicts of one page. */
  companyPageMaxRows: 200,
  /** PRODUCT J5.4: without a sign of life for this long an establishment is out of contact. An edge gives one each 30 s. */
  incidentAfterMs: 5 * 60_000,
  /** PRODUCT J5.4: an outage is told after it lasted this much longer, and is over once contact has held as long. */
  incidentFlapMs: 2 * 60_000,
  /** Contact holds while the last sign of life is not older: three heartbeats. */
  contactFreshMs: 90_000,
  /** How often establishments are looked at. */
  watchIntervalMs: 10_000,
  /** After a longer pause the Core itself was away: silence is counted anew. */
  watchGapMs: 60_000,
  /** How often messages that are due are looked for; those of this process go at once. */
  alertIntervalMs: 5_000,
  /** Messages sent at once. */
  alertsAtOnceMax: 10,
  /** A message that is being sent is nobody else's for this long: longer than any way of sending may take. */
  alertClaimMs: 60_000,
  alertTimeoutMs: 15_000,
  /** Waits between tries; the last one repeats… */
  alertRetriesMs: [5_000, 30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000, 60 * 60_000],
  /** …until a message is this old: then it is given up, and listed as such. */
  alertGivenUpAfterMs: 3 * 24 * 60 * 60_000,
  /** After a rotation receivers may take the new secret in for this long. */
  webhookFormerSecretMs: 24 * 60 * 60_000,
  /** Messages that the settings page lists. */
  alertsListedMax: 50,
  /** Windows of one company that are not over. */
  maintenanceWindowsMax: 100,
  /** Outages are remembered as long as receipts; what was told of them as well. */
  incidentsKeptDays: 400,
  /** Incidents of one answer, and of one CSV file. */
  incidentsMaxRows: 5_000,
  /** What a company's programs changed is kept as long as outages are. */
  companyAuditKeptDays: 400,
  /**
   * The text of a shop's audit entries: a year, and the month in which it is asked about. Its digest stays, or the
   * comparison would miss the entry and have it sent again.
   */
  auditTextKeptDays: 400,
  /** The text of what machines did in one hour: two years compare a season with the one before. Its digest stays. */
  rollupTextKeptDays: 800,
  /** Texts dropped in one sweep, so that no sweep is felt by those who push; 1.4 million a day. */
  textsDroppedPerSweepMax: 1_000,
  /** The license service is told of the sync key until it took it, ever more slowly, and then each hour again. */
  syncKeyRetryMinMs: 1_000,
  syncKeyRetryMaxMs: 60_000,
  syncKeyRefreshMs: 60 * 60_000,
} as const;
