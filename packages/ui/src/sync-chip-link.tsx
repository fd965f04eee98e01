import { Icon } from './icon.tsx';
import type { SyncChip } from './sync-chip.ts';

/** The chip in the top bar: a sentence for the desk, a word for the phone, the whole for a screen reader. */
export function SyncChipLink({
  chip,
  href,
  openLabel,
}: {
  readonly chip: SyncChip;
  readonly href: string;
  readonly openLabel: string;
}) {
  const { tone, icon, text, label, details, brief } = chip;
  const quiet = tone === 'ok' || tone === 'none';
  return (
    <a class={`sync ${quiet ? '' : tone}`} href={href} data-state={chip.state}>
      <Icon name={icon} />
      {label ? <span class="wide-only">{label}</span> : null}
      <b class="wide-only">{text}</b>
      <span class="narrow-only sr">{label ?? text}</span>
      <b class="narrow-only">{brief}</b>
      {details.map((detail, index) => (
        <span class={index === 0 ? 'wide-only detail' : 'wide-only detail roomy'} key={detail}>
          {detail}
        </span>
      ))}
      <span class="sr">. {openLabel}</span>
    </a>
  );
}
