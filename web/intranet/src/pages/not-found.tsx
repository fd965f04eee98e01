import { Empty } from '@sgp/ui/empty.tsx';
import { useApp } from '../app-context.ts';

export function NotFound() {
  const { t } = useApp();
  const { common } = t.value;
  return (
    <section class="panel">
      <Empty isPage icon="busca" title={common.notFound} text={common.notFoundText}>
        <a class="btn primary" href="/">
          {common.goHome}
        </a>
      </Empty>
    </section>
  );
}
