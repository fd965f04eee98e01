import { readFileSync } from 'node:fs';

/**
 * Loaded before a service: its wall clock is off by the milliseconds in the file that the query names, read again at each
 * SIGUSR2. The monotonic clock goes on, as when somebody sets the time of a computer.
 */
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const RealDate = Date;
let shiftMs = 0;

const read = (): void => {
  shiftMs = Number(readFileSync(file, 'utf8'));
};
read();
process.on('SIGUSR2', read);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, self) =>
    Reflect.construct(target, values.length === 0 ? [RealDate.now() + shiftMs] : values, self),
  get: (target, name) => (name === 'now' ? () => RealDate.now() + shiftMs : Reflect.get(target, name)),
});
