import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { limits } from '@sgp/shared/limits';
import type { S3Options } from '../config.ts';
import { expiryFor, type MediaUrls } from './media-urls.ts';

/** Presigned GET addresses of the bucket; signing needs no connection to it. */
export function createS3MediaUrls(options: S3Options & { readonly now: () => number }): MediaUrls & Disposable {
  const client = new S3Client({
    endpoint: options.endpoint,
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: true,
    // Stores that know no checksum trailers (OpenStack Swift) refuse what is not asked for.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const life = limits.signedMediaUrlLifeS;
  let step = 0;
  let made = new Map<string, Promise<string>>();
  return {
    origin: new URL(options.endpoint).origin,
    sign(key) {
      const expiresS = expiryFor(options.now());
      // All addresses of one step are equal, so each is signed once; the next step starts with none.
      if (expiresS !== step) [step, made] = [expiresS, new Map()];
      const known = made.get(key);
      if (known) return known;
      const signing = getSignedUrl(client, new GetObjectCommand({ Bucket: options.bucket, Key: key }), {
        expiresIn: life,
        signingDate: new Date((expiresS - life) * 1000),
      });
      made.set(key, signing);
      return signing;
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}
