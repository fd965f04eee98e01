import { Icon } from './icon.tsx';
import type { Status } from './status.ts';

/** Icon, word and colour, always the three. `bare` drops the outline for a table or a card's last line. */
export function StatusChip({
  tone,
  icon,
  text,
  big = false,
  bare = false,
}: Status & { readonly big?: boolean; readonly bare?: boolean }) {
  const classes = ['pill', tone === 'none' ? '' : tone, big ? 'big' : '', bare ? 'bare' : ''];
  return (
    <span class={classes.filter(Boolean).join(' ')}>
      <Icon name={icon} />
      {text}
    </span>
  );
}
