import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';
import type { IconName } from './icon-names.ts';

export type NoticeProps = {
  readonly tone?: 'run' | 'warn' | 'bad';
  readonly icon: IconName;
  readonly title?: string | undefined;
  readonly children?: ComponentChildren;
  /** A button at the end. */
  readonly action?: ComponentChildren;
};

/** A message inside the page: what happened, what was kept, what to do. A bad one is announced at once. */
export function Notice({ tone, icon, title, children, action }: NoticeProps) {
  return (
    <div class={tone ? `notice ${tone}` : 'notice'} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div>
        {title ? <b>{title}</b> : null}
        {title && children ? <br /> : null}
        {children}
      </div>
      {action}
    </div>
  );
}
