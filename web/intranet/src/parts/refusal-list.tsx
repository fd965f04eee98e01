import type { Refusals } from '@sgp/shared/api/machines';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import { useErrorText } from './failure.tsx';

const LAST_MAX = 6;

/** What was refused and why: counted by reason, then the last ones with what they sent. */
export function RefusalList({
  refusals,
  showsUser = false,
}: {
  readonly refusals: Refusals;
  readonly showsUser?: boolean;
}) {
  const { t, format, now } = useApp();
  const { machines: words } = t.value;
  const errorText = useErrorText();
  return (
    <div class="rows refusals">
      {refusals.counts.map(({ code, count, lastAt }) => (
        <div key={code}>
          <Icon name="bloqueio" size="sm" />
          <span class="grow">
            {errorText(code)} <span class="faint code">{code}</span>
          </span>
          <span class="muted t13">
            {words.refusalsCount(count, format.value.number(count, 0), format.value.ago(lastAt, now.value))}
          </span>
        </div>
      ))}
      {refusals.last.slice(0, LAST_MAX).map((one, index) => (
        <div key={`${one.at}-${index}`} class="refusal-detail">
          <span class="num muted">{format.value.clock(one.at)}</span>
          <span class="grow">
            {showsUser ? <b>{one.username ? words.unknownUser(one.username) : words.unknownNobody} </b> : null}
            {one.topic ? <code>{one.topic}</code> : null}{' '}
            {one.excerpt ? <code class="excerpt">{one.excerpt}</code> : null}
            {one.sizeBytes !== null && one.sizeBytes > 0 ? (
              <span class="muted"> {words.tooBig(format.value.bytes(one.sizeBytes))}</span>
            ) : null}
          </span>
          <span class="faint code">{one.code}</span>
        </div>
      ))}
    </div>
  );
}
