import { errorTexts } from '@sgp/ui/error-texts';
import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import type { ApiError, FailureCode } from '../api-error.ts';
import { useApp } from '../app-context.ts';

/** The words of a refusal in the language of the screen. */
export function useErrorText(): (code: FailureCode) => string {
  const { locale, t } = useApp();
  return (code) => (code === 'SERVER_AWAY' ? t.value.common.serverAwayShort : errorTexts[locale.value][code]);
}

/** What happened, what was kept, what to do, and the short code. */
export function Failure({
  error,
  title,
  kept,
  onRetry,
}: {
  readonly error: ApiError;
  readonly title: string;
  readonly kept?: string;
  readonly onRetry?: () => void;
}) {
  const { t } = useApp();
  const textOf = useErrorText();
  return (
    <Notice
      tone="bad"
      icon={error.code === 'SERVER_AWAY' ? 'servidor' : 'alerta'}
      title={title}
      action={
        onRetry ? (
          <button class="btn small" type="button" onClick={onRetry}>
            <Icon name="atualizar" size="sm" />
            {t.value.common.retry}
          </button>
        ) : null
      }
    >
      {textOf(error.code)} {kept ? `${kept} ` : ''}
      <span class="muted code">{error.code}</span>
    </Notice>
  );
}
