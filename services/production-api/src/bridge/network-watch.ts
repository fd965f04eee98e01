import { networkInterfaces } from 'node:os';
import { limits } from '@sgp/shared/limits';

const addresses = (): string =>
  JSON.stringify(
    Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => address),
  );

/** Calls `onChange` when this machine's addresses change: a cable plugged in, another Wi-Fi. Node has no event for it. */
export function watchNetwork(onChange: () => void): Disposable {
  let known = addresses();
  const timer = setInterval(() => {
    const now = addresses();
    if (now === known) return;
    known = now;
    onChange();
  }, limits.outboxPollMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
