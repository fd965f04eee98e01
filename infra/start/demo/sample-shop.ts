import { readFileSync } from 'node:fs';
import type { NewDemoOrder, ShopClient } from './shop-client.ts';

/** A small embroidery shop with a week of work, dated around today. */

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const customers = [
  { name: 'Colégio Estrela do Vale', firstName: 'Marina', phone: '(47) 99812-4470' },
  { name: 'Padaria Trigo Bom', firstName: 'Edson', phone: '(47) 99133-2078' },
  { name: 'Transportadora Rota Sul', firstName: 'Cleide', phone: '(47) 98844-1200' },
  { name: 'Clínica Bem Viver', firstName: 'Dra. Sônia', phone: '(47) 99655-7731' },
  { name: 'Auto Mecânica Irmãos Tavares', firstName: 'Wagner', phone: '(47) 99701-5526' },
  { name: 'Escola de Futebol Meninos da Vila', firstName: 'Juarez', phone: '(47) 99240-9914' },
  { name: 'Marina Albuquerque', firstName: 'Marina', phone: '(47) 99888-3102' },
  { name: 'Cervejaria Morro Alto', firstName: 'Henrique', phone: '(47) 99470-6655' },
] as const;

type Sample = {
  readonly customer: number;
  readonly dueInDays: number;
  readonly path: readonly string[];
  readonly item: string;
  readonly quantity: number;
  readonly priceCents: number;
  readonly spec: readonly [string, string][];
  readonly photos?: readonly string[];
  readonly late?: string;
};

const toProduction = ['aprovado', 'producao'] as const;
const samples: readonly Sample[] = [
  {
    customer: 0,
    dueInDays: 2,
    path: toProduction,
    item: 'Polo piquê azul-marinho, uniforme',
    quantity: 120,
    priceCents: 4480,
    spec: [
      ['Posição', 'Peito esquerdo, 90 × 78 mm'],
      ['Matriz', 'estrela-vale-v3, 8.412 pontos'],
      ['Linhas', '1070 · 1292 · 1011 · 1243'],
      ['Entretela', 'Rasgável 40 g, 1 camada'],
    ],
    photos: ['prova', 'bastidor', 'linhas'],
    late: 'A malha chegou um dia depois. Desculpe!',
  },
  {
    customer: 1,
    dueInDays: 0,
    path: [...toProduction, 'acabamento'],
    item: 'Avental com bolso, bordado no peito',
    quantity: 24,
    priceCents: 5200,
    spec: [
      ['Posição', 'Centro do peito, 110 × 60 mm'],
      ['Linhas', '1001 · 1278'],
    ],
    photos: ['peito'],
  },
  {
    customer: 2,
    dueInDays: -3,
    path: toProduction,
    item: 'Jaqueta corta-vento, bordado nas costas',
    quantity: 60,
    priceCents: 11900,
    spec: [
      ['Posição', 'Costas, 240 × 120 mm'],
      ['Matriz', 'rota-sul-costas, 31.900 pontos'],
    ],
  },
  {
    customer: 3,
    dueInDays: -1,
    path: ['aprovado'],
    item: 'Jaleco, nome e conselho',
    quantity: 12,
    priceCents: 8900,
    spec: [
      ['Posição', 'Bolso, 80 × 40 mm'],
      ['Nomes', 'Ver lista anexa'],
    ],
  },
  {
    customer: 4,
    dueInDays: 0,
    path: [...toProduction, 'acabamento', 'pronto'],
    item: 'Macacão, logomarca no bolso',
    quantity: 18,
    priceCents: 9800,
    spec: [['Posição', 'Bolso esquerdo, 70 × 50 mm']],
    photos: ['caixa'],
  },
  {
    customer: 5,
    dueInDays: 0,
    path: toProduction,
    item: 'Colete, número nas costas',
    quantity: 32,
    priceCents: 3150,
    spec: [
      ['Números', '1 a 32'],
      ['Altura', '180 mm'],
    ],
    photos: ['polos'],
  },
  {
    customer: 6,
    dueInDays: 1,
    path: [...toProduction, 'acabamento'],
    item: 'Toalha de banho com monograma',
    quantity: 6,
    priceCents: 7600,
    spec: [
      ['Monograma', 'M A'],
      ['Linha', '1182'],
    ],
  },
  {
    customer: 7,
    dueInDays: 4,
    path: [],
    item: 'Boné trucker, frente bordada',
    quantity: 200,
    priceCents: 2790,
    spec: [
      ['Posição', 'Frente, 100 × 55 mm'],
      ['Cores', '4'],
    ],
  },
  {
    customer: 0,
    dueInDays: 6,
    path: [],
    item: 'Agasalho, brasão',
    quantity: 45,
    priceCents: 13900,
    spec: [['Posição', 'Peito direito, 80 × 80 mm']],
  },
  {
    customer: 1,
    dueInDays: 5,
    path: ['aprovado'],
    item: 'Touca, nome da casa',
    quantity: 24,
    priceCents: 2100,
    spec: [['Posição', 'Frente, 60 × 20 mm']],
  },
];

const photo = (name: string): Buffer => readFileSync(new URL(`./photos/${name}.webp`, import.meta.url));

/** 17:00 in São Paulo (UTC−3 all year) of the day that is `days` from now. */
function dueAt(days: number, now: number): number {
  const due = new Date(now + days * dayMs);
  due.setUTCHours(20, 0, 0, 0);
  return due.getTime();
}

/** Fills an empty shop through the API, as people would. */
export async function loadSampleShop(shop: ShopClient, now: number): Promise<void> {
  await shop.saveContact({
    name: 'Fio & Ponto Bordados',
    phone: '(47) 3333-0142',
    whatsapp: '(47) 99900-0142',
    timeZone: 'America/Sao_Paulo',
  });
  const ids: string[] = [];
  for (const customer of customers) ids.push((await shop.createCustomer(customer)).customerId);
  for (const sample of samples) await loadSample(shop, ids, sample, now);
}

async function loadSample(
  shop: ShopClient,
  customerIds: readonly string[],
  sample: Sample,
  now: number,
): Promise<void> {
  const item = {
    description: sample.item,
    quantity: sample.quantity,
    unit: 'un',
    unitPriceCents: sample.priceCents,
    spec: sample.spec.map(([label, value]) => ({ label, value })),
  };
  const promisedAt = dueAt(sample.late ? sample.dueInDays - 1 : sample.dueInDays, now);
  const paidCents = Math.round((sample.quantity * sample.priceCents) / 2);
  let order = await shop.createOrder({
    customerId: customerIds[sample.customer] as string,
    items: [item],
    promisedAt,
    paidCents,
  });
  for (const stage of sample.path) order = await shop.move(order, stage);
  if (sample.late) await shop.promise(order, dueAt(sample.dueInDays, now), sample.late);
  for (const name of sample.photos ?? []) await shop.addPhoto(order.orderId, `${name}.webp`, photo(name));
}

/** One more order, for the flow that goes on while the demonstration runs. */
export function anotherOrder(customerId: string, turn: number, now: number): NewDemoOrder {
  const sample = samples[turn % samples.length] as Sample;
  return {
    customerId,
    promisedAt: dueAt(3 + (turn % 4), now),
    items: [
      {
        description: sample.item,
        quantity: sample.quantity,
        unit: 'un',
        unitPriceCents: sample.priceCents,
        spec: sample.spec.map(([label, value]) => ({ label, value })),
      },
    ],
  };
}
