import type { Machine } from '@sgp/shared/api/machines';
import type { MachineState } from '@sgp/shared/floor-messages';
import type { Formatters } from '@sgp/ui/format';
import type { Status } from '@sgp/ui/status';
import type { Dictionary } from '../messages/dictionary.ts';

const STATE_LOOK: Readonly<Record<MachineState, Omit<Status, 'text'>>> = {
  running: { tone: 'run', icon: 'andamento' },
  idle: { tone: 'none', icon: 'espera' },
  stopped: { tone: 'warn', icon: 'parada' },
  fault: { tone: 'bad', icon: 'alerta' },
  off: { tone: 'none', icon: 'parada' },
};

/** True when what the machine last said can be believed now; everything else is drawn old. */
export const isBelieved = (machine: Pick<Machine, 'signal'>): boolean => machine.signal === 'online';

/** A stop that someone should look at: it is believed, and it is a stop or a fault. */
export const needsLook = (machine: Pick<Machine, 'signal' | 'state'>): boolean =>
  isBelieved(machine) && (machine.state === 'stopped' || machine.state === 'fault');

/** The chip of a machine. Unknown is never drawn as stopped: without signal the stripes win over the last state. */
export function machineStatus(
  machine: Pick<Machine, 'signal' | 'state' | 'stateSince'>,
  now: number,
  t: Dictionary,
  format: Pick<Formatters, 'duration'>,
): Status {
  const { machines: words } = t;
  switch (machine.signal) {
    case 'revoked':
      return { tone: 'bad', icon: 'bloqueio', text: words.revoked };
    case 'never':
      return { tone: 'unknown', icon: 'desconhecido', text: words.never };
    case 'offline':
      return { tone: 'unknown', icon: 'sem-sinal', text: words.offline };
    case 'silent':
      return { tone: 'unknown', icon: 'sem-sinal', text: words.silent };
    case 'online': {
      if (machine.state === null) return { tone: 'none', icon: 'espera', text: words.state.idle };
      const word = words.state[machine.state];
      const look = STATE_LOOK[machine.state];
      const tells =
        (machine.state === 'stopped' || machine.state === 'fault') &&
        machine.stateSince !== null &&
        now - machine.stateSince >= 60_000;
      return {
        ...look,
        text:
          tells && machine.stateSince !== null ? words.stateFor(word, format.duration(now - machine.stateSince)) : word,
      };
    }
  }
}

/** Machines that want a look first, then by name: the list explains the delays from the top. */
export function sortMachines(machines: readonly Machine[]): Machine[] {
  const rank = (machine: Machine) => (needsLook(machine) ? 0 : machine.signal === 'online' ? 1 : 2);
  return [...machines].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'pt-BR', { numeric: true }));
}

/** `Bordadeira 2` → `bordadeira2`: the short name that goes into topic and user. */
export function slugOf(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 32);
}

export type Credential = {
  readonly username: string;
  readonly clientId: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly topicPrefix: string;
};

/** A line that works as pasted, with the machine's own credential filled in. Every value is quoted for a POSIX shell. */
export function mosquittoSnippet(credential: Credential, nowMs: number): string {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const { host, port, username, clientId, password, topicPrefix } = credential;
  const prefix = topicPrefix.replace(/\/+$/, '');
  const topic = prefix.endsWith('/up') ? `${prefix}/state` : `${prefix}/up/state`;
  const message = JSON.stringify({ ts: nowMs, state: 'running' });
  return [
    `mosquitto_pub -V 311 -h ${quote(host)} -p ${port} -i ${quote(clientId)} \\`,
    `  -u ${quote(username)} -P ${quote(password)} -q 1 -r \\`,
    `  -t ${quote(topic)} -m ${quote(message)}`,
  ].join('\n');
}
