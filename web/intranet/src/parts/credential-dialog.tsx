import type { MachineCredential } from '@sgp/shared/api/machines';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useApp } from '../app-context.ts';
import { mosquittoSnippet } from '../logic/machine-status.ts';
import { CopyButton } from './copy-button.tsx';
import { useMachine } from './use-machines.ts';

/** The secret, this once, with a line that works as pasted; below, the proof that it worked. */
export function CredentialDialog({
  made,
  onClose,
}: {
  readonly made: MachineCredential;
  readonly onClose: () => void;
}) {
  const { t, format, now } = useApp();
  const { route } = useLocation();
  const { machines: words } = t.value;
  const { credential, machine } = made;
  const [startedAt] = useState(() => now.peek());
  const live = useMachine(machine.machineId);
  const lastMessageAt = live.data.value?.lastMessageAt ?? null;
  const arrived = lastMessageAt !== null && lastMessageAt >= startedAt - 2_000 ? lastMessageAt : null;
  const snippet = mosquittoSnippet(credential, startedAt);
  const rows: readonly (readonly [string, string])[] = [
    [words.credential.host, credential.host],
    [words.credential.port, String(credential.port)],
    [words.credential.user, credential.username],
    [words.credential.clientId, credential.clientId],
    [words.credential.password, credential.password],
    [words.credential.topic, credential.topicPrefix],
  ];
  return (
    <Dialog
      title={words.credentialTitle(machine.name)}
      onClose={onClose}
      wide
      footer={
        <>
          <button class="btn" type="button" onClick={onClose}>
            {words.copiedAll}
          </button>
          <button
            class="btn primary"
            type="button"
            onClick={() => {
              onClose();
              route(`/maquinas/${machine.machineId}`);
            }}
          >
            {words.goToMachine}
          </button>
        </>
      }
    >
      <Notice tone="warn" icon="chave">
        {words.credentialOnce}
      </Notice>
      {made.enforced ? null : (
        <Notice tone="warn" icon="espera">
          {words.credentialWaits}
        </Notice>
      )}
      <dl class="credential">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <code>{value}</code>
              <CopyButton text={value} label={words.copyWhat(label)} isSquare />
            </dd>
          </div>
        ))}
      </dl>
      <div class="stack tight">
        <div class="line apart">
          <h3>{words.tryIt}</h3>
          <CopyButton text={snippet} label={t.value.common.copy} />
        </div>
        <p class="hint">{words.tryItText}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
        <pre class="snippet" tabIndex={0}>
          <code>{snippet}</code>
        </pre>
      </div>
      <p class={arrived ? 'line t14' : 'line t14 muted'} role="status">
        <Icon name={arrived ? 'ok-circulo' : 'espera'} />
        {arrived ? words.arrived(format.value.clock(arrived)) : words.waiting}
      </p>
    </Dialog>
  );
}
