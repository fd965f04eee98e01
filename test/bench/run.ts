import { arch, cpus, platform, totalmem } from 'node:os';
import { buildWeb } from '../../infra/start/build-web.ts';
import { firstRouteBytes } from './bundle-size.ts';
import { spread } from './figures.ts';
import { measureStartUp } from './start-up.ts';
import { measureStatusLatency } from './status-latency.ts';
import { benchBacklog } from './sync/backlog.ts';
import { benchFleet } from './sync/fleet.ts';
import { benchIngest, ingestLines } from './sync/ingest.ts';
import { benchLive } from './sync/live.ts';
import { benchDrains, benchEngine } from './sync/sync.ts';
import { benchTelemetry } from './telemetry.ts';
import { measureThumbnails } from './thumbnails.ts';

/**
 * `npm run bench` runs every figure of docs/performance.md; `npm run bench -- latency telemetry` only those named. Nothing
 * here passes or fails: a figure depends on the machine, so the machine is printed too.
 */
const benches: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  async size() {
    await buildWeb();
    return (['intranet', 'pwa'] as const).map(
      (app) => `${app}, first route: ${(firstRouteBytes(app) / 1024).toFixed(1)} KB of JavaScript after gzip`,
    );
  },
  async start() {
    const { seconds, pssMiB, rssMiB } = await measureStartUp(5);
    return [
      `six processes ready: ${spread(seconds, 's', 2)}`,
      `resident memory, shared pages counted once: ${spread(pssMiB, 'MiB', 0)}; counted in each: ${spread(rssMiB, 'MiB', 0)}`,
    ];
  },
  async latency() {
    const { p50, p99 } = await measureStatusLatency(100, 5);
    return [`status change committed → event on the open page: p50 ${spread(p50, 'ms')}, p99 ${spread(p99, 'ms')}`];
  },
  async telemetry() {
    const { sent, acknowledged, stored, lost, messagesPerS, drainedMs, cpu } = await benchTelemetry(60, 5_000, 125);
    return [
      `telemetry, QoS 1, 125 machines, 60 s: ${messagesPerS} messages/s; sent ${sent}, acknowledged ${acknowledged}, stored ${stored}, lost ${lost}; drained ${drainedMs} ms after the last`,
      `cores used: broker ${cpu.broker}, production-api ${cpu.production}, publishers ${cpu.publishers}`,
    ];
  },
  async sync() {
    return [...benchEngine(5), ...(await benchDrains(3))];
  },
  async ingest() {
    return ingestLines(await benchIngest(3));
  },
  live: () => benchLive(3),
  backlog: () => benchBacklog(1),
  fleet: () => benchFleet(1),
  async thumbnails() {
    const { pipeline, sharpOneDecode, sharpSixDecodes, ratio, ratioSpread } = await measureThumbnails(12, 7);
    const plainRatios = pipeline.map((each, round) => each / (sharpSixDecodes[round] ?? Number.NaN));
    return [
      `thumbnails: ${spread(pipeline, 'pictures/s', 2)}`,
      `sharp alone, a pipeline for each file: ${spread(sharpSixDecodes, 'pictures/s', 2)}; ratio ${spread(plainRatios, '×', 2)}`,
      `sharp alone, one decode for all files: ${spread(sharpOneDecode, 'pictures/s', 2)}; ratio ${ratio} (${ratioSpread.join('-')})`,
    ];
  },
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in benches));
if (unknown.length > 0)
  throw new Error(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
console.log(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}, Node ${process.version}`,
);
for (const name of named.length > 0 ? named : Object.keys(benches)) {
  for (const line of (await benches[name]?.()) ?? []) console.log(line);
}
process.exit(0);
