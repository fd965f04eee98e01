import type { Prefs } from '../prefs.ts';
import type { OrderDraft } from './order-form.ts';

/** Drafts outlive a closed tab, an ended session and a server that is away; they stay in this browser. */

export function loadDraft(prefs: Pick<Prefs, 'read'>, name: string): OrderDraft | null {
  const text = prefs.read(`draft.${name}`);
  if (text === null) return null;
  try {
    const draft: unknown = JSON.parse(text);
    return isDraft(draft) ? draft : null;
  } catch {
    return null;
  }
}

export function saveDraft(prefs: Pick<Prefs, 'write'>, name: string, draft: OrderDraft): void {
  prefs.write(`draft.${name}`, JSON.stringify(draft));
}

export function clearDraft(prefs: Pick<Prefs, 'write'>, name: string): void {
  prefs.write(`draft.${name}`, null);
}

/** A draft that an older screen wrote may have another shape: then it is no draft. */
function isDraft(value: unknown): value is OrderDraft {
  if (typeof value !== 'object' || value === null) return false;
  const draft = value as Partial<Record<keyof OrderDraft, unknown>>;
  const texts = ['orderId', 'promisedDay', 'promisedTime', 'discount', 'paid', 'note'] as const;
  return (
    Array.isArray(draft.items) &&
    draft.items.length > 0 &&
    typeof draft.version === 'number' &&
    texts.every((name) => typeof draft[name] === 'string')
  );
}
