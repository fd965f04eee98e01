import type { Locale } from './i18n.ts';

/** A moment as the API sends it (ISO 8601 or milliseconds since 1970, UTC) or as the browser holds it. */
export type Instant = string | number | Date;

export type Formatters = {
  /** Integer cents to `R$ 1.234,50`. */
  readonly money: (cents: number) => string;
  /** Cents without the currency, for a field: `1.234,50`. */
  readonly moneyPlain: (cents: number) => string;
  readonly number: (value: number, maximumFractionDigits?: number) => string;
  readonly percent: (ratio: number) => string;
  /** `25/11/2026`. */
  readonly date: (instant: Instant) => string;
  /** `qua 25/11`; the year appears when it is not this one. */
  readonly day: (instant: Instant, now?: Instant) => string;
  /** `14:02`. */
  readonly time: (instant: Instant) => string;
  /** `14:02:41`. */
  readonly clock: (instant: Instant) => string;
  /** `qua 25/11, 17:00`, or `hoje 17:00` when it is today. */
  readonly dayTime: (instant: Instant, now?: Instant) => string;
  /** `Segunda-feira, 23 de novembro`. */
  readonly longDay: (instant: Instant) => string;
  /** `há 2 min`, `em 3 dias`, `agora`. */
  readonly ago: (instant: Instant, now: Instant) => string;
  /** Bytes to `4,2 MB`. */
  readonly bytes: (bytes: number) => string;
  /** Milliseconds to `1 h 12`, `6 min`, `41 s`. */
  readonly duration: (ms: number) => string;
  /** Calendar days from `now` to `instant` in the zone of the shop: 0 today, −1 yesterday. */
  readonly daysUntil: (instant: Instant, now: Instant) => number;
};

const WORDS = {
  'pt-BR': { today: 'hoje', yesterday: 'ontem', now: 'agora' },
  en: { today: 'today', yesterday: 'yesterday', now: 'now' },
} as const;

const RELATIVE_STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** Digits of a money field to integer cents; null when it is no amount. Accepts `1.234,50`, `1234,5`, `1234`, `R$ 10`. */
export function parseMoney(text: string): number | null {
  const clean = text.replace(/[R$\s\u00a0]/g, '');
  if (clean === '') return null;
  // Thousands are grouped by one separator throughout; the other one, or either when nothing is grouped, is the decimal.
  const match = /^(?:(\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*)|(\d+))(?:([.,])(\d{1,2}))?$/.exec(clean);
  if (!match || (match[2] !== undefined && match[2] === match[4])) return null;
  const units = Number((match[1] ?? match[3] ?? '').replace(/[.,]/g, ''));
  const cents = Number((match[5] ?? '').padEnd(2, '0'));
  const total = units * 100 + cents;
  return Number.isSafeInteger(total) ? total : null;
}

/** All formatters for one language and one IANA zone; built once per change of either, since `Intl` objects are dear. */
export function createFormatters(locale: Locale, timeZone?: string): Formatters {
  const zone = timeZone === undefined ? {} : { timeZone };
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, ...zone });
  const currency = new Intl.NumberFormat(locale, { style: 'currency', currency: 'BRL' });
  const plain = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const percentage = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(locale, { style: 'short', numeric: 'always' });
  const fullDate = make({ day: '2-digit', month: '2-digit', year: 'numeric' });
  const shortDate = make({ day: '2-digit', month: '2-digit' });
  const weekday = make({ weekday: 'short' });
  const hourMinute = make({ hour: 'numeric', minute: '2-digit', hourCycle: 'h23' });
  const hourMinuteSecond = make({ hour: 'numeric', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const long = make({ weekday: 'long', day: 'numeric', month: 'long' });
  const words = WORDS[locale];

  // The number of a calendar day in the zone: two instants on the same wall-clock day share it, whatever the offset.
  const parts = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', ...zone });
  const dayNumber = (instant: Instant) =>
    Math.round(Date.parse(`${parts.format(toDate(instant))}T00:00:00Z`) / 86_400_000);
  const daysUntil = (instant: Instant, now: Instant) => dayNumber(instant) - dayNumber(now);

  const number = (value: number, maximumFractionDigits = 1) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits }).format(value);
  const time = (instant: Instant) => hourMinute.format(toDate(instant));
  const day = (instant: Instant, now: Instant = Date.now()) => {
    const at = toDate(instant);
    const near = Math.abs(daysUntil(at, now)) < 300;
    return near ? `${weekday.format(at).replace('.', '').toLowerCase()} ${shortDate.format(at)}` : fullDate.format(at);
  };

  return {
    money: (cents) => currency.format(cents / 100),
    moneyPlain: (cents) => plain.format(cents / 100),
    number,
    percent: (ratio) => percentage.format(ratio),
    date: (instant) => fullDate.format(toDate(instant)),
    day,
    time,
    clock: (instant) => hourMinuteSecond.format(toDate(instant)),
    dayTime: (instant, now = Date.now()) => {
      const distance = daysUntil(instant, now);
      if (distance === 0) return `${words.today} ${time(instant)}`;
      if (distance === -1) return `${words.yesterday} ${time(instant)}`;
      return `${day(instant, now)}, ${time(instant)}`;
    },
    longDay: (instant) => capitalise(long.format(toDate(instant))),
    ago: (instant, now) => {
      const ms = toDate(instant).getTime() - toDate(now).getTime();
      for (const [unit, size] of RELATIVE_STEPS) {
        const count = Math.trunc(ms / size);
        // The short style ends in a dot ("há 2 min."), which the chip's fixed wording does not have.
        if (count !== 0)
          return relative
            .format(count, unit)
            .replace(/\.$/, '')
            .replace(/(min|h)\. /, '$1 ');
      }
      return words.now;
    },
    bytes: (bytes) => {
      const mega = bytes / 1_048_576;
      if (mega >= 1024) return `${number(mega / 1024)} GB`;
      return mega >= 1 ? `${number(mega)} MB` : `${number(Math.ceil(bytes / 1024), 0)} KB`;
    },
    duration: (ms) => {
      const seconds = Math.max(0, Math.round(ms / 1000));
      if (seconds < 60) return `${seconds} s`;
      const minutes = Math.floor(seconds / 60);
      if (minutes < 60) return `${minutes} min`;
      const hours = Math.floor(minutes / 60);
      if (hours >= 48) return `${Math.floor(hours / 24)} d`;
      return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${String(minutes % 60).padStart(2, '0')}`;
    },
    daysUntil,
  };
}

/** `(47) 99812-4470` from E.164 or bare digits; anything that is no Brazilian number comes back as it was. */
export function formatPhone(phone: string): string {
  const digits = phone.replace(/\D/g, '').replace(/^55(?=\d{10,11}$)/, '');
  const match = /^(\d{2})(\d{4,5})(\d{4})$/.exec(digits);
  return match ? `(${match[1]}) ${match[2]}-${match[3]}` : phone;
}

/** The two letters of an avatar: first and last name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0]?.[0] ?? '?';
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? '') : (words[0]?.[1] ?? '');
  return (first + last).toUpperCase();
}

function toDate(instant: Instant): Date {
  return instant instanceof Date ? instant : new Date(instant);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
