import { topics } from '@sgp/shared/topics';
import type { Identity } from './accounts/identity.ts';

/**
 * Who may publish, subscribe and receive what (SECURITY D3; docs/mqtt-topics.md has the table). Everything follows from
 * the identity that the credentials proved; what no rule names is refused.
 */
export type Acl = {
  mayPublish(identity: Identity, topic: string): boolean;
  maySubscribe(identity: Identity, filter: string): boolean;
  mayReceive(identity: Identity, topic: string): boolean;
  /** Machines keep only their state: other retained messages would greet every later subscriber with old news. */
  mayRetain(identity: Identity, topic: string): boolean;
};

export function createAcl(est: string): Acl {
  const root = `sgp/${est}/`;
  const up = (device: string): string => `${root}${device}/up/`;
  const down = (device: string): string => `${root}${device}/down/`;
  const below = (prefix: string, topic: string): boolean => topic.length > prefix.length && topic.startsWith(prefix);
  /** Topics that only their owner writes: a machine its `up/`, the broker `online` and `_bus/refused`. */
  const ownedByOthers = (topic: string): boolean =>
    topic === topics.refused(est) || /^[^_/][^/]*\/(up\/.*|online)$/.test(topic.slice(root.length));
  return {
    mayPublish: (identity, topic) =>
      identity.kind === 'device' ? below(up(identity.device), topic) : below(root, topic) && !ownedByOthers(topic),
    // The prefix holds no wildcard, so whatever wildcard follows it stays below it.
    maySubscribe: (identity, filter) => below(identity.kind === 'device' ? down(identity.device) : root, filter),
    mayReceive: (identity, topic) => below(identity.kind === 'device' ? down(identity.device) : root, topic),
    mayRetain: (identity, topic) => identity.kind === 'service' || topic === topics.up(est, identity.device, 'state'),
  };
}
