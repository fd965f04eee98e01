import type { Bus } from '@sgp/service-kit/bus';
import { version } from '@sgp/service-kit/version';
import type { Services } from '@sgp/shared/api/shop';
import { type ServiceStatus, serviceStatusSchema } from '@sgp/shared/floor-messages';
import { serviceNames, topics } from '@sgp/shared/topics';

/** Hears what the services say of themselves (retained, with last will) and tells who is there. */
export type ServiceWatch = { services(): Services };

export function watchServices(deps: {
  readonly bus: Pick<Bus, 'subscribe' | 'connected'>;
  readonly est: string;
  readonly onChanged: () => void;
}): ServiceWatch {
  const heard = new Map<string, ServiceStatus>();
  const hear = (topic: string, message: unknown): void => {
    const status = serviceStatusSchema.safeParse(message);
    if (!status.success) return;
    heard.set(topic.split('/').at(-2) ?? '', status.data);
    deps.onChanged();
  };
  // Waits for the broker, which may come later than we do; rejects only when the connection is closed for good.
  deps.bus.subscribe(topics.serviceStatusAll(deps.est), hear).catch(() => undefined);
  return {
    services: () => ({
      services: serviceNames.map((name) => {
        const status = heard.get(name);
        // Without the bus nothing is known of the others: what they said last would be a guess. With it, the broker is there.
        const reached = deps.bus.connected && (name === 'broker' || status?.online === true);
        const online = name === 'production-api' || reached;
        return { name, online, at: status?.at ?? null, version: status?.version ?? null };
      }),
      version,
    }),
  };
}
