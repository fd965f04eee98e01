/** A day of the shop, `from` inclusive and `to` exclusive, in milliseconds since 1970. */
export type LocalDay = { readonly date: string; readonly from: number; readonly to: number };

/** Tells how far the zone's wall clock is ahead of UTC at a moment, in milliseconds. */
function zoneOffset(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const parts = format.formatToParts(at);
    const read = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
    const wall = Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'));
    return wall - Math.floor(at / 1000) * 1000;
  };
}

/**
 * The next days of a shop, today first, each from its own midnight, so that a day may have 23 or 25 hours.
 * @param timeZone IANA name
 */
export function localDays(now: number, count: number, timeZone: string): LocalDay[] {
  const dayMs = 86_400_000;
  const offset = zoneOffset(timeZone);
  const dayOf = (at: number): number => Math.floor((at + offset(at)) / dayMs) * dayMs;
  // A zone may skip its midnight or pass it twice (Brazil changed its clocks at midnight until 2019), so the day begins at
  // the earlier of the two moments that the offsets around it give, if that one lies in the day, else at the later.
  const midnight = (wall: number): number => {
    const [one, other] = [wall - offset(wall - dayMs), wall - offset(wall + dayMs)];
    const earlier = Math.min(one, other);
    return dayOf(earlier) === wall ? earlier : Math.max(one, other);
  };
  const today = dayOf(now);
  return Array.from({ length: count }, (_, index) => {
    const wall = today + index * dayMs;
    return { date: new Date(wall).toISOString().slice(0, 10), from: midnight(wall), to: midnight(wall + dayMs) };
  });
}
