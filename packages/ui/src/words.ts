import type { OrderStatus } from '@sgp/shared/order-snapshot';
import type { SyncState } from '@sgp/shared/sync';
import type { Locale, Translation } from './i18n.ts';
import { plural } from './i18n.ts';

/** The words that both apps say: the life of an order and the state of the sync. */
const ptBR = {
  orderStatus: {
    received: 'Recebido',
    approved: 'Aprovado',
    in_production: 'Em produção',
    ready: 'Pronto para retirar',
    delivered: 'Entregue',
    cancelled: 'Cancelado',
  } satisfies Record<OrderStatus, string>,
  sync: {
    label: 'Sincronização:',
    state: {
      ok: 'OK',
      syncing: 'Sincronizando',
      late: 'Atrasada',
      offline: 'Sem conexão',
      failed: 'Falha (ação necessária)',
      paused: 'Pausada',
      unknown: 'Desconhecida',
    } satisfies Record<SyncState, string>,
    count: (state: string, count: string) => `${state} (${count})`,
    last: (ago: string) => `Último Sync: ${ago}`,
    never: 'Ainda sem confirmação da nuvem',
    offlineSince: (time: string) => `Sem conexão com a nuvem desde ${time}`,
    offline: 'Sem conexão com a nuvem',
    stored: (count: number, formatted: string) =>
      plural('pt-BR', count, { one: `${formatted} alteração guardada`, other: `${formatted} alterações guardadas` }),
    storedBrief: (count: number, formatted: string) =>
      plural('pt-BR', count, { one: `${formatted} guardada`, other: `${formatted} guardadas` }),
    shopGoesOn: 'a produção continua normal',
    oldestPending: (ago: string) => `mais antiga ${ago}`,
    open: 'Abrir a saúde da sincronização',
  },
};

export type Words = Translation<typeof ptBR>;

const en: Words = {
  orderStatus: {
    received: 'Received',
    approved: 'Approved',
    in_production: 'In production',
    ready: 'Ready for pick-up',
    delivered: 'Delivered',
    cancelled: 'Cancelled',
  },
  sync: {
    label: 'Sync:',
    state: {
      ok: 'OK',
      syncing: 'Syncing',
      late: 'Late',
      offline: 'No connection',
      failed: 'Failed (action needed)',
      paused: 'Paused',
      unknown: 'Unknown',
    },
    count: (state, count) => `${state} (${count})`,
    last: (ago) => `Last sync: ${ago}`,
    never: 'Not confirmed by the cloud yet',
    offlineSince: (time) => `No connection to the cloud since ${time}`,
    offline: 'No connection to the cloud',
    stored: (count, formatted) =>
      plural('en', count, { one: `${formatted} change kept`, other: `${formatted} changes kept` }),
    storedBrief: (_count, formatted) => `${formatted} kept`,
    shopGoesOn: 'production goes on as usual',
    oldestPending: (ago) => `oldest ${ago}`,
    open: 'Open the health of the sync',
  },
};

export const words: Readonly<Record<Locale, Words>> = { 'pt-BR': ptBR, en };
