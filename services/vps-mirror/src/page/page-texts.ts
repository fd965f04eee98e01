import type { OrderStatus } from '@sgp/shared/order-snapshot';

/** Words of the page that the server writes itself, for a browser without JavaScript. */
const ptBR = {
  lang: 'pt-BR',
  title: (number: string) => `Pedido ${number}`,
  greeting: (name: string) => `Olá, ${name}`,
  status: {
    received: 'Recebido',
    approved: 'Aprovado',
    in_production: 'Em produção',
    ready: 'Pronto para retirar',
    delivered: 'Entregue',
    cancelled: 'Cancelado',
  } satisfies Record<OrderStatus, string> as Record<OrderStatus, string>,
  stage: (label: string) => `Etapa: ${label}`,
  promised: (date: string) => `Previsto para ${date}`,
  promiseChanged: (from: string, to: string, reason: string) => `Data alterada de ${from} para ${to}: ${reason}`,
  timeline: 'Andamento',
  items: 'Itens',
  produced: (good: string, total: string) => `${good} de ${total} prontos`,
  contact: (shop: string, phone: string) => `${shop} · ${phone}`,
  updated: (time: string) => `Atualizado em ${time}`,
  unknownTitle: 'Este link não abre mais',
  unknownText: 'Este link não abre nenhum pedido. Ele pode ter terminado ou sido trocado: peça um novo à loja.',
};
export type PageTexts = typeof ptBR;

const en: PageTexts = {
  lang: 'en',
  title: (number) => `Order ${number}`,
  greeting: (name) => `Hello, ${name}`,
  status: {
    received: 'Received',
    approved: 'Approved',
    in_production: 'In production',
    ready: 'Ready for pick-up',
    delivered: 'Delivered',
    cancelled: 'Cancelled',
  },
  stage: (label) => `Stage: ${label}`,
  promised: (date) => `Expected on ${date}`,
  promiseChanged: (from, to, reason) => `Date changed from ${from} to ${to}: ${reason}`,
  timeline: 'Progress',
  items: 'Items',
  produced: (good, total) => `${good} of ${total} done`,
  contact: (shop, phone) => `${shop} · ${phone}`,
  updated: (time) => `Updated on ${time}`,
  unknownTitle: 'This link no longer opens',
  unknownText: 'This link opens no order. It may have ended or been replaced: ask the shop for a new one.',
};

/** pt-BR is the first language; English for a browser that asks for English before Portuguese. */
export const textsFor = (accepted: string | false): PageTexts => (accepted === 'en' ? en : ptBR);
