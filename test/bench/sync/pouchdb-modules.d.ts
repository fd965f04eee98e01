/** What the bench uses of two packages that bring no types. */

declare module 'pouchdb' {
  type Row = { readonly id?: string; readonly rev?: string; readonly error?: unknown };
  type Document = { readonly _id: string; readonly _rev?: string; readonly payload: unknown };
  export default class PouchDB {
    constructor(name: string);
    static defaults(options: { readonly prefix: string }): typeof PouchDB;
    bulkDocs(docs: readonly Document[]): Promise<readonly Row[]>;
    info(): Promise<{ readonly doc_count: number }>;
    get(id: string): Promise<Document>;
    close(): Promise<void>;
    replicate: {
      to(
        target: string,
        options: { readonly batch_size: number },
      ): Promise<{ readonly docs_written: number; readonly doc_write_failures: number }>;
    };
  }
}

declare module 'express-pouchdb' {
  import type { RequestListener } from 'node:http';
  import type PouchDB from 'pouchdb';

  const app: (
    database: typeof PouchDB,
    options: { readonly mode: 'minimumForPouchDB'; readonly inMemoryConfig: true; readonly logPath: string },
  ) => RequestListener;
  export default app;
}
