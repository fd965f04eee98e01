import { formatPhone } from '@sgp/ui/format';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { phoneHref, type ShopContact, whatsappHref } from '../logic/contact.ts';

/** The same page whatever killed the link. Whom to ask is known only where this device once showed the order. */
export function DeadLink({ shop }: { readonly shop: ShopContact | null }) {
  const { t } = useApp();
  const { dead, contact, appTitle } = t.value;
  useEffect(() => {
    document.title = `${dead.title} · ${appTitle}`;
  }, [dead, appTitle]);
  const whatsapp = shop ? whatsappHref(shop, contact.askLink) : null;
  const phone = shop ? phoneHref(shop) : null;
  return (
    <main class="pwa-gate">
      <div class="empty">
        <Icon name="link" />
        <h1>{dead.title}</h1>
        <p>{dead.text}</p>
      </div>
      <div class="stack tight">
        {whatsapp ? (
          <a class="btn primary block" href={whatsapp} rel="noreferrer">
            <Icon name="whats" />
            {dead.whatsapp}
          </a>
        ) : null}
        {phone && shop ? (
          <a class="btn block" href={phone}>
            <Icon name="telefone" />
            {formatPhone(shop.phone)}
          </a>
        ) : null}
        <a class={shop ? 'btn quiet block' : 'btn block'} href="/">
          {dead.home}
        </a>
      </div>
      {shop ? <p class="t13 muted center">{shop.name}</p> : null}
    </main>
  );
}
