import type { SyncPage } from '@sgp/shared/api/shop';
import { limits } from '@sgp/shared/limits';
import type { SyncStatus } from '@sgp/shared/sync';
import { Fragment } from 'preact';
import { useApp } from '../app-context.ts';
import { useErrorText } from './failure.tsx';

type PartProps = { readonly page: SyncPage; readonly status: SyncStatus };

/** What waits to come down; null: nobody knows at this moment, because the Core did not answer lately. */
export function pendingDown(
  { cursor, head, lastAnswerAt }: Pick<SyncPage['down'], 'cursor' | 'head' | 'lastAnswerAt'>,
  now: number,
): number | null {
  const isFresh = lastAnswerAt !== null && now - lastAnswerAt <= limits.syncOkMaxAckAgeMs;
  return head === null || !isFresh ? null : Math.max(0, head - cursor);
}

/** The figures of the exchange: what goes up, lane by lane, and what comes down. */
export function Directions({ page, status }: PartProps) {
  const { t, format, now } = useApp();
  const { sync: words, syncFigures: figures } = t.value;
  const textOf = useErrorText();
  const { number, dayTime } = format.value;
  const count = (value: number) => number(value, 0);
  const when = (at: number | null, never: string) => (at === null ? never : dayTime(at, now.value));
  const down = status.down ?? page.down;
  const waits = pendingDown(down, now.value);
  const up = figures.upText(status.pendingChanges, count(status.pendingChanges));
  return (
    <section class="panel" aria-labelledby="direcoes">
      <header>
        <h2 id="direcoes">{figures.ways}</h2>
      </header>
      <dl class="in facts">
        <dt>{words.lastConfirmed}</dt>
        <dd>{when(status.lastAckAt, words.cloudNever)}</dd>
        <dt>{words.receipt}</dt>
        <dd>
          {page.receipt
            ? words.receiptAt(
                dayTime(page.receipt.at, now.value),
                count(page.receipt.streams.reduce((sum, { rows }) => sum + rows, 0)),
              )
            : words.receiptNever}
        </dd>
        <dt>{figures.up}</dt>
        <dd>
          {status.oldestPendingAt === null ? up : figures.since(up, dayTime(status.oldestPendingAt, now.value))}
          {status.pendingChanges === 0 ? null : (
            <dl class="facts within">
              {page.lanes.map(({ lane, pending, oldestAt }) => (
                <Fragment key={lane}>
                  <dt>{words.laneNames[lane]}</dt>
                  <dd>
                    {oldestAt === null ? words.laneNone : words.laneWaits(count(pending), dayTime(oldestAt, now.value))}
                  </dd>
                </Fragment>
              ))}
            </dl>
          )}
        </dd>
        <dt>{figures.down}</dt>
        <dd>{waits === null ? figures.downUnknown : figures.downText(waits, count(waits))}</dd>
        <dt>{figures.position}</dt>
        <dd>{figures.positionValue(count(down.cursor), down.head === null ? null : count(down.head))}</dd>
        <dt>{figures.lastAnswer}</dt>
        <dd>{when(down.lastAnswerAt, figures.never)}</dd>
        {down.problem ? (
          <>
            <dt>{figures.problem}</dt>
            <dd>
              {textOf(down.problem.code)} <span class="code t13 muted">{down.problem.code}</span>
            </dd>
          </>
        ) : null}
        <dt>{words.sent}</dt>
        <dd>
          {words.sentValue(
            words.changes(page.totals.changesAcked, count(page.totals.changesAcked)),
            format.value.bytes(page.totals.bytesSent),
          )}
        </dd>
      </dl>
    </section>
  );
}

export function Health({ page, status }: PartProps) {
  const { t, format, now } = useApp();
  const { sync: words, syncFigures: figures } = t.value;
  const { number, bytes, dayTime } = format.value;
  return (
    <section class="panel health" aria-labelledby="saude">
      <header>
        <h2 id="saude">{words.health}</h2>
      </header>
      <dl class="in facts">
        <dt>{words.clock}</dt>
        <dd>
          {status.clockSkewMs === null
            ? words.clockUnknown
            : words.clockSkew(number(Math.abs(status.clockSkewMs) / 1000))}
        </dd>
        {page.disk ? (
          <>
            <dt>{words.disk}</dt>
            <dd>{words.diskFree(bytes(page.disk.freeBytes), bytes(page.disk.totalBytes))}</dd>
          </>
        ) : null}
        {page.shed > 0 ? (
          <>
            <dt>{figures.shed}</dt>
            <dd>{figures.shedValue(page.shed, number(page.shed, 0))}</dd>
          </>
        ) : null}
        <dt>{figures.backup}</dt>
        <dd>{page.backupAt === null ? figures.backupNever : dayTime(page.backupAt, now.value)}</dd>
        <dt>{figures.versions}</dt>
        <dd>{figures.versionsValue(page.versions.shop, page.versions.cloud)}</dd>
        <dt>{words.batches}</dt>
        <dd>{number(page.totals.batches, 0)}</dd>
        <dt>{words.node}</dt>
        <dd>
          <code>{page.nodeId.slice(0, 8)}</code>
        </dd>
      </dl>
    </section>
  );
}
