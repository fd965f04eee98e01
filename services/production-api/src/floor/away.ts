export type AwayWindow = { readonly from: number; readonly to: number };

/**
 * Since when, and until when, nobody read the floor's messages for the last time: the broker kept them meanwhile, and
 * their age then says nothing about a machine's clock. Times in milliseconds since 1970.
 */
export type Away = {
  /** A batch was stored. */
  heard(at: number): void;
  /** The subscriptions stand again. */
  back(at: number): void;
  window(now: number): AwayWindow | null;
};

/**
 * @param lastHeardAt when any machine was heard before this process began; null when never
 * @param connected do the subscriptions stand? The broker may send what it kept before it confirms them
 */
export function createAway(lastHeardAt: number | null, connected: () => boolean): Away {
  let heardAt = lastHeardAt;
  let last: AwayWindow | null = null;
  const until = (to: number): AwayWindow | null => (heardAt === null ? null : { from: heardAt, to });
  return {
    heard(at) {
      if (connected()) heardAt = at;
    },
    back(at) {
      last = until(at);
    },
    window: (now) => (connected() ? last : until(now)),
  };
}
