import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Options } from './options.ts';
import { root } from './root.ts';

/** What runs where: pure, so that a test can read it. */

export const processNames = ['license', 'vps-mirror', 'broker', 'production-api', 'bridge', 'media-sync'] as const;
export type ProcessName = (typeof processNames)[number];

export type ProcessSpec = {
  readonly name: ProcessName;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
};

const basePorts = {
  broker: 1883,
  brokerWs: 8083,
  brokerHttp: 6004,
  production: 6001,
  media: 6002,
  bridge: 6003,
  mirror: 7001,
  license: 7002,
  uplink: 6098,
  demoSwitch: 6099,
} as const;
export type Ports = Readonly<Record<keyof typeof basePorts, number>>;

export const portsFor = (offset: number): Ports =>
  Object.fromEntries(Object.entries(basePorts).map(([name, port]) => [name, port + offset])) as Ports;

/** Where everything lies below the data folder. */
export function layout(dataDir: string) {
  const edge = join(dataDir, 'edge');
  const core = join(dataDir, 'core');
  const secrets = join(dataDir, 'secrets');
  return {
    edge,
    core,
    logs: join(dataDir, 'logs'),
    cache: join(dataDir, 'cache'),
    lock: join(dataDir, 'launcher.pid'),
    node: join(edge, 'node'),
    edgeMedia: join(edge, 'media'),
    coreMedia: join(core, 'media'),
    licenseKeys: join(core, 'license-keys'),
    syncKey: join(core, 'sync-key'),
    accounts: join(secrets, 'broker-accounts.json'),
    secret: (name: string): string => join(secrets, name),
    secrets,
    db: (side: 'edge' | 'core', name: string): string => `sqlite:${join(dataDir, side, `${name}.db`)}`,
  };
}
export type Layout = ReturnType<typeof layout>;

/** The secrets that each side makes for itself at first start, by file name. */
export const secretNames = {
  edge: ['mqtt-production-api', 'mqtt-bridge', 'mqtt-media-sync', 'broker-admin'],
  core: ['license-admin', 'license-service', 'media-url', 'core-operator'],
} as const;

const service = (path: string): string => join(root, 'services', path);
const local = '127.0.0.1';

export function corePlan(options: Options, ports: Ports, at: Layout): readonly ProcessSpec[] {
  const host = options.lan ? '0.0.0.0' : local;
  const mirror = `http://${local}:${ports.mirror}`;
  return [
    {
      name: 'license',
      script: service('license/src/main.ts'),
      ports: [ports.license],
      env: {
        HOST: host,
        PORT: String(ports.license),
        LICENSE_DB_URL: at.db('core', 'license'),
        KEYS_DIR: at.licenseKeys,
        ADMIN_TOKEN_FILE: at.secret('license-admin'),
        SERVICE_TOKEN_FILE: at.secret('license-service'),
        MIRROR_URL: mirror,
        LICENSE_AUTHORITY: `${local}:${ports.license}`,
      },
    },
    {
      name: 'vps-mirror',
      script: service('vps-mirror/src/main.ts'),
      ports: [ports.mirror],
      env: {
        HOST: host,
        PORT: String(ports.mirror),
        MIRROR_DB_URL: at.db('core', 'mirror'),
        MEDIA_DIR: at.coreMedia,
        MIRROR_AUTHORITY: `${local}:${ports.mirror}`,
        LICENSE_URL: `http://${local}:${ports.license}`,
        LICENSE_SERVICE_TOKEN_FILE: at.secret('license-service'),
        MEDIA_URL_SECRET_FILE: at.secret('media-url'),
        SYNC_KEY_DIR: at.syncKey,
        OPERATOR_TOKEN_FILE: at.secret('core-operator'),
        WEB_DIR: join(root, 'web/pwa/dist'),
      },
    },
  ];
}

/** What the edge must know of the Core: the address it connects to, the authority it signs, the one customers open. */
export type Uplink = { readonly connectUrl: string; readonly authority: string; readonly publicUrl: string };

export function edgePlan(
  options: Options,
  ports: Ports,
  at: Layout,
  est: string,
  uplink: Uplink,
): readonly ProcessSpec[] {
  const host = options.lan ? '0.0.0.0' : local;
  const bus = (name: string): Record<string, string> => ({
    BROKER_URL: `mqtt://${local}:${ports.broker}`,
    MQTT_PASSWORD_FILE: at.secret(`mqtt-${name}`),
    NODE_DIR: at.node,
  });
  const mirror = { MIRROR_URL: uplink.connectUrl, MIRROR_AUTHORITY: uplink.authority };
  return [
    {
      name: 'broker',
      script: service('broker/src/main.ts'),
      ports: [ports.broker, ports.brokerWs, ports.brokerHttp],
      env: {
        HOST: host,
        PORT: String(ports.broker),
        WS_PORT: String(ports.brokerWs),
        HTTP_PORT: String(ports.brokerHttp),
        BROKER_DB_URL: at.db('edge', 'broker'),
        EST: est,
        ACCOUNTS_FILE: at.accounts,
        ADMIN_TOKEN_FILE: at.secret('broker-admin'),
      },
    },
    {
      name: 'production-api',
      script: service('production-api/src/main.ts'),
      ports: [ports.production],
      env: {
        ...bus('production-api'),
        HOST: host,
        PORT: String(ports.production),
        PRODUCTION_DB_URL: at.db('edge', 'production'),
        TELEMETRY_DB_URL: at.db('edge', 'telemetry'),
        MEDIA_DIR: at.edgeMedia,
        BROKER_ADMIN_URL: `http://${local}:${ports.brokerHttp}`,
        BROKER_ADMIN_TOKEN_FILE: at.secret('broker-admin'),
        MACHINE_BROKER_HOST: options.lan ? lanAddress() : local,
        MACHINE_BROKER_PORT: String(ports.broker),
        TRACKING_BASE_URL: uplink.publicUrl,
        MIRROR_AUTHORITY: uplink.authority,
        WEB_DIR: join(root, 'web/intranet/dist'),
      },
    },
    {
      name: 'bridge',
      script: service('production-api/src/bridge/main.ts'),
      ports: [ports.bridge],
      env: {
        ...bus('bridge'),
        ...mirror,
        HOST: local,
        PORT: String(ports.bridge),
        PRODUCTION_DB_URL: at.db('edge', 'production'),
      },
    },
    {
      name: 'media-sync',
      script: service('media-sync/src/main.ts'),
      ports: [ports.media],
      env: {
        ...bus('media-sync'),
        ...mirror,
        HOST: local,
        PORT: String(ports.media),
        MEDIA_DB_URL: at.db('edge', 'media'),
        MEDIA_DIR: at.edgeMedia,
      },
    },
  ];
}

/** First IPv4 address of this computer on its network: what machines and other desktops are told. */
export function lanAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (address.family === 'IPv4' && !address.internal) return address.address;
  }
  return local;
}
