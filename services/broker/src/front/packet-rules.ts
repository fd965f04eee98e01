import type { Packet } from 'mqtt-packet';

/**
 * What MQTT 3.1.1 forbids and aedes lets pass. A pure check of one parsed packet.
 * @returns what is wrong, in English for the person who connects the machine; null when nothing is
 */
export function packetFault(packet: Packet): string | null {
  switch (packet.cmd) {
    case 'connect':
      return (
        textFault('clientId', packet.clientId) ??
        textFault('user name', packet.username ?? '') ??
        (packet.will ? topicFault('will topic', packet.will.topic) : null) ??
        (packet.clientId === '' && packet.clean === false ? 'an empty clientId needs a clean session' : null)
      );
    case 'publish':
      return topicFault('topic', packet.topic) ?? (packet.qos > 0 ? idFault(packet.messageId) : null);
    case 'subscribe':
      return (
        idFault(packet.messageId) ??
        (packet.subscriptions.length === 0 ? 'SUBSCRIBE without a filter' : null) ??
        firstFault(packet.subscriptions, ({ topic, qos }) => filterFault(topic) ?? (qos > 2 ? 'QoS 3' : null))
      );
    case 'unsubscribe':
      return (
        idFault(packet.messageId) ??
        (packet.unsubscriptions.length === 0 ? 'UNSUBSCRIBE without a filter' : null) ??
        firstFault(packet.unsubscriptions, filterFault)
      );
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return (
        idFault(packet.messageId) ?? (packet.length === 2 ? null : `${packet.cmd.toUpperCase()} of the wrong length`)
      );
    case 'pingreq':
    case 'disconnect':
      return packet.length === 0 ? null : `${packet.cmd.toUpperCase()} of the wrong length`;
    default:
      return `a client does not send ${packet.cmd.toUpperCase()}`;
  }
}

function firstFault<Item>(items: readonly Item[], fault: (item: Item) => string | null): string | null {
  for (const item of items) {
    const found = fault(item);
    if (found) return found;
  }
  return null;
}

/** §2.3.1: a packet identifier is not zero. */
const idFault = (id: number | undefined): string | null => (id ? null : 'packet identifier 0');

/** §1.5.3: no U+0000, no surrogates (the parser turns what is not UTF-8 into U+FFFD), and no control characters. */
const textFault = (name: string, text: string): string | null =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\ufffd]/.test(text) ? `${name} with control characters or invalid UTF-8` : null;

/** §4.7.1: what is published has no wildcard. */
const topicFault = (name: string, topic: string): string | null =>
  topic === ''
    ? `empty ${name}`
    : /[+#]/.test(topic)
      ? `${name} with a wildcard`
      : (levelsFault(name, topic) ?? textFault(name, topic));

/** §4.7.1: `#` is the whole last level, `+` a whole level. */
function filterFault(filter: string): string | null {
  if (filter === '') return 'empty filter';
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) return 'filter with # inside a level';
    if (level.includes('+') && level !== '+') return 'filter with + inside a level';
  }
  return levelsFault('filter', filter) ?? textFault('filter', filter);
}

/** The matchers beneath work on at most 100 levels; SGP's own topics have seven. */
const levelsMax = 32;
const levelsFault = (name: string, topic: string): string | null =>
  topic.split('/').length > levelsMax ? `${name} with more than ${levelsMax} levels` : null;
