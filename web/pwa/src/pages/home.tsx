import { Icon } from '@sgp/ui/icon.tsx';
import { Logo } from '@sgp/ui/logo.tsx';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useApp } from '../app-context.ts';
import { orderPath, tokenInText } from '../logic/address.ts';
import { forgetPhotos } from '../logic/kept-photos.ts';
import { InstallButton } from '../parts/install-button.tsx';

/** For people without a link at hand: the orders of this device, and a field for the link. */
export function Home() {
  const { t, saved } = useApp();
  const { home, appTitle, order, headline } = t.value;
  const [orders, setOrders] = useState(() => saved.all());
  const [forgotten, setForgotten] = useState(false);
  useEffect(() => {
    document.title = appTitle;
  }, [appTitle]);
  const forget = () => {
    saved.forgetAll();
    void forgetPhotos(orders.flatMap((each) => each.order.media.map(({ mediaId }) => mediaId)));
    setOrders([]);
    setForgotten(true);
  };
  return (
    <main class="pwa-gate">
      <div class="stack">
        <Logo />
        <h1>{home.title}</h1>
        <p class="muted">{home.text}</p>
      </div>
      {orders.length > 0 ? (
        <section class="stack tight" aria-labelledby="saved">
          <h2 id="saved">{home.saved}</h2>
          {orders.map(({ token, order: each }) => (
            <a class="choice" href={orderPath(token)} key={token}>
              <span class="grow">
                <b>{headline[each.status]}</b>
                <small>
                  {each.shop.name} · {order(each.number)}
                </small>
              </span>
              <Icon name="direita" />
            </a>
          ))}
        </section>
      ) : null}
      <PasteLink />
      <div class="stack tight">
        <InstallButton />
        {orders.length > 0 ? (
          <button class="btn quiet block" type="button" onClick={forget}>
            {home.forget}
          </button>
        ) : null}
        <p class="t13 muted center" role="status">
          {forgotten ? home.forgotten : null}
        </p>
      </div>
    </main>
  );
}

function PasteLink() {
  const { t } = useApp();
  const { home } = t.value;
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [invalid, setInvalid] = useState(false);
  const open = (event: Event) => {
    event.preventDefault();
    const token = tokenInText(text);
    if (token) route(orderPath(token));
    else setInvalid(true);
  };
  return (
    <form class="stack" onSubmit={open} noValidate>
      <div class="field">
        <label for="link">{home.label}</label>
        <div class="input">
          <input
            id="link"
            type="text"
            inputMode="url"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={text}
            aria-invalid={invalid}
            aria-describedby="link-help"
            onInput={(event) => {
              setText(event.currentTarget.value);
              setInvalid(false);
            }}
          />
        </div>
        <p id="link-help" class={invalid ? 'error' : 'hint'} role={invalid ? 'alert' : undefined}>
          {invalid ? <Icon name="alerta" /> : null}
          {invalid ? home.invalid : home.hint}
        </p>
      </div>
      <button class="btn primary block" type="submit">
        {home.submit}
      </button>
    </form>
  );
}
