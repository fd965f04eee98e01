import { topics } from '@sgp/shared/topics';
import test from 'ava';
import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';
import { createFailedLogins } from '../src/accounts/failed-logins.ts';
import { claimedIdentity, clientIdBelongs, type Identity } from '../src/accounts/identity.ts';
import { createAcl } from '../src/acl.ts';
import { packetFault } from '../src/front/packet-rules.ts';
import { createKeyedMemory } from '../src/keyed-memory.ts';
import { topicMatches } from '../src/persistence/topic-match.ts';
import { createTokenBuckets } from '../src/token-buckets.ts';

const acl = createAcl('demo');
const m1: Identity = { kind: 'device', username: 'demo.m1', device: 'm1' };
const bridge: Identity = { kind: 'service', username: '_bridge' };

test('an identity is written without wildcard, slash or foreign establishment, or it is none', (t) => {
  t.deepEqual(claimedIdentity('demo.m1', 'demo'), m1);
  t.deepEqual(claimedIdentity('_bridge', 'demo'), bridge);
  for (const name of [
    '',
    'demo',
    'demo.',
    '.m1',
    'demo.+',
    'demo.#',
    'demo.m1/x',
    'demo.m1.x',
    'other.m1',
    'Demo.m1',
    '_',
    '_a/b',
    '_a+',
    '__proto__',
    'demo.m1\u0000',
    'demo.m1\n',
  ])
    t.is(claimedIdentity(name, 'demo'), null, JSON.stringify(name));
});

test('a clientId belongs to its user name; a service may add a purpose', (t) => {
  t.true(clientIdBelongs(m1, 'demo.m1'));
  t.true(clientIdBelongs(bridge, '_bridge:outbox'));
  for (const clientId of ['demo.m1:x', 'demo.m2', '_bridge', '']) t.false(clientIdBelongs(m1, clientId), clientId);
  for (const clientId of ['_bridge:', '_bridge:A', '_bridge:a/b', '_bridgex', '_media-sync'])
    t.false(clientIdBelongs(bridge, clientId), clientId);
});

test('who may publish where', (t) => {
  const table: readonly (readonly [Identity, string, boolean])[] = [
    [m1, topics.up('demo', 'm1', 'count'), true],
    [m1, 'sgp/demo/m1/up/anything/below', true],
    [m1, 'sgp/demo/m1/up/', false],
    [m1, 'sgp/demo/m1/up', false],
    [m1, topics.up('demo', 'm2', 'count'), false],
    [m1, topics.up('other', 'm1', 'count'), false],
    [m1, topics.command('demo', 'm1'), false],
    [m1, topics.online('demo', 'm1'), false],
    [m1, topics.outbox('demo'), false],
    [m1, '$SYS/x', false],
    [bridge, topics.outbox('demo'), true],
    [bridge, topics.command('demo', 'm1'), true],
    [bridge, topics.serviceStatus('demo', 'bridge'), true],
    [bridge, topics.up('demo', 'm1', 'count'), false],
    [bridge, topics.online('demo', 'm1'), false],
    [bridge, topics.refused('demo'), false],
    [bridge, 'sgp/other/_bus/outbox', false],
    [bridge, '$SYS/x', false],
  ];
  for (const [identity, topic, allowed] of table)
    t.is(acl.mayPublish(identity, topic), allowed, `${identity.username} ${topic}`);
});

test('who may subscribe to what', (t) => {
  const table: readonly (readonly [Identity, string, boolean])[] = [
    [m1, topics.downAll('demo', 'm1'), true],
    [m1, topics.command('demo', 'm1'), true],
    [m1, 'sgp/demo/m1/down/+', true],
    [m1, 'sgp/demo/+/down/#', false],
    [m1, 'sgp/demo/m1/#', false],
    [m1, topics.upAll('demo'), false],
    [m1, '#', false],
    [bridge, topics.upAll('demo'), true],
    [bridge, 'sgp/demo/#', true],
    [bridge, 'sgp/+/x', false],
    [bridge, '#', false],
    [bridge, '$SYS/#', false],
  ];
  for (const [identity, filter, allowed] of table)
    t.is(acl.maySubscribe(identity, filter), allowed, `${identity.username} ${filter}`);
});

