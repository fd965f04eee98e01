/** Wall clock of an IANA zone to ms since 1970: a guess in UTC, corrected by the zone's own offset twice (for days the clock jumps). */
export function wallClockToMs(day: string, time: string, timeZone: string): number {
  const asUtc = Date.parse(`${day}T${time}:00Z`);
  let guess = asUtc;
  for (let round = 0; round < 2; round++) {
    const seen = msToWallClock(guess, timeZone);
    guess += asUtc - Date.parse(`${seen.day}T${seen.time}:00Z`);
  }
  return guess;
}

export function msToWallClock(ms: number, timeZone: string): { readonly day: string; readonly time: string } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? '';
  return { day: `${part('year')}-${part('month')}-${part('day')}`, time: `${part('hour')}:${part('minute')}` };
}
