import type { Media } from '@sgp/shared/api/orders';
import { Icon } from '@sgp/ui/icon.tsx';
import { useState } from 'preact/hooks';
import type { FailureCode } from '../../api-error.ts';
import { useApp } from '../../app-context.ts';
import { useErrorText } from '../../parts/failure.tsx';
import type { Upload } from '../../uploads.ts';

/** Each file that cannot be used, by name, with the reason and the way on. They disturb nothing else. */
export function RefusedFiles({
  refused,
  failed,
}: {
  readonly refused: readonly Media[];
  readonly failed: readonly Upload[];
}) {
  const { api, uploads, resources } = useApp();
  const [busy, setBusy] = useState<string | null>(null);
  if (refused.length + failed.length === 0) return null;
  const act = (media: Media, run: Promise<unknown>) => {
    setBusy(media.mediaId);
    void run
      .catch(() => undefined)
      .then(() => resources.refresh(`order:${media.orderId}`))
      .finally(() => setBusy(null));
  };
  return (
    <ul class="refused" role="alert">
      {failed.map((upload) => (
        <RefusedRow
          key={upload.mediaId}
          name={upload.fileName}
          code={upload.error?.code ?? 'INTERNAL'}
          isBusy={false}
          onRetry={() => uploads.retry(upload.mediaId)}
          onDismiss={() => uploads.dismiss(upload.mediaId)}
        />
      ))}
      {refused.map((media) => (
        <RefusedRow
          key={media.mediaId}
          name={media.fileName}
          code={media.error?.code ?? 'INTERNAL'}
          isBusy={busy === media.mediaId}
          onRetry={() => act(media, api.retryMedia(media.mediaId))}
          onDismiss={() => act(media, api.removeMedia(media.mediaId))}
        />
      ))}
    </ul>
  );
}

type RefusedRowProps = {
  readonly name: string;
  readonly code: FailureCode;
  readonly isBusy: boolean;
  readonly onRetry: () => void;
  readonly onDismiss: () => void;
};

/** Codes that the same bytes will meet again: trying again would be a promise that cannot be kept. */
const FINAL: readonly FailureCode[] = [
  'MEDIA_NOT_IMAGE',
  'MEDIA_CORRUPT',
  'MEDIA_TOO_MANY_PIXELS',
  'MEDIA_TOO_LARGE',
  'MEDIA_ORIGINAL_MISSING',
];

function RefusedRow({ name, code, isBusy, onRetry, onDismiss }: RefusedRowProps) {
  const { t } = useApp();
  const errorText = useErrorText();
  return (
    <li>
      <Icon name="alerta" />
      <div class="grow">
        <b class="cut">{name}</b>
        <small>
          {errorText(code)} <span class="faint code">{code}</span>
        </small>
      </div>
      {FINAL.includes(code) ? null : (
        <button class="btn small" type="button" disabled={isBusy} onClick={onRetry}>
          {t.value.common.retry}
        </button>
      )}
      <button
        class="btn small quiet square"
        type="button"
        aria-label={`${t.value.common.remove}: ${name}`}
        disabled={isBusy}
        onClick={onDismiss}
      >
        <Icon name="fechar" size="sm" />
      </button>
    </li>
  );
}
