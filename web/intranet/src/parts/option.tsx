import type { ComponentChildren } from 'preact';

type OptionProps = {
  readonly id: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly onPoint: () => void;
  readonly children: ComponentChildren;
};

/** One hit below a combobox. The keyboard stays in the field (ARIA 1.2, combobox pattern): arrows choose and Enter takes. */
export function Option({ id, isChosen, onChoose, onPoint, children }: OptionProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above the list has the keys
    <div id={id} role="option" tabIndex={-1} aria-selected={isChosen} onPointerMove={onPoint} onClick={onChoose}>
      {children}
    </div>
  );
}
