import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3';
import { workLimits } from '../work-limits.ts';
import { faultOf, type ObjectStore, type StoreFault } from './object-store.ts';

export type S3Settings = {
  /** Null for Amazon's own addresses. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

/**
 * An S3-compatible bucket, asked for nothing that only Amazon has: whole bodies with their length instead of aws-chunked
 * streams with checksum trailers, no conditional requests, the bucket in the path, no `Expect: 100-continue`. Stores such as OpenStack
 * Swift's s3api refuse or misread those.
 */
export function openS3Store(settings: S3Settings): ObjectStore & Disposable {
  const client = new S3Client({
    ...(settings.endpoint !== null && { endpoint: settings.endpoint }),
    region: settings.region,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    // Repeats are the publisher's business: it knows how long the store has been away.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: workLimits.storeConnectMaxMs,
      requestTimeout: workLimits.storeRequestMaxMs,
      throwOnRequestTimeout: true,
    },
  });
  const { bucket } = settings;
  return {
    kind: 's3',
    async put({ key, body, contentType }) {
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: body,
            ContentLength: body.length,
            ContentType: contentType,
          }),
        );
        return { outcome: 'stored' };
      } catch (error) {
        return toFault(error);
      }
    },
    async head(key) {
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return { outcome: 'known', sizeBytes: ContentLength ?? null };
      } catch (error) {
        if ((error as S3ServiceException).$metadata?.httpStatusCode === 404)
          return { outcome: 'known', sizeBytes: null };
        return toFault(error);
      }
    },
    async remove(key) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
        return { outcome: 'removed' };
      } catch (error) {
        const { name, $metadata } = error as S3ServiceException;
        // Amazon answers 204 for what is not there, older stores 404; a bucket that is not there is a wrong setting.
        if ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket') return { outcome: 'removed' };
        return toFault(error);
      }
    },
    [Symbol.dispose]: () => client.destroy(),
  };
}

function toFault(error: unknown): StoreFault {
  const { name, message, $metadata } = error as S3ServiceException;
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return { outcome: 'unavailable', reason: `${name}: ${message}`.slice(0, 300) };
  return faultOf(status, name);
}
