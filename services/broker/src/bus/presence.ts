import type { Online } from '@sgp/shared/floor-messages';
import { topics } from '@sgp/shared/topics';
import type { Connection, EndReason } from '../front/connections.ts';

/**
 * Keeps the retained `sgp/{est}/{device}/online` true: written by the broker alone, from what it sees, so that a machine
 * that dies without a word is offline too.
 */
export type Presence = {
  connected(connection: Connection): void;
  ended(connection: Connection): void;
  /** At the broker's start every registered machine is offline until it connects. */
  started(devices: readonly string[]): void;
};

export function createPresence(deps: {
  readonly est: string;
  readonly publish: (topic: string, message: Online, options: { readonly retain: boolean }) => void;
  /** False for a machine that was removed: nothing of it stays retained. */
  readonly isRegistered: (username: string) => boolean;
}): Presence {
  const say = (device: string, online: boolean, reason: EndReason | 'broker-started' | null, retain: boolean): void => {
    const message: Online = { online, at: Date.now(), ...(reason === null ? {} : { reason }) };
    deps.publish(topics.online(deps.est, device), message, { retain });
  };
  return {
    connected({ identity }) {
      if (identity?.kind === 'device') say(identity.device, true, null, true);
    },
    ended({ identity, endReason }) {
      if (identity?.kind === 'device')
        say(identity.device, false, endReason ?? 'connection-lost', deps.isRegistered(identity.username));
    },
    started(devices) {
      for (const device of devices) say(device, false, 'broker-started', true);
    },
  };
}
