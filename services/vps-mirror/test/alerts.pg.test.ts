import test from 'ava';
import { alertsSuite, openWatched, passAtTwo, settingsOf } from './support/alerts-suite.ts';
import { freshPostgres } from './support/databases.ts';
import { startHookReceiver } from './support/receivers.ts';

alertsSuite(test, freshPostgres);

test.serial('of two replicas that watch and deliver at once one tells', async (t) => {
  await using receiver = await startHookReceiver();
  await using watched = await openWatched(freshPostgres);
  await watched.company.call('PUT', '/api/company/alerts', settingsOf({ webhookUrl: receiver.url }));
  await passAtTwo(watched.bench, 12 * 60_000);
  t.is(receiver.hooks.length, 1);
  t.is((await watched.company.get('/api/company/incidents')).incidents.length, 1);
});
