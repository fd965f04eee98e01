import { ConfigError } from '@sgp/service-kit/config';
import { listen } from '@sgp/service-kit/http-server';
import { createMetrics } from '@sgp/service-kit/metrics';
import { runService } from '@sgp/service-kit/run-service';
import { createCredentialStore } from './accounts/credential-store.ts';
import { parseServiceAccounts } from './accounts/service-accounts.ts';
import { createApp } from './app.ts';
import { createBroker } from './broker.ts';
import { readBrokerConfig } from './config.ts';
import { databaseFile, openBrokerDatabase } from './db.ts';
import { listenMqtt, listenWebSocket } from './listeners.ts';
import { createBrokerMetrics, observeBroker } from './metrics.ts';
import { openJournal } from './persistence/journal.ts';

await runService('broker', async (stack, log) => {
  const config = readBrokerConfig(process.env);
  const { est, host } = config;
  if (config.adminToken === '') throw new ConfigError('ADMIN_TOKEN_FILE is empty: put a long random text into it.');
  const serviceAccounts = parseServiceAccounts(config.accountsText);
  const metrics = createMetrics('broker');
  const brokerMetrics = createBrokerMetrics(metrics);

  const db = stack.use(await openBrokerDatabase(config.databaseUrl));
  const credentials = await createCredentialStore(db);
  const journal = stack.use(
    await openJournal({
      file: databaseFile(config.databaseUrl),
      observeCommit(messages, seconds) {
        brokerMetrics.commitMessages.observe(messages);
        brokerMetrics.commitSeconds.observe(seconds);
      },
      onFailure: (error) => {
        throw error;
      },
    }),
  );
  const broker = stack.use(
    await createBroker({ est, journal, credentials, serviceAccounts, metrics: brokerMetrics, log }),
  );
  observeBroker(metrics, { ...broker, waitingBytes: () => journal.waitingBytes });

  const app = createApp({ est, adminToken: config.adminToken, broker, checkJournal: journal.check, metrics, log });
  const http = stack.use(await listen(app, { host: config.httpHost, port: config.httpPort }));
  const mqtt = stack.use(await listenMqtt(broker, { host, port: config.mqttPort }));
  const webSocket = stack.use(await listenWebSocket(broker, { host, port: config.wsPort }));
  log.info({ mqttPort: mqtt.port, wsPort: webSocket.port, httpPort: http.port, est }, 'listening');
});
