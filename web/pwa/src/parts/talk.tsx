import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { Icon } from '@sgp/ui/icon.tsx';
import { useApp } from '../app-context.ts';
import { phoneHref, whatsappHref } from '../logic/contact.ts';

/** How to reach the shop. WhatsApp keeps a message until the signal is back, so both work offline too. */
export function Talk({ order }: { readonly order: TrackedOrder }) {
  const { t } = useApp();
  const { contact } = t.value;
  const whatsapp = whatsappHref(order.shop, contact.message(order.firstName, order.number));
  const phone = phoneHref(order.shop);
  if (!whatsapp && !phone) return null;
  return (
    <section class="pwa-act" aria-label={contact.title}>
      {whatsapp ? (
        <a class="btn primary" href={whatsapp} target="_blank" rel="noreferrer">
          <Icon name="whats" />
          {contact.whatsapp}
        </a>
      ) : null}
      {phone ? (
        <a class={whatsapp ? 'btn' : 'btn primary'} href={phone}>
          <Icon name="telefone" />
          {contact.call}
        </a>
      ) : null}
    </section>
  );
}
