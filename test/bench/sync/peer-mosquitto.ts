import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { startCountingProxy } from './counting-proxy.ts';
import type { DrainSubject } from './drain.ts';
import { freePort, startListening, tempDir } from './peer-process.ts';

/** Debian puts the broker where only root's path looks. */
const program = (): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
    .map((folder) => join(folder, 'mosquitto'))
    .find((path) => existsSync(path) && spawnSync(path, ['-h']).error === undefined);

/** A Mosquitto in the shop that bridges to one on the server, with a queue that has no limit. */
export const mosquitto: DrainSubject = {
  name: 'Mosquitto bridge',
  setup: 'QoS 1, unlimited queue, 100 in flight, queues in memory and saved each 30 minutes, every revision',
  missing: () => (program() === undefined ? 'mosquitto is not installed here' : null),
  async run({ snapshots }) {
    await using stack = new AsyncDisposableStack();
    const folder = tempDir(stack);
    const broker = program() ?? 'mosquitto';
    const [nearPort, farPort] = [await freePort(), await freePort()];
    const start = async (name: string, port: number, more: readonly string[]) => {
      mkdirSync(join(folder, name));
      const file = join(folder, `${name}.conf`);
      writeFileSync(file, [`listener ${port} 127.0.0.1`, ...common(join(folder, name)), ...more, ''].join('\n'));
      await startListening(stack, [broker, '-c', file], port);
    };
    await start('far', farPort, []);
    const proxy = stack.use(await startCountingProxy(farPort));
    await start('near', nearPort, [
      'connection core',
      `address 127.0.0.1:${proxy.port}`,
      'topic orders/# out 1',
      'cleansession false',
      'restart_timeout 1',
      'try_private false',
      'notifications false',
    ]);
    const receiver = await clientOf(stack, farPort);
    const arrived = new Set<string>();
    const all = Promise.withResolvers<number>();
    receiver.on('message', (_topic, message) => {
      // The revision's own text begins with these two members.
      arrived.add(message.subarray(0, 100).toString());
      if (arrived.size === snapshots.length) all.resolve(Date.now());
    });
    await receiver.subscribeAsync('orders/#', { qos: 1 });
    const publisher = await clientOf(stack, nearPort);
    await publishAll(publisher, snapshots);
    await proxy.open();
    const timer = setTimeout(() => all.reject(new Error(`${arrived.size} of ${snapshots.length} arrived`)), 300_000);
    stack.defer(() => clearTimeout(timer));
    const endedAt = await all.promise;
    const { firstAt, bytesUp, bytesDown } = await proxy.counted();
    return { drainMs: endedAt - (firstAt ?? endedAt), bytesUp, bytesDown, arrived: arrived.size };
  },
};

const common = (folder: string): readonly string[] => [
  'allow_anonymous true',
  'persistence true',
  `persistence_location ${folder}/`,
  'max_queued_messages 0',
  'max_queued_bytes 0',
  'max_inflight_messages 100',
  // As root it would become `mosquitto`, who may not write here.
  'user root',
  'log_type error',
];

async function clientOf(stack: AsyncDisposableStack, port: number): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
  stack.defer(() => client.endAsync(true));
  return client;
}

/** Each is acknowledged by the shop's broker. */
async function publishAll(client: MqttClient, snapshots: Parameters<DrainSubject['run']>[0]['snapshots']) {
  const portion = 1000;
  for (let i = 0; i < snapshots.length; i += portion)
    await Promise.all(
      snapshots
        .slice(i, i + portion)
        .map(({ orderId, payload }) => client.publishAsync(`orders/${orderId}`, payload, { qos: 1 })),
    );
}
