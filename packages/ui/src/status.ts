import type { IconName } from './icon-names.ts';

/**
 * The tones of a status. `run` goes on, `ok` is fine, `warn` wants a look today, `bad` wants an act now,
 * `unknown` is drawn in stripes because nobody knows, `none` is neutral. A tone never comes without icon and word.
 */
export type Tone = 'run' | 'ok' | 'warn' | 'bad' | 'unknown' | 'none';

export type Status = { readonly tone: Tone; readonly icon: IconName; readonly text: string };
