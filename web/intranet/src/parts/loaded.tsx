import { SkeletonRows } from '@sgp/ui/skeleton.tsx';
import type { ComponentChildren } from 'preact';
import { useApp } from '../app-context.ts';
import type { Resource } from '../resources.ts';
import { Failure } from './failure.tsx';

type LoadedProps<T> = {
  readonly resource: Resource<T>;
  readonly rows?: number;
  readonly children: (data: T) => ComponentChildren;
};

/**
 * The states of a list in one place: skeleton while nothing is known, an error that keeps what was there, and old data in
 * grey while the server is away. Never a blank page and never a spinner over old data.
 */
export function Loaded<T>({ resource, rows, children }: LoadedProps<T>) {
  const { t, contact } = useApp();
  const data = resource.data.value;
  const error = resource.error.value;
  const away = contact.state.value === 'away';
  if (data === undefined) {
    if (error && !(error.code === 'SERVER_AWAY' && away))
      return <Failure error={error} title={t.value.common.loadFailed} onRetry={() => void resource.refresh()} />;
    return (
      <div class="panel">
        <SkeletonRows rows={rows ?? 5} label={t.value.common.loading} />
      </div>
    );
  }
  return (
    <>
      {error && error.code !== 'SERVER_AWAY' ? (
        <Failure error={error} title={t.value.common.loadFailed} onRetry={() => void resource.refresh()} />
      ) : null}
      <div class={away ? 'stack loaded stale old-data' : 'stack loaded'}>{children(data)}</div>
    </>
  );
}