test('no filter that a machine may have reaches a topic that it may not read', (t) => {
  const level = fc.constantFrom('sgp', 'demo', 'm1', 'm2', 'down', 'up', 'command', '+', '#', '');
  const path = fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/'));
  fc.assert(
    fc.property(path, path, (filter, topic) => {
      const reaches = topicMatches(filter.split('/'), topic.split('/')) && !/[+#]/.test(topic);
      return !(acl.maySubscribe(m1, filter) && reaches) || acl.mayReceive(m1, topic);
    }),
  );
  t.pass();
});

test('filters match as MQTT 3.1.1 §4.7 says', (t) => {
  const matches = (filter: string, topic: string): boolean => topicMatches(filter.split('/'), topic.split('/'));
  for (const [filter, topic] of [
    ['a/#', 'a'],
    ['a/#', 'a/b/c'],
    ['+', 'a'],
    ['a/+/c', 'a//c'],
    ['#', 'a/b'],
    ['/+', '/a'],
    ['+/+', '/a'],
    ['$SYS/#', '$SYS/x'],
  ] as const)
    t.true(matches(filter, topic), `${filter} ${topic}`);
  for (const [filter, topic] of [
    ['a/+', 'a'],
    ['+', '/a'],
    ['a', 'a/b'],
    ['#', '$SYS/x'],
    ['+/x', '$SYS/x'],
    ['a/b/#', 'a'],
  ] as const)
    t.false(matches(filter, topic), `${filter} ${topic}`);
});

test('packets that MQTT 3.1.1 forbids are named', (t) => {
  const publish = (topic: string, more: object = {}) => ({
    cmd: 'publish',
    topic,
    payload: '',
    qos: 0,
    dup: false,
    retain: false,
    ...more,
  });
  const subscribe = (topic: string, qos = 0, messageId = 1) => ({
    cmd: 'subscribe',
    messageId,
    subscriptions: [{ topic, qos }],
  });
  const bad: readonly object[] = [
    publish(''),
    publish('a/+'),
    publish('a/#'),
    publish('a\u0000b'),
    publish('a\ufffdb'),
    publish('a\u0085b'),
    publish('a/'.repeat(40)),
    publish('a', { qos: 1, messageId: 0 }),
    subscribe(''),
    subscribe('ab/+e'),
    subscribe('a+/b'),
    subscribe('a/#/b'),
    subscribe('a#'),
    subscribe('a', 3),
    subscribe('a', 0, 0),
    { cmd: 'subscribe', messageId: 1, subscriptions: [] },
    { cmd: 'unsubscribe', messageId: 1, unsubscriptions: [] },
    { cmd: 'puback', messageId: 0, length: 2 },
    { cmd: 'puback', messageId: 1, length: 3 },
    { cmd: 'pingreq', length: 1 },
    { cmd: 'connack' },
    { cmd: 'suback' },
    { cmd: 'connect', clientId: '', clean: false },
    { cmd: 'connect', clientId: 'a\u0000', clean: true },
    { cmd: 'connect', clientId: 'a', clean: true, will: { topic: 'a/#' } },
  ];
  for (const packet of bad) t.not(packetFault(packet as Packet), null, JSON.stringify(packet));
  const good: readonly object[] = [
    publish('sgp/é/x'),
    publish('a', { qos: 1, messageId: 65_535 }),
    subscribe('#'),
    subscribe('a/+/b/#', 1),
    { cmd: 'puback', messageId: 1, length: 2 },
    { cmd: 'pingreq', length: 0 },
    { cmd: 'connect', clientId: '', clean: true },
  ];
  for (const packet of good) t.is(packetFault(packet as Packet), null, JSON.stringify(packet));
});

test('a bucket gives its burst at once, then its rate, and never more for a clock that jumps', (t) => {
  let now = 1_000_000;
  const buckets = createTokenBuckets({ perSecond: 10, burst: 5 }, () => now);
  const take = (): number => Array.from({ length: 100 }, () => buckets.tryTake('a')).filter(Boolean).length;
  t.is(take(), 5);
  now += 300;
  t.is(take(), 3);
  now -= 60_000;
  t.is(take(), 0);
  now += 3_600_000;
  t.is(take(), 5);
  t.deepEqual(
    [1, 2, 3].map(() => buckets.takeAndWaitMs('a')),
    [100, 200, 300],
  );
  t.true(buckets.tryTake('b'));
});

test('five wrong passwords block the pair of address and user name until the minute is over', (t) => {
  let now = 0;
  const failed = createFailedLogins(() => now);
  for (let count = 0; count < 5; count += 1) {
    t.false(failed.blocked('10.0.0.1', 'demo.m1'));
    failed.record('10.0.0.1', 'demo.m1');
  }
  t.true(failed.blocked('10.0.0.1', 'demo.m1'));
  t.false(failed.blocked('10.0.0.1', 'demo.m2'));
  t.false(failed.blocked('10.0.0.2', 'demo.m1'));
  now = 60_000;
  t.false(failed.blocked('10.0.0.1', 'demo.m1'));
});

test('a full memory forgets its oldest key', (t) => {
  const memory = createKeyedMemory<number>(2);
  memory.set('a', 1);
  memory.set('b', 2);
  memory.set('a', 3);
  memory.set('c', 4);
  t.deepEqual([memory.get('a'), memory.get('b'), memory.get('c')], [3, undefined, 4]);
});
