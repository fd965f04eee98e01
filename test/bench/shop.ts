import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createShopClient, type ShopClient } from '../../infra/start/demo/shop-client.ts';
import { type Running, run } from '../../infra/start/run.ts';
import { freePortOffset, owner } from '../support/shop.ts';

export type BenchShop = AsyncDisposable & {
  readonly running: Running;
  readonly shop: ShopClient;
  readonly dataDir: string;
};

/** The whole product as real processes, on free ports, in a folder that goes with it. */
export async function startBenchShop(dataDir = mkdtempSync(join(tmpdir(), 'sgp-bench-'))): Promise<BenchShop> {
  const running = await run(
    {
      side: 'all',
      dataDir,
      demo: false,
      lan: false,
      portOffset: await freePortOffset(),
      licenseUrl: null,
      enrolCode: null,
      help: false,
      cuttableWire: false,
    },
    {
      onRestart: (name, why) => console.error(`${name}: ${why}`),
      onNotice: (name, text) => console.error(`${name}: ${text}`),
    },
  );
  const shop = createShopClient(`http://127.0.0.1:${running.ports.production}`);
  if (await shop.needsOwner()) await shop.createOwner(owner);
  else await shop.signIn(owner.login, owner.password);
  return {
    running,
    shop,
    dataDir,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
