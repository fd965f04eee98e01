import { createServer } from 'node:http';
import { join } from 'node:path';
import expressPouchDb from 'express-pouchdb';
import PouchDB from 'pouchdb';

/** The far side of the PouchDB peer: `node pouchdb-server.ts PORT FOLDER`. */
const [port, folder = ''] = process.argv.slice(2);
const options = { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: join(folder, 'log.txt') } as const;
createServer(expressPouchDb(PouchDB.defaults({ prefix: `${folder}/` }), options)).listen(Number(port), '127.0.0.1');
