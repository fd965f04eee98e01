import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { copyText } from './copy.ts';

const TOLD_MS = 2_000;

/** Copies and says so on the button itself; with `label` hidden it is a square with a name for screen readers. */
export function CopyButton({
  text,
  label,
  isSquare = false,
}: {
  readonly text: string;
  readonly label: string;
  readonly isSquare?: boolean;
}) {
  const { t } = useApp();
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (told === null) return;
    const timer = setTimeout(() => setTold(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const copy = () => copyText(text).then((done) => setTold(done ? t.value.common.copied : t.value.common.copyFailed));
  return (
    <button
      class={isSquare ? 'btn small quiet square' : 'btn small'}
      type="button"
      aria-label={isSquare ? (told ?? label) : undefined}
      onClick={() => void copy()}
    >
      <Icon name={told ? 'ok' : 'documento'} size="sm" />
      {isSquare ? null : (told ?? label)}
      <span class="sr" role="status">
        {told}
      </span>
    </button>
  );
}
