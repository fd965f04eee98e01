import { createContext } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import type { App } from './app-services.ts';
import type { NewsFilter, Resource } from './resources.ts';

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('useApp outside of AppContext');
  return app;
}

/** A resource of the server, kept fresh while the component is on the screen. */
export function useResource<T>(key: string, load: () => Promise<T>, isNews?: NewsFilter): Resource<T> {
  const { resources } = useApp();
  const resource = resources.get(key, load, isNews);
  useEffect(() => resources.watch(key), [key, resources]);
  return resource;
}
