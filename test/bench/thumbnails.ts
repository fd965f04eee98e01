import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '@sgp/service-kit/database';
import { createMetrics } from '@sgp/service-kit/metrics';
import { limits } from '@sgp/shared/limits';
import sharp, { type Sharp } from 'sharp';
import { openMediaDatabase } from '../../services/media-sync/src/db.ts';
import { createDerivePhoto } from '../../services/media-sync/src/derive/derive-photo.ts';
import { openMediaFiles } from '../../services/media-sync/src/derive/derived-files.ts';
import { setUpSharp } from '../../services/media-sync/src/derive/make-presets.ts';
import { createPixelBudget } from '../../services/media-sync/src/derive/pixel-budget.ts';
import { createMediaMetrics } from '../../services/media-sync/src/media-metrics.ts';
import { createPhotoStore } from '../../services/media-sync/src/photos/photo-store.ts';
import { createGate } from '../../services/media-sync/src/work/backoff.ts';
import { startDeriveLoop } from '../../services/media-sync/src/work/derive-loop.ts';
import { workLimits } from '../../services/media-sync/src/work-limits.ts';
import { photoJpeg } from '../../services/media-sync/test/support/pictures.ts';
import { newId } from '../../services/media-sync/test/support/shop.ts';

/**
 * Pictures per second of media-sync's deriving (row, header check, decode, presets, thumbhash, durable files) against sharp
 * alone making the same presets of the same pictures, also two at a time:
 * `node test/bench/thumbnails.ts [pictures=12] [rounds=7]`. Rounds are interleaved, so that a busy machine hurts all alike.
 */
export type ThumbnailFigures = {
  readonly pictures: number;
  readonly rounds: number;
  /** Pictures per second, each round. */
  readonly pipeline: readonly number[];
  /** One decode, then everything from its pixels: the fastest way to use sharp that we know. */
  readonly sharpOneDecode: readonly number[];
  /** One pipeline for each of the six files, as sharp's own examples do it. */
  readonly sharpSixDecodes: readonly number[];
  /** Medians: pipeline ÷ sharpOneDecode. The goal is 0.9. */
  readonly ratio: number;
  /** Lowest and highest ratio of a round. */
  readonly ratioSpread: readonly [number, number];
  /** Medians of processor time per picture, in milliseconds: comparable on a busy machine too. */
  readonly cpuMs: Readonly<Record<Way, number>>;
};

const wayNames = ['pipeline', 'sharpOneDecode', 'sharpSixDecodes'] as const;
type Way = (typeof wayNames)[number];

const presets = [160, 480, 1280] as const;
const atOnce = workLimits.derivingAtOnceMax;
const webp = { quality: 78, effort: 2 } as const;
const jpeg = { quality: 80 } as const;

export async function measureThumbnails(pictures: number, rounds: number): Promise<ThumbnailFigures> {
  setUpSharp();
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'sgp-bench-thumbnails-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const db = await openMediaDatabase(stack, `sqlite:${join(dir, 'media.db')}`);
  const names = await writeOriginals(join(dir, 'originals'), pictures);
  const ways: Record<Way, () => Promise<void>> = {
    pipeline: openPipeline(dir, db, names),
    sharpOneDecode: () => runSharp(oneDecode, dir, names),
    sharpSixDecodes: () => runSharp(sixDecodes, dir, names),
  };
  const perS: Record<Way, number[]> = { pipeline: [], sharpOneDecode: [], sharpSixDecodes: [] };
  const cpuMs: Record<Way, number[]> = { pipeline: [], sharpOneDecode: [], sharpSixDecodes: [] };
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++)
    for (const way of wayNames) {
      const started = performance.now();
      const cpu = process.cpuUsage();
      await ways[way]();
      const { user, system } = process.cpuUsage(cpu);
      if (round === 0) continue;
      perS[way].push(rounded(pictures / ((performance.now() - started) / 1000)));
      cpuMs[way].push((user + system) / 1000 / pictures);
    }
  const ratios = perS.pipeline.map((each, round) => each / (perS.sharpOneDecode[round] ?? Number.NaN));
  return {
    pictures,
    rounds,
    ...perS,
    ratio: rounded(median(perS.pipeline) / median(perS.sharpOneDecode)),
    ratioSpread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
    cpuMs: {
      pipeline: Math.round(median(cpuMs.pipeline)),
      sharpOneDecode: Math.round(median(cpuMs.sharpOneDecode)),
      sharpSixDecodes: Math.round(median(cpuMs.sharpSixDecodes)),
    },
  };
}

