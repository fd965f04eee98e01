import { type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '@sgp/shared/limits';
import type { Api } from './api.ts';
import { type ApiError, asApiError, type FailureCode } from './api-error.ts';
import { newId } from './lib/new-id.ts';
import type { Resources } from './resources.ts';

/** One photo on its way from this browser to the shop's disk. `previewUrl` is shown at once, before any byte has left. */
export type Upload = {
  readonly mediaId: string;
  readonly orderId: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly previewUrl: string;
  readonly state: 'waiting' | 'sending' | 'stored' | 'failed';
  readonly error: { readonly code: FailureCode } | null;
};

export type Unfinished = { readonly mediaId: string; readonly fileName: string; readonly sizeBytes: number };

export type Uploads = {
  readonly list: ReadonlySignal<readonly Upload[]>;
  /** `unfinished`: uploads the server still waits for, from a tab that was closed: the same file goes on where it stood. */
  readonly add: (orderId: string, files: readonly File[], unfinished?: readonly Unfinished[]) => void;
  readonly retry: (mediaId: string) => void;
  readonly dismiss: (mediaId: string) => void;
};

export type UploadsDeps = {
  readonly api: Pick<Api, 'startMedia' | 'sendMediaChunk' | 'media'>;
  readonly clock: () => number;
  readonly resources: Pick<Resources, 'refresh'>;
};

const RETRY_MS = 2_000;

/**
 * Sends photos one at a time in chunks that resume: the server says how far it is, and a repeat of a chunk or of the
 * whole start is the same upload because the id was born here.
 */
export function createUploads({ api, clock, resources }: UploadsDeps): Uploads {
  const list = signal<readonly Upload[]>([]);
  const files = new Map<string, File>();
  let busy = false;

  const patch = (mediaId: string, change: Partial<Upload>) => {
    list.value = list.peek().map((upload) => (upload.mediaId === mediaId ? { ...upload, ...change } : upload));
  };

  function drop(mediaId: string) {
    const upload = list.peek().find((other) => other.mediaId === mediaId);
    if (upload) URL.revokeObjectURL(upload.previewUrl);
    files.delete(mediaId);
    list.value = list.peek().filter((other) => other.mediaId !== mediaId);
  }

  async function send(upload: Upload, file: File): Promise<void> {
    const { mediaId, orderId } = upload;
    const started = await api.startMedia(orderId, { mediaId, fileName: upload.fileName, sizeBytes: file.size });
    let offset = started.receivedBytes;
    while (offset < file.size) {
      const chunk = file.slice(offset, offset + limits.mediaChunkMaxBytes);
      try {
        const { receivedBytes } = await api.sendMediaChunk(mediaId, offset, chunk);
        offset = receivedBytes;
      } catch (cause) {
        offset = resumeOffset(asApiError(cause));
      }
      patch(mediaId, { sentBytes: offset });
    }
  }

  async function work(): Promise<void> {
    if (busy) return;
    const next = list.peek().find(({ state }) => state === 'waiting');
    const file = next && files.get(next.mediaId);
    if (!next || !file) return;
    busy = true;
    patch(next.mediaId, { state: 'sending', error: null });
    try {
      await send(next, file);
      patch(next.mediaId, { state: 'stored', sentBytes: file.size });
      // The order shows the stored photo from now on; the placeholder goes once the page has it.
      await resources.refresh(`order:${next.orderId}`);
      drop(next.mediaId);
    } catch (cause) {
      const error = asApiError(cause);
      if (error.code === 'SERVER_AWAY') {
        patch(next.mediaId, { state: 'waiting' });
        setTimeout(() => void work(), RETRY_MS);
      } else {
        patch(next.mediaId, { state: 'failed', error: { code: error.code } });
      }
    }
    busy = false;
    // While the server is away the timer above goes on; every other end frees the way for the next photo.
    if (!list.peek().some(({ mediaId, state }) => mediaId === next.mediaId && state === 'waiting')) void work();
  }

  return {
    list,
    add: (orderId, added, unfinished = []) => {
      const born = added.map((file): Upload => {
        const known = unfinished.find(
          ({ mediaId, fileName, sizeBytes }) =>
            fileName === file.name && sizeBytes === file.size && !files.has(mediaId),
        );
        const mediaId = known?.mediaId ?? newId(clock());
        files.set(mediaId, file);
        const tooLarge = file.size > limits.mediaFileMaxBytes;
        return {
          mediaId,
          orderId,
          fileName: file.name.slice(0, 200) || 'foto',
          sizeBytes: file.size,
          sentBytes: 0,
          previewUrl: URL.createObjectURL(file),
          state: tooLarge || file.size === 0 ? 'failed' : 'waiting',
          error: tooLarge ? { code: 'MEDIA_TOO_LARGE' } : file.size === 0 ? { code: 'MEDIA_CORRUPT' } : null,
        };
      });
      list.value = [...list.peek(), ...born];
      void work();
    },
    retry: (mediaId) => {
      patch(mediaId, { state: 'waiting', error: null });
      void work();
    },
    dismiss: drop,
  };
}

/** Where to go on after a chunk was refused: the server's own count. Any other refusal ends the upload. */
export function resumeOffset(error: ApiError): number {
  const { offset } = error.details;
  if (error.code === 'UPLOAD_OFFSET_MISMATCH' && typeof offset === 'number') return offset;
  throw error;
}
