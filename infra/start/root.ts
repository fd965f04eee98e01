import { fileURLToPath } from 'node:url';

/** Folder of the checkout. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));
