import type { TrackedOrder } from '@sgp/shared/api/tracking';

export const token = 'Ab3dEf6hIj9lMn2pQr5tUv';

/** An order in production, as the mirror sends it. */
export const trackedOrder = (changes: Partial<TrackedOrder> = {}): TrackedOrder => ({
  orderId: '01930a5c-7f00-7000-8000-000000000001',
  version: 3,
  number: '2847',
  firstName: 'Marina',
  status: 'in_production',
  stage: { key: 'producao', label: 'Em produção' },
  items: [{ description: 'Polo piquê', quantity: 120, unit: 'un' }],
  dates: { createdAt: '2026-11-12T18:20:00Z', promisedAt: '2026-11-25T20:00:00Z', promiseChanges: [] },
  timeline: [
    { status: 'received', at: '2026-11-12T18:20:00Z' },
    { status: 'approved', at: '2026-11-13T22:32:00Z' },
    { status: 'in_production', at: '2026-11-23T11:14:00Z' },
  ],
  media: [],
  shop: { name: 'Fio & Ponto', phone: '(47) 3441-0090', whatsapp: '47998124470', timeZone: 'America/Sao_Paulo' },
  canUnlock: true,
  receivedAt: Date.parse('2026-11-23T17:02:00Z'),
  ...changes,
});

/** A browser's storage in memory: the port that the saved orders ask for. */
export function memoryStorage() {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
