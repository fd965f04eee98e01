/** Every limit of SGP, with its unit last in the name and its reason. */
export const limits = {
  // --- floor (MQTT) ---
  /** SECURITY D5: the largest useful floor message is an array of telemetry; 16 KiB holds about 150 samples. */
  floorPayloadMaxBytes: 16 * 1024,
  /** Largest MQTT packet accepted before it is buffered: payload, topic and headers, with room for services' bus messages. */
  mqttPacketMaxBytes: 256 * 1024,
  /** SECURITY D5: per device; a cutter at 1 kHz must aggregate. */
  floorMessagesPerDeviceMaxPerSecond: 50,
  /** A message stamped further than this from our clock is marked FLOOR_CLOCK_SKEW and filed under its arrival. */
  floorClockSkewMaxMs: 10 * 60 * 1000,
  /** Samples in one telemetry array, values in one sample, characters in one text. */
  telemetrySamplesPerMessageMax: 200,
  telemetryValuesPerSampleMax: 64,
  floorTextMaxChars: 500,
  floorNameMaxChars: 64,
  /** Refused connections and messages kept for the screen, per establishment; older ones are only counted. */
  floorRefusalsKeptMax: 1000,
  /** Floor messages gathered before one commit: time and count, whichever is first. */
  floorCommitMaxDelayMs: 20,
  floorCommitMaxMessages: 500,
  /** A batch that could not be stored is tried again, ever more slowly; meanwhile this much is held in memory. */
  busRetryMinMs: 100,
  busRetryMaxMs: 5_000,
  busHeldMaxMessages: 20_000,
  busHeldMaxBytes: 32 * 1024 * 1024,
  /** A machine that said nothing for this long shows "sem sinal" even if its connection stands. */
  machineSilentAfterMs: 5 * 60 * 1000,
  /** How often it is noted that the floor is listened to: how exactly the time of a power cut is known afterwards. */
  floorListeningMarkMs: 5_000,
  /** One for each connection to the broker; only the last few are ever asked for. */
  floorListeningSpansMax: 100,
  /** One count message: more pieces than this at once is a fault of the counter, and sums stay far below 2^53. */
  floorCountMaxPieces: 1_000_000,
  /** Machines of one shop, and metrics of one machine: a program that invents a name per message must not fill the memory. */
  machinesMax: 500,
  machineMetricsMax: 256,
  /** PRODUCT J2: a machine's page is live, and ten events a second are more than an eye can follow. */
  machineEventsIntervalMs: 100,
  /** Raw samples and log lines kept; older ones are removed, this many rows in one step so that no step is felt. */
  telemetryRetentionDays: 30,
  machineLogRetentionDays: 400,
  floorPruneStepMaxRows: 2_000,
  floorPruneIntervalMs: 60_000,
  /** A count whose order cannot be written now is tried again, ever more slowly. */
  countDeliveryRetryMinMs: 1_000,
  countDeliveryRetryMaxMs: 60_000,
  /** The machines' credentials are told to the broker again until it took them. */
  credentialPushRetryMinMs: 200,
  credentialPushRetryMaxMs: 5_000,
  credentialPushTimeoutMs: 3_000,
  /** A person who revokes or replaces a credential waits this long for the broker's word; a quick restart of it fits. */
  credentialConfirmMaxMs: 3_000,
  /** Lines in one file of a machine's log: what a spreadsheet opens without trouble. */
  machineLogFileMaxLines: 100_000,
  // --- HTTP ---
  jsonBodyMaxBytes: 256 * 1024,
  /** SECURITY P14: a push is at most 256 KB compressed; 1 MiB leaves room for poorly compressing batches. */
  pushBodyMaxBytes: 1024 * 1024,
  pushInflatedMaxBytes: 8 * 1024 * 1024,
  requestHeadersMaxBytes: 16 * 1024,
  /** Open event streams of one server: a browser tab holds one. */
  eventStreamsMax: 2000,
  /** Comment line sent on a silent event stream, so that proxies and browsers see it alive. */
  eventStreamHeartbeatMs: 15_000,
  // --- sync ---
  syncBatchMaxChanges: 500,
  /** Before compression. A batch of 500 orders of 800 bytes fits; a larger one would hold the line for too long. */
  syncBatchMaxBytes: 512 * 1024,
  /** The live channel sends small batches: an order that changes now must not wait behind a large one. */
  syncLiveBatchMaxChanges: 100,
  syncLiveBatchMaxBytes: 64 * 1024,
  /** A push that took longer shrinks the next ones: on a 64 kbit/s line a live order then waits about this long. */
  syncSlowPushMs: 2_000,
  /** Slowness shrinks a batch no further: below it, what is slow is the way and not the size. */
  syncSlowBatchMinChanges: 8,
  /** Work under way and nothing acknowledged for this long, though nothing failed: the connections are torn down. */
  syncWatchdogMs: 60_000,
  /** A Core that spoke version 1 is asked again: it may have been updated without an outage. */
  syncHelloAgainMs: 3_600_000,
  /** Forerunners that a change names, 12 bytes each: more versions than an order gets between two acknowledgements. */
  syncLineageMax: 16,
  /** Edge and Core are compared this often while nothing else asks for it… */
  syncCompareEveryMs: 900_000,
  /** …and again after this when the comparison failed or found something to send again. */
  syncCompareRetryMs: 60_000,
  /** `SYNC_MAX_KBPS` holds up one push no longer than this: the watchdog must not take it for a dead line. */
  syncRatePauseMaxMs: 15_000,
  /** How soon changes that a licence held go again once it is active: one minute (PRODUCT J6.4). */
  licenceReturnLookMs: 60_000,
  /** The edge proves that it is alive by an empty batch when it has nothing to send. */
  syncHeartbeatMs: 30_000,
  /** PRODUCT J5.1: OK needs an acknowledgement at most two heartbeats old… */
  syncOkMaxAckAgeMs: 60_000,
  /** …and nothing pending for longer than this. */
  syncOkMaxPendingAgeMs: 120_000,
  syncRequestTimeoutMs: 15_000,
  syncBackoffMinMs: 250,
  syncBackoffMaxMs: 30_000,
  /** A stamp further ahead of the receiver's clock than this cannot win by its lead; phones and PCs with NTP stay far below. */
  hlcSkewMaxMs: 60_000,
  /** Stamps remembered for each shared field, so that late edits are judged as timely ones; people edit a field a few times a year. */
  sharedStampsKeptMax: 64,
  /** Listed in one round of a comparison: in a shop of 100,000 orders, 64 buckets are about 90 KB. */
  syncCompareBucketsPerAsk: 64,
  syncCompareUnknownPerAsk: 500,
  /** Rounds of one comparison: a bucket each of all streams, twice over; what is left is found by the next one. */
  syncCompareAsksMax: 20_000,
  /** How long the Core may hold the downlink's call: below the 30 s after which common proxies cut a silent one. */
  downlinkWaitMs: 20_000,
  /** Least pause between two calls that brought nothing, should the Core not hold them. */
  downlinkIdleMinMs: 1_000,
  downlinkParkedPerAskMax: 100,
  /** Safety net under the doorbell. */
  outboxPollMs: 1_000,
  /** An hour of a machine is summed up this long after its end, so that what a slow network still brings is in it. */
  rollupSettleMs: 600_000,
  /** Hours end hourly; looked for this often so that a shop that was just switched on catches up soon. */
  rollupEveryMs: 300_000,
  /** Hours of one machine summed up in one transaction: two days keep it below a few milliseconds. */
  rollupHoursPerStep: 48,
  /** Customers and machines that were never sent, sent in one transaction at the start. */
  statesPerStep: 200,
  /** SECURITY 3.1: life of a signature, allowed skew, and how long its nonce is remembered. */
  signatureLifeS: 300,
  signatureSkewMaxS: 60,
  nonceKeptS: 420,
  /** A file of pushes: 100,000 changes are about 20 MB under gzip, and go through a phone in a minute. */
  bundleFileMaxBytes: 64 * 1024 * 1024,
  bundleChangesMax: 100_000,
  bundleBatchesMax: 2_000,
  /** What it inflates to; base64 of what is compressed already grows by a third, so more than this is a bomb. */
  bundleInflatedMaxBytes: 192 * 1024 * 1024,
  /** base64 of the largest push, with its headers. */
  bundleLineMaxBytes: 2 * 1024 * 1024,
  /** How old a file may be when it arrives: longer than a licence lasts offline (44 days). */
  bundleLifeS: 45 * 24 * 60 * 60,
  /** A PC that never sees the Internet has nobody who sets its clock: a day ahead is taken. */
  bundleSkewMaxS: 24 * 60 * 60,
  /** 100 bytes for each change. */
  bundleAckMaxBytes: 16 * 1024 * 1024,
  bundleAckInflatedMaxBytes: 32 * 1024 * 1024,
  /** Files that were made are remembered as long as an acknowledgement of one may come back. */
  bundlesKeptMax: 200,
  // --- orders ---
  orderItemsMax: 200,
  orderTimelineMax: 50,
  orderPromiseChangesMax: 20,
  orderMediaMax: 200,
  specFieldsPerItemMax: 40,
  nameMaxChars: 120,
  textMaxChars: 2000,
  /** One order is less than ten million reais: a typing error is caught. */
  moneyMaxCents: 1_000_000_000,
  pageMaxRows: 200,
  /** Open orders that the board shows; a shop with more than this filters the list instead. */
  boardMaxOrders: 1000,
  /** Entries of an order's history that its page shows, newest first. */
  historyMaxRows: 200,
  // --- media ---
  mediaFileMaxBytes: 40 * 1024 * 1024,
  mediaChunkMaxBytes: 1024 * 1024,
  /** 100 megapixels decode into about 400 MB; phones stop at 50 to 108 and send fewer. */
  mediaPixelsMax: 100_000_000,
  mediaDerivedMaxBytes: 4 * 1024 * 1024,
  mediaRetryMinMs: 1_000,
  mediaRetryMaxMs: 5 * 60 * 1000,
  /** How often published objects are checked in the bucket, and how many at a time. */
  mediaAuditIntervalMs: 15 * 60 * 1000,
  mediaAuditBatch: 200,
  signedMediaUrlLifeS: 600,
  /** How often photos that wait for their thumbnails are announced again. */
  mediaAnnounceIntervalMs: 60_000,
  /** An upload that got no byte for a day is given up and its part removed. */
  mediaUploadAbandonedMs: 24 * 60 * 60 * 1000,
  // --- people ---
  passwordMinChars: 12,
  passwordMaxChars: 128,
  passwordHashesAtOnceMax: 2,
  passwordHashQueueMax: 16,
  sessionIdleMs: 4 * 60 * 60 * 1000,
  sessionMaxMs: 16 * 60 * 60 * 1000,
  /** SECURITY 3.8: failed sign-ins per account and address. */
  loginFailuresMax: 5,
  loginWindowMs: 15 * 60 * 1000,
  /** SECURITY 3.8: failed sign-ins per address, whatever the account. */
  loginFailuresPerAddressMax: 30,
  loginAddressWindowMs: 60 * 60 * 1000,
  /** SECURITY A2: waiting grows 1-2-4… minutes and never becomes a lock. */
  loginDelayMinMs: 60_000,
  loginDelayMaxMs: 15 * 60 * 1000,
  /** How often a session's last use is written down, so that reading does not write each time. */
  sessionTouchMs: 60_000,
  /** One shop: far more people than this is a mistake or an attack. */
  usersMax: 200,
  /** Failed second factors per link: 4 digits allow no more. */
  factorFailuresMax: 5,
  factorWindowMs: 60 * 60 * 1000,
  trackingLinkLifeAfterDeliveryMs: 90 * 24 * 60 * 60 * 1000,
  // --- process ---
  shutdownMaxMs: 2_500,
} as const;
