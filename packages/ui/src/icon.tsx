import type { IconName } from './icon-names.ts';
// A file of its own: inlined it would be copied into each script that draws an icon.
import sprite from './icons.svg?no-inline';

/** A picture from the sprite. It is decoration: the word beside it, or the `aria-label` of its button, says the same. */
export function Icon({ name, size }: { readonly name: IconName; readonly size?: 'sm' | 'lg' | 'xl' }) {
  return (
    <svg class={size ? `i ${size}` : 'i'} aria-hidden="true">
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
