import { useApp, useResource } from '../app-context.ts';
import { Loaded } from './loaded.tsx';

/** Each hop of each recent version, so that "the customer does not see it" can be answered with a time. */
export function Trail({ orderId }: { readonly orderId: string }) {
  const { api, t, format, now } = useApp();
  const { trail: words } = t.value.sync;
  const resource = useResource(
    `trail/${orderId}`,
    () => api.orderTrail(orderId),
    (name) => name === 'order.changed' || name === 'sync.status',
  );
  // The hops are seconds apart.
  const time = (at: number | null) => (at === null ? '–' : format.value.clock(at));
  return (
    <section class="panel" aria-labelledby="caminho">
      <header>
        <h2 id="caminho">{words.title}</h2>
      </header>
      <Loaded resource={resource}>
        {({ versions }) =>
          versions.length === 0 ? (
            <p class="in t14 muted">{words.empty}</p>
          ) : (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
            <section class="table plain" tabIndex={0} aria-label={words.title}>
              <table>
                <thead>
                  <tr>
                    <th class="r">{words.version}</th>
                    <th>{words.committed}</th>
                    <th>{words.sent}</th>
                    <th>{words.applied}</th>
                    <th>{words.acked}</th>
                    <th>{words.shown}</th>
                    <th>{words.request}</th>
                  </tr>
                </thead>
                <tbody>
                  {versions.map(({ version, requestId, committedAt, sentAt, appliedAt, ackedAt, shownAt }) => (
                    <tr key={version}>
                      <td class="r">{version}</td>
                      <td>{format.value.dayTime(committedAt, now.value)}</td>
                      <td>{time(sentAt)}</td>
                      <td>{time(appliedAt)}</td>
                      <td>{time(ackedAt)}</td>
                      <td>{time(shownAt)}</td>
                      <td>{requestId ? <code>{requestId}</code> : '–'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )
        }
      </Loaded>
    </section>
  );
}
