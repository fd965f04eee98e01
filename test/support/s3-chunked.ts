import { crc32 } from 'node:zlib';
import { S3Error } from './s3-signature.ts';

/**
 * Decodes an aws-chunked body with trailers: `<hex>[;extension]\r\n<data>\r\n … 0\r\n<trailers>\r\n`, and checks the CRC32 trailer
 * that today's SDKs send by default.
 * @throws S3Error 400
 */
export function decodeAwsChunked(received: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd < 0) throw new S3Error(400, 'IncompleteBody');
    const size = Number.parseInt(received.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new S3Error(400, 'InvalidChunkSizeError');
    at = lineEnd + 2;
    if (size === 0) break;
    chunks.push(received.subarray(at, at + size));
    at += size + 2;
  }
  const body = Buffer.concat(chunks);
  const wanted = /x-amz-checksum-crc32:\s*(\S+)/i.exec(received.toString('latin1', at))?.[1];
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  if (wanted !== undefined && wanted !== checksum.toString('base64')) throw new S3Error(400, 'BadDigest');
  return body;
}
