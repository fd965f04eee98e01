import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './root.ts';

export type Side = 'all' | 'edge' | 'core';

export type Options = {
  readonly side: Side;
  /** Absolute. */
  readonly dataDir: string;
  readonly demo: boolean;
  readonly lan: boolean;
  readonly portOffset: number;
  /** Edge alone: where the license service is. */
  readonly licenseUrl: string | null;
  readonly enrolCode: string | null;
  readonly help: boolean;
};

/** @throws Error with a short reason when the arguments make no sense */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string', default: '.data' },
      demo: { type: 'boolean', default: false },
      lan: { type: 'boolean', default: false },
      'port-offset': { type: 'string', default: '0' },
      license: { type: 'string' },
      enrol: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const side = positionals[0] ?? 'all';
  if (positionals.length > 1 || (side !== 'all' && side !== 'edge' && side !== 'core'))
    throw new Error(`"${positionals.join(' ')}" ?`);
  const portOffset = Number(values['port-offset']);
  if (!Number.isInteger(portOffset) || portOffset < 0 || portOffset > 50_000)
    throw new Error(`--port-offset ${values['port-offset']} ?`);
  if (values.demo && side === 'core') throw new Error('--demo + core ?');
  return {
    side,
    dataDir: resolve(process.env['INIT_CWD'] ?? root, values.data),
    demo: values.demo,
    lan: values.lan,
    portOffset,
    licenseUrl: values.license ?? null,
    enrolCode: values.enrol ?? null,
    help: values.help,
  };
}
