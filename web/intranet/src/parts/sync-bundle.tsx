import type { Bundle, BundleState } from '@sgp/shared/api/sync';
import { Icon } from '@sgp/ui/icon.tsx';
import type { IconName } from '@sgp/ui/icon-names';
import { StatusChip } from '@sgp/ui/status-chip.tsx';
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api-error.ts';
import { useApp, useResource } from '../app-context.ts';
import { Failure } from './failure.tsx';

type Act = 'making' | 'taking';

/** What waits, carried by hand to the cloud and back, for a shop without Internet. Only for who may act. */
export function ByFile() {
  const { session } = useApp();
  const role = session.value?.user.role;
  return role === 'owner' || role === 'manager' ? <Desk /> : null;
}

function Desk() {
  const { api, t, format, toasts } = useApp();
  const { syncBundle: words } = t.value;
  const resource = useResource('bundle', api.bundle, (name) => name === 'sync.status');
  const [busy, setBusy] = useState<Act | null>(null);
  const [failure, setFailure] = useState<{ readonly act: Act; readonly error: ApiError } | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const state = resource.data.value;
  if (state === undefined) return null;

  async function run(act: Act, work: () => Promise<string>) {
    setBusy(act);
    setFailure(null);
    try {
      const text = await work();
      toasts.show({ icon: 'ok', text });
    } catch (cause) {
      setFailure({ act, error: asApiError(cause) });
    }
    await resource.refresh();
    setBusy(null);
  }
  const make = () =>
    run('making', async () => {
      const bundle = await api.makeBundle();
      download(api.bundleFileUrl(bundle.bundleId));
      return words.made;
    });
  const take = (file: File) =>
    run('taking', async () => {
      const { settled, parked, pending } = await api.settleBundle(file);
      const figure = (count: number) => format.value.number(count, 0);
      return `${words.taken}. ${words.outcome(figure(settled), figure(parked), figure(pending))}`;
    });

  return (
    <section class="panel by-file" aria-labelledby="por-arquivo">
      <header>
        <h2 id="por-arquivo">{words.title}</h2>
        <span class="push muted t13">{words.waiting(state.pending, format.value.number(state.pending, 0))}</span>
      </header>
      <p class="in t14 muted">{words.text}</p>
      {failure ? (
        <Failure error={failure.error} title={failure.act === 'making' ? words.makeFailed : words.takeFailed} />
      ) : null}
      <ol class="rows">
        <Step icon="baixar" title={words.make} text={words.makeText}>
          <button
            class="btn small"
            type="button"
            aria-busy={busy === 'making'}
            disabled={busy !== null || state.pending === 0}
            onClick={() => void make()}
          >
            <Icon name="baixar" size="sm" />
            {busy === 'making' ? words.making : words.makeButton}
          </button>
        </Step>
        <Step icon="nuvem-sobe" title={words.carry} text={words.carryText}>
          <code class="code">npm run bundle -- import {state.bundle?.fileName ?? 'sgp.sgp'}</code>
        </Step>
        <Step icon="enviar" title={words.bringBack} text={words.bringBackText}>
          <button
            class="btn small"
            type="button"
            aria-busy={busy === 'taking'}
            disabled={busy !== null || state.bundle === null}
            onClick={() => picker.current?.click()}
          >
            <Icon name="enviar" size="sm" />
            {busy === 'taking' ? words.taking : words.bringBackButton}
          </button>
          <input
            ref={picker}
            class="sr"
            type="file"
            tabIndex={-1}
            aria-label={words.bringBackButton}
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file) void take(file);
              event.currentTarget.value = '';
            }}
          />
        </Step>
      </ol>
      {state.bundle ? <Last bundle={state.bundle} pending={state.pending} /> : null}
    </section>
  );
}

type StepProps = {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  readonly children: ComponentChildren;
};

const Step = ({ icon, title, text, children }: StepProps) => (
  <li>
    <Icon name={icon} />
    <span class="grow">
      <b>{title}</b> <span class="muted">{text}</span>
    </span>
    <span class="act">{children}</span>
  </li>
);

function Last({ bundle, pending }: { readonly bundle: Bundle; readonly pending: BundleState['pending'] }) {
  const { api, t, format, now } = useApp();
  const { syncBundle: words } = t.value;
  const figure = (count: number) => format.value.number(count, 0);
  const { changes, bytes, createdAt, settledAt, settled, parked } = bundle;
  return (
    <div class="last" role="status">
      <span class="grow">
        <span class="t13 muted">{words.last}</span>
        <br />
        <b class="code">{bundle.fileName}</b>
        <br />
        <span class="t13 muted">
          {words.lastText(
            changes,
            figure(changes),
            format.value.bytes(bytes),
            format.value.dayTime(createdAt, now.value),
          )}
        </span>
        {bundle.complete || settledAt !== null ? null : (
          <>
            <br />
            <span class="t13">{words.partial}</span>
          </>
        )}
        {settledAt === null ? null : (
          <>
            <br />
            <span class="t14">{words.outcome(figure(settled ?? 0), figure(parked ?? 0), figure(pending))}</span>
          </>
        )}
      </span>
      <span class="act">
        {settledAt === null ? (
          <StatusChip tone="warn" icon="espera" text={words.awaits} />
        ) : (
          <StatusChip tone="ok" icon="ok" text={words.confirmed} />
        )}
        {bundle.kept && settledAt === null ? (
          <a class="btn small quiet" href={api.bundleFileUrl(bundle.bundleId)} download>
            <Icon name="baixar" size="sm" />
            {words.download}
          </a>
        ) : null}
      </span>
    </div>
  );
}

function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
