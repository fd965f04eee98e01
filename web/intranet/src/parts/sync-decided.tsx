import type { ConflictEntry } from '@sgp/shared/api/conflicts';
import { useApp, useResource } from '../app-context.ts';
import { conflictText, fieldName } from '../logic/sync-conflict.ts';

/** Conflicts that are decided: what stands, what does not, who said so and when. Nothing is shown while there is none. */
export function Decided() {
  const { api, t } = useApp();
  const { syncFigures: words } = t.value;
  const resource = useResource(
    'conflicts-decided',
    () => api.conflicts({ state: 'resolved' }),
    (name) => name === 'conflicts.changed',
  );
  const conflicts = resource.data.value?.conflicts ?? [];
  if (conflicts.length === 0) return null;
  const { what, stands, lost, decision, who, when } = words.decidedColumns;
  return (
    <section class="panel decided" aria-labelledby="decididos">
      <header>
        <h2 id="decididos">{words.decidedTitle}</h2>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section class="table plain" tabIndex={0} aria-label={`${words.decidedTitle} (${conflicts.length})`}>
        <table>
          <thead>
            <tr>
              {[what, stands, lost, decision, who, when].map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {conflicts.map((conflict) => (
              <Row key={conflict.conflictId} conflict={conflict} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Row({ conflict }: { readonly conflict: ConflictEntry }) {
  const { t, format, now } = useApp();
  const { sync, syncFigures: words } = t.value;
  const { name, entityId, kind, field, resolution, resolvedBy, resolvedAt } = conflict;
  const text = (json: string) => conflictText(json, field, words.values, format.value.money);
  // What was restored changed places with what stood.
  const [stands, lost] =
    resolution === 'restored' ? [conflict.loser, conflict.winner] : [conflict.winner, conflict.loser];
  return (
    <tr>
      <td>
        <b>{name ?? entityId.slice(0, 8)}</b>
        <br />
        <small class="muted">{field === null ? sync.conflictKinds[kind] : fieldName(field, words.values)}</small>
      </td>
      <td>{text(stands.text)}</td>
      <td class="muted">{text(lost.text)}</td>
      <td>{resolution === null ? '' : words.resolution[resolution]}</td>
      <td>{resolvedBy ?? <span class="muted">{words.byItself}</span>}</td>
      <td>{resolvedAt === null ? '' : format.value.dayTime(resolvedAt, now.value)}</td>
    </tr>
  );
}
