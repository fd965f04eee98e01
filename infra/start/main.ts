import { version } from '@sgp/service-kit/version';
import { type Demo, startDemo } from './demo/demo.ts';
import { type Options, parseOptions } from './options.ts';
import { lanAddress } from './plan.ts';
import { requireNode, StartRefused } from './prepare.ts';
import { type Running, run } from './run.ts';
import { texts } from './texts.ts';

/** `npm start`: the shop and its cloud, or one of them, as plain processes on this computer. */

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    throw new StartRefused(texts.wrongArguments((error as Error).message));
  }
}

function describe(options: Options, running: Running, demo: Demo | null, seconds: string): string {
  const { ports } = running;
  const address = (port: number): string =>
    options.lan ? `http://${lanAddress()}:${port}` : `http://127.0.0.1:${port}`;
  const rows: [string, string][] = [];
  if (options.side !== 'core') rows.push([texts.intranet, address(ports.production)]);
  if (options.side !== 'edge') rows.push([texts.customers, address(ports.mirror)]);
  if (options.side !== 'core')
    rows.push([texts.machines, `mqtt://${options.lan ? lanAddress() : '127.0.0.1'}:${ports.broker}`]);
  if (options.side !== 'edge') rows.push([texts.licences, address(ports.license)]);
  if (demo) rows.push([texts.demoSignIn, `${demo.login} / ${demo.password}`], [texts.demoSwitch, demo.switchUrl]);
  rows.push([texts.data, options.dataDir]);
  if (running.enrolCode)
    rows.push([texts.enrolHint, `npm start -- edge --license ${address(ports.license)} --enrol ${running.enrolCode}`]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const hints = [...(options.lan || options.side === 'core' ? [] : [texts.lanHint]), texts.stopHint];
  return [
    '',
    texts.ready(version, seconds),
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    '',
    ...hints,
  ].join('\n');
}

async function main(): Promise<void> {
  requireNode(process.version);
  const options = readOptions();
  if (options.help) return console.log(texts.help);
  const stop = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.resolve());
  const startedAt = performance.now();
  const running = await Promise.race([
    run(
      { ...options, cuttableWire: options.demo },
      {
        onRestart: (name, why) => console.error(texts.restarted(name, why)),
        onNotice: (name, text) => console.error(texts.service(name, text)),
      },
    ),
    stop.promise,
  ]);
  // Stopped before all was ready: the services end by themselves when this process does.
  if (!running) return;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const demo = options.demo ? await startDemo(running) : null;
  console.log(describe(options, running, demo, seconds));
  await stop.promise;
  console.log(texts.stopping);
  await Promise.all([demo?.[Symbol.asyncDispose](), running[Symbol.asyncDispose]()]);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!(error instanceof StartRefused)) throw error;
  console.error(error.message);
  process.exit(1);
}
