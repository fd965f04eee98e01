import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';

/** Nothing is saved here and nobody answers: it opens by itself once somebody does. */
export function Away({ onRetry }: { readonly onRetry: () => void }) {
  const { t, online } = useApp();
  const { away } = t.value;
  return (
    <main class="pwa-gate">
      <div class="empty" role="status">
        <Icon name="nuvem-fora" />
        <h1>{away.title}</h1>
        <p>{online.value ? away.silent : away.offline}</p>
      </div>
      <button class="btn primary block" type="button" onClick={onRetry}>
        <Icon name="atualizar" />
        {away.retry}
      </button>
    </main>
  );
}
