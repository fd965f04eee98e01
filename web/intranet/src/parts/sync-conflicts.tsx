import type { ConflictEntry } from '@sgp/shared/api/conflicts';
import { Icon } from '@sgp/ui/icon.tsx';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { conflictText, fieldName } from '../logic/sync-conflict.ts';
import { Failure } from './failure.tsx';

/** Both versions side by side, who wrote them and when, and the two decisions. Nothing is shown while there is none to decide. */
export function Conflicts() {
  const { api, t, session, toasts } = useApp();
  const { sync: words } = t.value;
  const resource = useResource(
    'conflicts',
    () => api.conflicts(),
    (name) => name === 'conflicts.changed' || name === 'sync.status',
  );
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const role = session.value?.user.role;
  const page = resource.data.value;
  if (page === undefined || page.open === 0) return null;

  async function decide(id: string, decision: 'keep' | 'restore') {
    setBusy(true);
    setFailure(null);
    try {
      await api.decideConflict(id, decision);
      toasts.show({ icon: 'ok', text: words.conflictDecided });
      await resource.refresh();
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusy(false);
  }

  return (
    <section class="panel conflicts" aria-labelledby="conflitos">
      <header>
        <h2 id="conflitos">{words.conflictsTitle(page.open)}</h2>
      </header>
      <p class="in t14 muted">{words.conflictsText}</p>
      {failure ? <Failure error={failure} title={words.conflictFailed} /> : null}
      <div class="rows">
        {page.conflicts.map((conflict) => (
          <Row
            key={conflict.conflictId}
            conflict={conflict}
            decide={
              role === 'owner' || role === 'manager' ? (decision) => void decide(conflict.conflictId, decision) : null
            }
            busy={busy}
          />
        ))}
      </div>
    </section>
  );
}

type RowProps = {
  readonly conflict: ConflictEntry;
  /** Null: this person may only read. */
  readonly decide: ((decision: 'keep' | 'restore') => void) | null;
  readonly busy: boolean;
};

function Row({ conflict, decide, busy }: RowProps) {
  const { t, format, now } = useApp();
  const { sync: words, syncFigures: figures } = t.value;
  const version = (title: string, { text, at, who }: ConflictEntry['winner']) => (
    <div>
      <span class="t13 muted">{title}</span>
      <br />
      <b>{conflictText(text, conflict.field, figures.values, format.value.money)}</b>
      <br />
      <span class="t13 muted">{words.conflictBy(who, at === null ? '' : format.value.dayTime(at, now.value))}</span>
    </div>
  );
  return (
    <div>
      <Icon name="alerta" />
      <span class="grow">
        <b>{conflict.name ?? conflict.entityId.slice(0, 8)}</b>{' '}
        <span class="muted">
          {conflict.field === null
            ? words.conflictKinds[conflict.kind]
            : figures.twice(fieldName(conflict.field, figures.values))}
        </span>
      </span>
      <div class="versions">
        {version(words.conflictStands, conflict.winner)}
        {version(words.conflictLost, conflict.loser)}
      </div>
      {decide ? (
        <span class="act">
          <button class="btn small" type="button" disabled={busy} onClick={() => decide('keep')}>
            {words.conflictKeep}
          </button>
          {conflict.canRestore ? (
            <button class="btn small quiet" type="button" disabled={busy} onClick={() => decide('restore')}>
              {words.conflictRestore}
            </button>
          ) : null}
        </span>
      ) : null}
    </div>
  );
}
