import type { Machine } from '@sgp/shared/api/machines';
import { Icon } from '@sgp/ui/icon.tsx';
import type { IconName } from '@sgp/ui/icon-names';
import { useApp } from '../../app-context.ts';
import { machineStatus, needsLook } from '../../logic/machine-status.ts';

/** The state in words: large while it is stopped or unknown, one line while it runs. */
export function MachineState({ machine }: { readonly machine: Machine }) {
  const { t, format, now } = useApp();
  const { machines: words } = t.value;
  const { icon, title, text, tone } = describe();
  return (
    <section class={`panel machine-state ${tone}`} aria-labelledby="estado">
      {/* Only the state itself is spoken when it changes: its age changes each second. */}
      <span class="sr" role="status">
        {machine.signal === 'online' ? words.state[machine.state ?? 'idle'] : title}
      </span>
      <div class="state">
        <div>
          <h2 id="estado" class="line">
            <Icon name={icon} size="lg" />
            <span>{title}</span>
          </h2>
          <p>{text}</p>
        </div>
        {machine.lastMessageAt !== null ? (
          <span class="push muted t13">{words.lastDataAt(format.value.ago(machine.lastMessageAt, now.value))}</span>
        ) : null}
      </div>
    </section>
  );

  function describe(): {
    readonly icon: IconName;
    readonly title: string;
    readonly text: string;
    readonly tone: string;
  } {
    const chip = machineStatus(machine, now.value, t.value, format.value);
    if (machine.signal === 'revoked')
      return { icon: 'bloqueio', title: words.revoked, text: words.revokedText, tone: 'is-bad' };
    if (machine.signal === 'never')
      return { icon: 'espera', title: words.waitingFirst, text: words.neverText, tone: 'is-unknown' };
    if (machine.signal !== 'online') {
      const since = machine.signalSince ?? machine.lastMessageAt;
      return {
        icon: 'sem-sinal',
        title: since === null ? words.offline : words.signalLostAt(format.value.dayTime(since, now.value)),
        text: words.signalLostText,
        tone: 'is-unknown',
      };
    }
    const word = words.state[machine.state ?? 'idle'];
    const since = machine.stateSince;
    const title = since === null ? word : words.stateFor(word, format.value.duration(now.value - since));
    const reason = machine.stateReason ? words.reason(machine.stateReason) : needsLook(machine) ? words.noReason : '';
    return {
      icon: chip.icon,
      title,
      text: [since === null ? '' : words.sinceTime(format.value.dayTime(since, now.value)), reason]
        .filter(Boolean)
        .join(' '),
      tone: machine.state === 'fault' ? 'is-bad' : machine.state === 'stopped' ? 'is-warn' : 'is-calm',
    };
  }
}