/** 12 megapixels, as phones send them. */
async function writeOriginals(dir: string, pictures: number): Promise<readonly string[]> {
  await mkdir(dir, { recursive: true });
  const different = await Promise.all([1, 2, 3].map((seed) => photoJpeg({ width: 4000, height: 3000, seed })));
  return await Promise.all(
    Array.from({ length: pictures }, async (_, index) => {
      const name = newId();
      await writeFile(join(dir, name), different[index % different.length] as Buffer);
      return name;
    }),
  );
}

/** Everything that the service does from the announced upload to `derived`, with its database and durable files. */
function openPipeline(dir: string, db: Database, names: readonly string[]): () => Promise<void> {
  const photos = createPhotoStore(db);
  const metrics = createMediaMetrics(createMetrics('bench'), { photos, gate: createGate(1) });
  const budget = createPixelBudget(limits.mediaPixelsMax, atOnce);
  const derivePhoto = createDerivePhoto({ files: openMediaFiles(dir), budget, timeZone: 'UTC' });
  const log = { info: () => undefined, warn: console.warn, error: console.error };
  return async () => {
    const all = Promise.withResolvers<void>();
    let done = 0;
    const onProgress = (): void => {
      done += 1;
      if (done === names.length) all.resolve();
    };
    const before = (await photos.summary()).byState.derived;
    const uploads = names.map((file) => ({ mediaId: newId(), orderId: newId(), file, sizeBytes: 1 }));
    await photos.receive(uploads, Date.now());
    await using _loop = startDeriveLoop({
      photos,
      inWork: new Set(),
      derivePhoto,
      deriveIsolated: derivePhoto,
      metrics,
      log,
      onProgress,
    });
    await all.promise;
    const derived = (await photos.summary()).byState.derived - before;
    if (derived !== names.length) throw new Error(`only ${derived} of ${names.length} were derived`);
  };
}

type MakeFiles = (original: string, target: (name: string) => string) => Promise<unknown>;

async function runSharp(make: MakeFiles, dir: string, names: readonly string[]): Promise<void> {
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const folder = join(dir, 'alone', name);
      await mkdir(folder, { recursive: true });
      await make(join(dir, 'originals', name), (file) => join(folder, file));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const fit = { fit: 'inside', withoutEnlargement: true } as const;

const oneDecode: MakeFiles = async (original, target) => {
  let pixels: Buffer | string = original;
  let raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 } | undefined;
  const writes: Promise<unknown>[] = [];
  for (const side of presets.toReversed()) {
    const source: Sharp = raw ? sharp(pixels, { raw }) : sharp(pixels, { sequentialRead: true }).autoOrient();
    const { data, info } = await source.resize(side, side, fit).raw().toBuffer({ resolveWithObject: true });
    pixels = data;
    raw = { width: info.width, height: info.height, channels: info.channels };
    writes.push(
      sharp(data, { raw })
        .webp(webp)
        .toFile(target(`${side}.webp`)),
    );
    writes.push(
      sharp(data, { raw })
        .jpeg(jpeg)
        .toFile(target(`${side}.jpg`)),
    );
  }
  await Promise.all(writes);
};

const sixDecodes: MakeFiles = (original, target) => {
  const source = sharp(original, { sequentialRead: true }).autoOrient();
  return Promise.all(
    presets.flatMap((side) => [
      source
        .clone()
        .resize(side, side, fit)
        .webp(webp)
        .toFile(target(`${side}.webp`)),
      source
        .clone()
        .resize(side, side, fit)
        .jpeg(jpeg)
        .toFile(target(`${side}.jpg`)),
    ]),
  );
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const rounded = (value: number): number => Number(value.toFixed(3));

if (import.meta.main) {
  const [pictures = 12, rounds = 7] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await measureThumbnails(pictures, rounds), null, 2));
}
