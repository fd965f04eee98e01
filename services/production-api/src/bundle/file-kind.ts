import { open } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';
import { bundleAckHeadSchema, bundleLineSchema } from '@sgp/shared/sync-bundle';

export type FileKind = 'bundle' | 'acknowledgement';

/** The first line of either file has less than a tenth of this. */
const headBytes = 64 * 1024;

/**
 * What a file is, by its first line.
 * @returns null for anything else
 * @throws an error of the file system
 */
export async function kindOf(path: string): Promise<FileKind | null> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  const json = firstLineOf(buffer.subarray(0, bytesRead));
  if (bundleAckHeadSchema.safeParse(json).success) return 'acknowledgement';
  const line = bundleLineSchema.safeParse(json);
  return line.success && line.data.kind === 'opening' ? 'bundle' : null;
}

/** @returns null for what is no line of JSON under gzip */
function firstLineOf(head: Buffer): unknown {
  try {
    // The end of the file is missing here, which is no fault of it.
    const text = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
    const end = text.indexOf('\n');
    return JSON.parse(text.subarray(0, end < 0 ? text.length : end).toString('utf8'));
  } catch {
    return null;
  }
}
