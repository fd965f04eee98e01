import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';
import type { IconName } from './icon-names.ts';

/** An empty list teaches: a picture, one sentence, one way on. */
export function Empty({
  icon,
  title,
  text,
  children,
  isPage = false,
}: {
  readonly icon: IconName;
  readonly title: string;
  readonly text?: string;
  readonly children?: ComponentChildren;
  /** True when this is the whole page: then its title is the page's. */
  readonly isPage?: boolean;
}) {
  return (
    <div class="empty">
      <Icon name={icon} />
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      {text ? <p>{text}</p> : null}
      {children}
    </div>
  );
}
