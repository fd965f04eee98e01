import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Runs `work` as part of one request: whatever it writes, however deep below, can name the request that caused it. */
export const withRequestId = <Result>(requestId: string, work: () => Result): Result => storage.run(requestId, work);

/** The request that is being served, if any. */
export const currentRequestId = (): string | undefined => storage.getStore();
