import type { OrderSnapshot } from '@sgp/shared/order-snapshot';
import type { LinkedOrder } from '../orders/order-store.ts';
import type { PageTexts } from './page-texts.ts';

/** Where the server's text goes; the app's script puts its own screen in this place. */
export const orderMark = '<!--order-->';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character);

/** Puts HTML in the mark's place. A function as replacement: `$&` in an order's text stays what it is. */
export const fillShell = (shell: string, html: string): string => shell.replace(orderMark, () => html);

/** The page of a token that opens nothing: the same for every reason. */
export const renderUnknown = (texts: PageTexts): string =>
  `<main class="order-text" lang="${texts.lang}"><h1>${texts.unknownTitle}</h1><p>${texts.unknownText}</p></main>`;

/** The order's status, dates and items as plain HTML. Everything that came from the shop is escaped. */
export function renderOrder({ snapshot, receivedAt }: LinkedOrder, texts: PageTexts): string {
  const format = createFormat(texts.lang, snapshot.shop.timeZone);
  const { dates } = snapshot;
  const changes = dates.promiseChanges.map(
    ({ from, to, reason }) => `<p>${escapeHtml(texts.promiseChanged(format.day(from), format.day(to), reason))}</p>`,
  );
  const steps = snapshot.timeline.map(
    ({ status, at }) =>
      `<li>${texts.status[status]} <time datetime="${escapeHtml(at)}">${escapeHtml(format.moment(at))}</time></li>`,
  );
  const closed = snapshot.status === 'delivered' || snapshot.status === 'cancelled';
  return [
    `<main class="order-text" lang="${texts.lang}">`,
    `<p role="status"><strong>${texts.status[snapshot.status]}</strong></p>`,
    `<h1>${escapeHtml(texts.title(snapshot.number))}</h1>`,
    `<p>${escapeHtml(texts.greeting(snapshot.customer.firstName))}</p>`,
    `<p>${escapeHtml(texts.stage(snapshot.stage.label))}</p>`,
    closed ? '' : `<p>${escapeHtml(texts.promised(format.day(dates.promisedAt)))}</p>`,
    ...changes,
    `<h2>${texts.timeline}</h2><ol>${steps.join('')}</ol>`,
    `<h2>${texts.items}</h2><ul>${snapshot.items.map((item) => renderItem(item, texts, format)).join('')}</ul>`,
    `<p>${escapeHtml(texts.contact(snapshot.shop.name, snapshot.shop.phone))}</p>`,
    `<p><small>${escapeHtml(texts.updated(format.moment(new Date(receivedAt).toISOString())))}</small></p>`,
    '</main>',
  ].join('');
}

type Format = ReturnType<typeof createFormat>;

function renderItem(item: OrderSnapshot['items'][number], texts: PageTexts, format: Format): string {
  const { description, quantity, unit, produced } = item;
  const done = produced ? ` — ${texts.produced(format.number(produced.good), format.number(produced.total))}` : '';
  return `<li>${escapeHtml(`${format.number(quantity)} ${unit} ${description}${done}`)}</li>`;
}

function createFormat(lang: string, shopTimeZone: string) {
  const timeZone = knownTimeZone(shopTimeZone);
  const day = new Intl.DateTimeFormat(lang, { dateStyle: 'short', timeZone });
  const moment = new Intl.DateTimeFormat(lang, { dateStyle: 'short', timeStyle: 'short', timeZone });
  const number = new Intl.NumberFormat(lang);
  return {
    day: (instant: string) => day.format(new Date(instant)),
    moment: (instant: string) => moment.format(new Date(instant)),
    number: (value: number) => number.format(value),
  };
}

/** The zone is the shop's text; one that this machine does not know must not cost the customer the page. */
function knownTimeZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return 'America/Sao_Paulo';
  }
}
