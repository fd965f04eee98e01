import type { Machine, MachineCredential } from '@sgp/shared/api/machines';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { Notice } from '@sgp/ui/notice.tsx';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../../api-error.ts';
import { useApp } from '../../app-context.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Failure } from '../../parts/failure.tsx';

type ConnectionDialogProps = {
  readonly machine: Machine;
  readonly onClose: () => void;
  readonly onMachine: (machine: Machine) => void;
  readonly onMade: (made: MachineCredential) => void;
};

/** How the machine enters, and the two acts that cannot be undone: a new password, no access at all. */
export function ConnectionDialog({ machine, onClose, onMachine, onMade }: ConnectionDialogProps) {
  const { api, toasts, resources, t, format, now } = useApp();
  const { machines: words, common } = t.value;
  const [asking, setAsking] = useState<'none' | 'rotate' | 'revoke'>('none');
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isWaiting, setWaiting] = useState(false);
  const savingOff = useSavingOff();
  const { credential } = machine;
  const skew = machine.clockSkewMs;

  async function run(act: () => Promise<void>) {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    try {
      await act();
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusy(false);
  }
  const rotate = () => run(async () => onMade(await api.rotateCredential(machine.machineId)));
  const revoke = () =>
    run(async () => {
      const { enforced, ...revoked } = await api.revokeCredential(machine.machineId);
      onMachine(revoked);
      void resources.refresh('machines');
      setWaiting(!enforced);
      setAsking('none');
      if (!enforced) return;
      toasts.show({ icon: 'bloqueio', text: words.revokedToast });
      onClose();
    });

  return (
    <Dialog
      title={`${words.connection}: ${machine.name}`}
      onClose={onClose}
      footer={
        asking === 'none' ? (
          <button class="btn" type="button" onClick={onClose}>
            {common.close} <kbd>Esc</kbd>
          </button>
        ) : (
          <>
            <button class="btn" type="button" onClick={() => setAsking('none')}>
              {common.cancel}
            </button>
            <button
              class="btn danger"
              type="button"
              aria-busy={isBusy}
              disabled={savingOff}
              onClick={() => void (asking === 'rotate' ? rotate() : revoke())}
            >
              {asking === 'rotate' ? words.rotate : words.revoke}
            </button>
          </>
        )
      }
    >
      {asking === 'none' ? (
        <>
          {isWaiting ? (
            <Notice tone="warn" icon="espera">
              {words.revokedWaits}
            </Notice>
          ) : null}
          <dl class="facts">
            <dt>{words.user}</dt>
            <dd class="line">
              <code>{machine.username}</code>
              <CopyButton text={machine.username} label={words.copyWhat(words.user)} isSquare />
            </dd>
            <dt>{words.createdAt}</dt>
            <dd>{format.value.dayTime(credential.createdAt, now.value)}</dd>
            {credential.rotatedAt === null ? null : (
              <>
                <dt>{words.rotatedAt}</dt>
                <dd>{format.value.dayTime(credential.rotatedAt, now.value)}</dd>
              </>
            )}
            {skew === null ? null : (
              <>
                <dt>{words.clock}</dt>
                <dd>
                  {Math.abs(skew) < 2_000
                    ? words.clockFine
                    : skew > 0
                      ? words.clockAhead(format.value.duration(skew))
                      : words.clockBehind(format.value.duration(-skew))}
                </dd>
              </>
            )}
          </dl>
          <div class="line wrap">
            <button class="btn" type="button" disabled={savingOff} onClick={() => setAsking('rotate')}>
              <Icon name="chave" />
              {words.rotate}
            </button>
            {credential.revokedAt === null ? (
              <button class="btn danger" type="button" disabled={savingOff} onClick={() => setAsking('revoke')}>
                <Icon name="bloqueio" />
                {words.revoke}
              </button>
            ) : null}
          </div>
        </>
      ) : (
        <p class="t14">{asking === 'rotate' ? words.rotateText : words.revokeText(machine.name)}</p>
      )}
      {failure ? <Failure error={failure} title={common.saveFailed} /> : null}
    </Dialog>
  );
}
