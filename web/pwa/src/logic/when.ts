import type { Locale } from '@sgp/ui/i18n';

/** The days of an order as a customer says them, in the shop's time zone. */
export type When = {
  /** `quarta, 25/11, 17 h`; `hoje, 25/11, 17 h`; without the hour when it is midnight, which nobody promises. */
  promise(instant: string, now: number): string;
  /** `quarta, 25/11`. */
  day(instant: string, now: number): string;
  /** `hoje, 8:14`; `qui 12/11, 15:20`. */
  moment(instant: string | number, now: number): string;
  /** A photo's date: `hoje, 8:49` or `20/11`. */
  short(instant: string, now: number): string;
  /** `14:02`. */
  clock(instant: number): string;
  /** Calendar days from now: 0 today, −1 yesterday. */
  daysUntil(instant: string | number, now: number): number;
};

const near = {
  'pt-BR': { today: 'hoje', yesterday: 'ontem', tomorrow: 'amanhã' },
  en: { today: 'today', yesterday: 'yesterday', tomorrow: 'tomorrow' },
} as const;
const fallbackZone = 'America/Sao_Paulo';

/** @param zone IANA name, as the shop wrote it; one that this phone does not know must not cost the page */
export function createWhen(locale: Locale, zone: string): When {
  const timeZone = knownZone(zone);
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone });
  const longWeekday = make({ weekday: 'long' });
  const shortWeekday = make({ weekday: 'short' });
  const dayMonth = make(locale === 'en' ? { day: 'numeric', month: 'short' } : { day: '2-digit', month: '2-digit' });
  const full = make({ day: '2-digit', month: '2-digit', year: 'numeric' });
  const hourMinute = make({ hour: 'numeric', minute: '2-digit', hourCycle: 'h23' });
  const calendar = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone });
  const words = near[locale];

  const dayNumber = (instant: number): number =>
    Math.round(Date.parse(`${calendar.format(instant)}T00:00:00Z`) / 86_400_000);
  const ms = (instant: string | number): number => (typeof instant === 'number' ? instant : Date.parse(instant));
  const daysUntil: When['daysUntil'] = (instant, now) => dayNumber(ms(instant)) - dayNumber(now);
  const relative = (distance: number): string | null =>
    ({ '-1': words.yesterday, '0': words.today, '1': words.tomorrow })[String(distance)] ?? null;
  const date = (at: number, now: number): string =>
    Math.abs(daysUntil(at, now)) < 300 ? dayMonth.format(at) : full.format(at);
  const clock = (at: number): string => hourMinute.format(at);
  const hour = (at: number): string => {
    const text = clock(at);
    return locale === 'pt-BR' && text.endsWith(':00') ? `${text.slice(0, -3)} h` : text;
  };
  const day: When['day'] = (instant, now) => {
    const at = ms(instant);
    const name = relative(daysUntil(at, now)) ?? longWeekday.format(at).replace('-feira', '');
    return `${name}, ${date(at, now)}`;
  };
  return {
    daysUntil,
    clock,
    day,
    promise: (instant, now) => {
      const at = ms(instant);
      return clock(at) === '0:00' || clock(at) === '00:00' ? day(instant, now) : `${day(instant, now)}, ${hour(at)}`;
    },
    moment: (instant, now) => {
      const at = ms(instant);
      const distance = daysUntil(at, now);
      const name = distance === 1 ? null : relative(distance);
      return `${name ?? `${shortWeekday.format(at).replace('.', '').toLowerCase()} ${date(at, now)}`}, ${clock(at)}`;
    },
    short: (instant, now) => {
      const at = ms(instant);
      return daysUntil(at, now) === 0 ? `${words.today}, ${clock(at)}` : date(at, now);
    },
  };
}

function knownZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return fallbackZone;
  }
}
