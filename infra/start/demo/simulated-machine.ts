import type { MachineCredential } from '@sgp/shared/api/machines';
import { topics } from '@sgp/shared/topics';
import { connect } from 'mqtt';

export type SimulatedMachine = AsyncDisposable;

export type MachineProgram = {
  readonly slug: string;
  readonly name: string;
  readonly kind: string;
  readonly sector: string;
  /** Name and usual value of what it measures. */
  readonly speed: { readonly metric: string; readonly usual: number };
  /** Seconds from one finished piece to the next. */
  readonly secondsPerPiece: number;
};

export const programs: readonly MachineProgram[] = [
  {
    slug: 'bordadeira1',
    name: 'Bordadeira 1',
    kind: 'Bordadeira 12 cabeças',
    sector: 'Bordado',
    speed: { metric: 'ppm', usual: 800 },
    secondsPerPiece: 7,
  },
  {
    slug: 'bordadeira2',
    name: 'Bordadeira 2',
    kind: 'Bordadeira 6 cabeças',
    sector: 'Bordado',
    speed: { metric: 'ppm', usual: 760 },
    secondsPerPiece: 11,
  },
  {
    slug: 'prensa',
    name: 'Prensa térmica',
    kind: 'Prensa',
    sector: 'Acabamento',
    speed: { metric: 'temperatura', usual: 185 },
    secondsPerPiece: 18,
  },
];

const stopReasons = ['Linha arrebentou', 'Troca de cor', 'Agulha quebrou'];

/**
 * A machine that speaks MQTT with its own credential: state, one sample a second, finished pieces, and now and then a
 * stop with its reason.
 * @param orderNumber which order it works on now, if any
 */
export function simulateMachine(
  program: MachineProgram,
  credential: MachineCredential['credential'],
  est: string,
  orderNumber: () => string | null,
): SimulatedMachine {
  const client = connect({
    host: credential.host,
    port: credential.port,
    protocol: 'mqtt',
    clientId: credential.clientId,
    username: credential.username,
    password: credential.password,
    protocolVersion: 4,
    keepalive: 10,
    reconnectPeriod: 1_000,
  });
  client.on('error', () => {}); // it connects again by itself; the intranet shows what it was refused for
  const send = (kind: 'state' | 'telemetry' | 'count' | 'event', message: object): void => {
    if (client.connected)
      client.publish(topics.up(est, program.slug, kind), JSON.stringify(message), {
        qos: kind === 'telemetry' ? 0 : 1,
        retain: kind === 'state',
      });
  };
  let second = 0;
  let stoppedUntil = 0;
  let messageNumber = 0;
  const nextId = (): string => `${Date.now().toString(36)}-${messageNumber++}`;
  const say = (state: 'running' | 'stopped', reason?: string): void =>
    send('state', { ts: Date.now(), state, ...(reason && { reason }) });
  client.on('connect', () => say('running'));
  const tick = setInterval(() => {
    second += 1;
    const ts = Date.now();
    const { metric, usual } = program.speed;
    if (stoppedUntil === second) say('running');
    const stopped = second < stoppedUntil;
    send('telemetry', {
      ts,
      values: {
        [metric]: stopped ? 0 : Math.round(usual * (1 + 0.04 * Math.sin(second / 9) + 0.02 * (Math.random() - 0.5))),
        vibracao: Number((stopped ? 0.1 : 1.4 + Math.random() * 0.3).toFixed(2)),
      },
    });
    if (stopped) return;
    const order = orderNumber();
    if (second % program.secondsPerPiece === 0)
      send('count', { ts, id: nextId(), good: 1, scrap: Math.random() < 0.03 ? 1 : 0, ...(order && { order }) });
    if (second % 97 === 0) {
      stoppedUntil = second + 15;
      const reason = stopReasons[second % stopReasons.length] as string;
      say('stopped', reason);
      send('event', { ts, id: nextId(), level: 'warn', code: 'parada', text: reason });
    }
  }, 1_000);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(tick);
      await client.endAsync(true);
    },
  };
}
