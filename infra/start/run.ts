import { mkdirSync } from 'node:fs';
import { limits } from '@sgp/shared/limits';
import { buildWeb } from './build-web.ts';
import type { Options } from './options.ts';
import {
  corePlan,
  edgePlan,
  type Layout,
  layout,
  type Ports,
  type ProcessName,
  type ProcessSpec,
  portsFor,
  type Uplink,
} from './plan.ts';
import { makeSecrets, requireFreePorts, StartRefused, takeDataDir } from './prepare.ts';
import { enrol, isEnrolled, issueEnrolmentCode, readIdentity } from './provision.ts';
import { type Supervised, type SupervisorEvents, supervise } from './supervisor.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { texts } from './texts.ts';

export type Running = AsyncDisposable & {
  readonly ports: Ports;
  readonly at: Layout;
  readonly processes: ReadonlyMap<ProcessName, Supervised>;
  /** The wire between shop and cloud, when it can be cut: in the demonstration and in tests. */
  readonly wire: TcpProxy | null;
  /** Core alone: a code with which a shop can enrol. */
  readonly enrolCode: string | null;
};

export type RunOptions = Options & {
  readonly cuttableWire: boolean;
  readonly extraEnv?: Readonly<Partial<Record<ProcessName, Readonly<Record<string, string>>>>>;
};

/**
 * Starts one side or both as plain processes and returns when every one works. Disposing stops them within three
 * seconds.
 * @throws StartRefused with one plain sentence and the remedy
 */
export async function run(options: RunOptions, events: SupervisorEvents): Promise<Running> {
  await using stack = new AsyncDisposableStack();
  const at = layout(options.dataDir);
  const ports = portsFor(options.portOffset);
  stack.use(takeDataDir(options.dataDir, at));
  makeSecrets(options.side, at);
  for (const dir of options.side === 'edge' ? [at.edge] : options.side === 'core' ? [at.core] : [at.edge, at.core])
    mkdirSync(dir, { recursive: true });
  const processes = new Map<ProcessName, Supervised>();
  stack.defer(() => Promise.all([...processes.values()].map((each) => each.stop())).then(() => {}));
  const launch = async (specs: readonly ProcessSpec[]): Promise<void> => {
    await requireFreePorts(specs);
    const deps = { logsDir: at.logs, cacheDir: at.cache, stopMaxMs: limits.shutdownMaxMs, events };
    for (const spec of specs) {
      processes.set(spec.name, supervise({ ...spec, env: { ...spec.env, ...options.extraEnv?.[spec.name] } }, deps));
    }
    await Promise.all(
      specs.map((spec) =>
        processes.get(spec.name)?.ready.catch((cause) => {
          throw new StartRefused(texts.service(spec.name, cause.message), { cause });
        }),
      ),
    );
  };

  await buildWeb().catch((cause) => {
    throw new StartRefused(texts.buildFailed(cause.message), { cause });
  });
  const core = options.side === 'edge' ? [] : corePlan(options, ports, at);
  const licenseUrl = options.licenseUrl ?? `http://127.0.0.1:${ports.license}`;
  const firstEdgeStart = options.side !== 'core' && !isEnrolled(at);
  let enrolCode: string | null = null;
  let coreReady: Promise<void> = Promise.resolve();
  if (firstEdgeStart || options.side === 'core') {
    await launch(core);
    if (options.side !== 'edge') enrolCode = await issueEnrolmentCode(licenseUrl, at, options.demo);
    if (firstEdgeStart) await enrolEdge(options, licenseUrl, enrolCode, at);
  } else {
    coreReady = launch(core);
    coreReady.catch(() => {});
  }
  let wire: TcpProxy | null = null;
  if (options.side !== 'core') {
    const { est, mirrorUrl } = readIdentity(at);
    const { host, hostname, port, origin } = new URL(mirrorUrl);
    if (options.cuttableWire)
      wire = stack.use(
        await startTcpProxy({ port: ports.uplink, targetHost: hostname, targetPort: Number(port || 80) }),
      );
    const uplink: Uplink = {
      connectUrl: wire ? `http://127.0.0.1:${wire.port}` : origin,
      authority: host,
      publicUrl: origin,
    };
    await launch(edgePlan(options, ports, at, est, uplink));
  }
  await coreReady;
  const owned = stack.move();
  return {
    ports,
    at,
    processes,
    wire,
    enrolCode: options.side === 'core' ? enrolCode : null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function enrolEdge(options: Options, licenseUrl: string, ownCode: string | null, at: Layout): Promise<void> {
  const code = ownCode ?? options.enrolCode;
  if (code === null || (options.side === 'edge' && options.licenseUrl === null))
    throw new StartRefused(texts.edgeNeedsCode);
  await enrol(licenseUrl, code, at);
}
