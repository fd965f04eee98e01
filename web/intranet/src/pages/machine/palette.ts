/** The tokens as a canvas needs them: resolved to plain colours of the present theme. */
export type Palette = {
  readonly accent: string;
  readonly area: string;
  readonly spread: string;
  readonly line: string;
  readonly faint: string;
  readonly field: string;
  readonly surface: string;
  readonly font: string;
};

/** Custom properties keep `light-dark(…)` unresolved; an element that uses one as its colour shows what it is today. */
export function readPalette(near: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  near.append(probe);
  const resolve = (colour: string) => {
    probe.style.color = colour;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    accent: resolve('var(--accent)'),
    area: resolve('color-mix(in srgb, var(--accent) 9%, transparent)'),
    spread: resolve('color-mix(in srgb, var(--accent) 14%, transparent)'),
    line: resolve('var(--line)'),
    faint: resolve('var(--faint)'),
    field: resolve('var(--field)'),
    surface: resolve('var(--surface)'),
    font: getComputedStyle(near).fontFamily,
  };
  probe.remove();
  return palette;
}
