import type { HistoryEntry, Order } from '@sgp/shared/api/orders';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../../app-context.ts';
import { historySentence, tellHistory } from '../../logic/history.ts';

/** Who did what and when, newest first. */
export function History({
  order,
  title,
  limit,
}: {
  readonly order: Order;
  readonly title: string;
  readonly limit?: number;
}) {
  const { t } = useApp();
  const newestFirst = tellHistory(order.history);
  const shown = limit === undefined ? newestFirst : newestFirst.slice(0, limit);
  return (
    <section class="panel" aria-labelledby="historico-titulo">
      <header>
        <h2 id="historico-titulo">{title}</h2>
      </header>
      {shown.length === 0 ? (
        <p class="in muted t14">{t.value.orders.history.empty}</p>
      ) : (
        <ol class="in timeline">
          {shown.map((entry, index) => (
            <Entry key={`${entry.at}-${entry.kind}-${index}`} entry={entry} isNewest={index === 0} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Entry({ entry, isNewest }: { readonly entry: HistoryEntry; readonly isNewest: boolean }) {
  const { t, format, now } = useApp();
  const { icon, text, detail } = historySentence(entry, t.value, format.value);
  return (
    <li class={isNewest ? 'now' : entry.kind === 'promise' ? 'warn' : undefined}>
      <Icon name={icon} />
      <div>
        {isNewest ? <b>{text}</b> : text}
        {detail ? <small>{detail}</small> : null}
        <small>
          {entry.who} · {format.value.dayTime(entry.at, now.value)}
        </small>
      </div>
    </li>
  );
}
