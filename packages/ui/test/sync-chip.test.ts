import { type SyncState, type SyncStatus, syncStates } from '@sgp/shared/sync';
import test from 'ava';
import { createFormatters } from '../src/format.ts';
import { shownSyncState, syncChip } from '../src/sync-chip.ts';
import { words } from '../src/words.ts';

const format = createFormatters('pt-BR', 'America/Sao_Paulo');
const now = Date.parse('2026-11-23T17:20:00Z');
const status = (state: SyncState, change: Partial<SyncStatus> = {}): SyncStatus => ({
  state,
  at: now - 1_000,
  lastAckAt: now - 20_000,
  offlineSince: null,
  pendingChanges: 0,
  oldestPendingAt: null,
  pendingMedia: 0,
  parkedChanges: 0,
  clockSkewMs: 0,
  ackedSeq: 10,
  error: null,
  ...change,
});
const chip = (value: SyncStatus | null, at = now) => syncChip(value, at, words['pt-BR'], format);

/** One line per state: what it looks like and what it says, in order. */
const expected: Readonly<Record<SyncState, readonly [tone: string, icon: string, ...texts: string[]]>> = {
  ok: ['ok', 'nuvem-ok', 'Sincronização:', 'OK', 'Último Sync: agora'],
  syncing: ['run', 'nuvem-sobe', 'Sincronização:', 'Sincronizando (37)', 'Último Sync: agora'],
  late: ['warn', 'relogio', 'Sincronização:', 'Atrasada', '37 alterações guardadas', 'Último Sync: agora'],
  offline: [
    'warn',
    'nuvem-fora',
    'Sem conexão com a nuvem desde 14:02',
    '37 alterações guardadas',
    'a produção continua normal',
  ],
  failed: ['bad', 'alerta', 'Sincronização:', 'Falha (ação necessária)', 'Último Sync: agora'],
  paused: ['none', 'pausar', 'Sincronização:', 'Pausada', '37 alterações guardadas'],
  unknown: ['unknown', 'desconhecido', 'Sincronização:', 'Desconhecida', 'Último Sync: agora'],
};

for (const state of syncStates) {
  test(`${state} is said with its own icon, tone and words`, (t) => {
    const pending = state === 'ok' ? {} : { pendingChanges: 37, offlineSince: Date.parse('2026-11-23T17:02:00Z') };
    const { tone, icon, label, text, details } = chip(status(state, pending));
    t.deepEqual([tone, icon, ...(label ? [label] : []), text, ...details], [...expected[state]]);
  });
}

test('OK needs a fresh acknowledgement: it lapses by itself when none came', (t) => {
  t.is(shownSyncState(status('ok'), now), 'ok');
  t.is(shownSyncState(status('ok', { lastAckAt: now - 120_000 }), now), 'late');
  t.is(shownSyncState(status('ok', { lastAckAt: null }), now), 'late');
});

test('without any status nobody knows, and nothing is claimed', (t) => {
  const { state, details } = chip(null);
  t.is(state, 'unknown');
  t.deepEqual(details, []);
});

test('photos that wait count as something being sent', (t) => {
  t.is(chip(status('syncing', { pendingChanges: 6, pendingMedia: 2 })).text, 'Sincronizando (8)');
});

test('the last sync is the acknowledged exchange, in words', (t) => {
  t.deepEqual(chip(status('late', { lastAckAt: now - 130_000 })).details, ['Último Sync: há 2 min']);
  t.deepEqual(chip(status('late', { lastAckAt: null })).details, ['Ainda sem confirmação da nuvem']);
});
