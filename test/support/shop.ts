import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createShopClient, type ShopClient } from '../../infra/start/demo/shop-client.ts';
import type { Options } from '../../infra/start/options.ts';
import { portsFor } from '../../infra/start/plan.ts';
import { type Running, type RunOptions, run } from '../../infra/start/run.ts';

export type TestShop = {
  readonly running: Running;
  /** Signed in as the owner. */
  readonly shop: ShopClient;
  readonly owner: { readonly login: string; readonly password: string };
  readonly urls: { readonly intranet: string; readonly mirror: string; readonly broker: string };
  readonly dataDir: string;
  /** What the launcher said: services that it started again. */
  readonly restarts: readonly string[];
};

export const owner = {
  name: 'Rosana Klein',
  login: 'rosana',
  password: 'uma senha bem comprida',
  shopName: 'Fio & Ponto',
} as const;

/** What a started thing asks of its test: a place for its words and for its end. A test's context is one; a hook makes its own. */
export type TestScope = {
  readonly log: (text: string) => void;
  readonly teardown: (act: () => PromiseLike<void> | void) => void;
};

/** A folder of this test alone, removed afterwards. */
export function tempDir(t: Pick<TestScope, 'teardown'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'sgp-test-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/**
 * Offsets in steps at which no two have a port in common: the product's ports all leave different remainders. All stay
 * below 32768, where Linux begins to take ports for outgoing connections, and below the ports that stand for them.
 */
const offsets = { first: 9_000, step: 211, count: 71, claimedBy: 32_100 } as const;

/** An offset at which every port of the product is free, and which no other process of the tests takes meanwhile. */
export async function freePortOffset(): Promise<number> {
  for (;;) {
    const place = Math.floor(Math.random() * offsets.count);
    // Held until this process ends, and so is the offset: between the look and the start of a service somebody may ask.
    const claim = await listen(offsets.claimedBy + place);
    if (claim === null) continue;
    claim.unref();
    const offset = offsets.first + place * offsets.step;
    const free = await Promise.all(Object.values(portsFor(offset)).map(isFree));
    if (free.every(Boolean)) return offset;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listen(port);
  if (probe === null) return false;
  await once(probe.close(), 'close');
  return true;
}

/** Null when something listens there already. */
async function listen(port: number): Promise<Server | null> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return null;
  }
}

export type ShopOptions = Partial<RunOptions> & {
  /** False for a shop at its first run: whoever creates the owner signs `shop` in. */
  readonly hasOwner?: boolean;
};

/** The whole product as real processes on free ports, with its owner created through the API unless the options say otherwise. */
export async function startShop(t: TestScope, { hasOwner = true, ...options }: ShopOptions = {}): Promise<TestShop> {
  const dataDir = options.dataDir ?? tempDir(t);
  const defaults: Options = {
    side: 'all',
    dataDir,
    demo: false,
    lan: false,
    portOffset: await freePortOffset(),
    licenseUrl: null,
    enrolCode: null,
    help: false,
  };
  const restarts: string[] = [];
  const running = await run(
    { ...defaults, cuttableWire: true, ...options, dataDir },
    { onRestart: (name, why) => restarts.push(`${name}: ${why}`), onNotice: (name, text) => t.log(`${name}: ${text}`) },
  );
  t.teardown(() => running[Symbol.asyncDispose]());
  const intranet = `http://127.0.0.1:${running.ports.production}`;
  const shop = createShopClient(intranet);
  if (hasOwner && (await shop.needsOwner())) await shop.createOwner(owner);
  else if (hasOwner) await shop.signIn(owner.login, owner.password);
  return {
    running,
    shop,
    owner,
    urls: {
      intranet,
      mirror: `http://127.0.0.1:${running.ports.mirror}`,
      broker: `mqtt://127.0.0.1:${running.ports.broker}`,
    },
    dataDir,
    restarts,
  };
}

/**
 * Asks again until the answer satisfies, for states that a program reports and nobody announces.
 * @throws Error with the last answer after `maxMs`
 */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value> | Value,
  good: (value: Value) => boolean,
  maxMs = 20_000,
): Promise<Value> {
  const deadline = performance.now() + maxMs;
  for (;;) {
    const value = await Promise.resolve(ask()).catch((error: unknown) => error as Value);
    if (!(value instanceof Error) && good(value)) return value;
    if (performance.now() > deadline)
      throw new Error(
        `${what}: not within ${maxMs} ms; last: ${value instanceof Error ? value.message : JSON.stringify(value).slice(0, 2000)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
