import type { Locale } from '@sgp/ui/i18n';
import { commonEn, commonPtBR } from './common.ts';
import { doorEn, doorPtBR } from './door.ts';
import { machinesEn, machinesPtBR } from './machines.ts';
import { formEn, formPtBR } from './new-order.ts';
import { orderPageEn, orderPagePtBR } from './order-page.ts';
import { ordersEn, ordersPtBR } from './orders.ts';
import { settingsEn, settingsPtBR } from './settings.ts';
import { syncEn, syncPtBR } from './sync.ts';
import { syncBundleEn, syncBundlePtBR } from './sync-bundle.ts';
import { syncFiguresEn, syncFiguresPtBR } from './sync-figures.ts';

const ptBR = {
  common: commonPtBR,
  door: doorPtBR,
  orders: { ...ordersPtBR, ...orderPagePtBR },
  form: formPtBR,
  machines: machinesPtBR,
  sync: syncPtBR,
  syncFigures: syncFiguresPtBR,
  syncBundle: syncBundlePtBR,
  settings: settingsPtBR,
};
const en = {
  common: commonEn,
  door: doorEn,
  orders: { ...ordersEn, ...orderPageEn },
  form: formEn,
  machines: machinesEn,
  sync: syncEn,
  syncFigures: syncFiguresEn,
  syncBundle: syncBundleEn,
  settings: settingsEn,
};

export type Dictionary = typeof en;
export const dictionaries: Readonly<Record<Locale, Dictionary>> = { 'pt-BR': ptBR, en };
