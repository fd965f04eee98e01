declare module 'knex/lib/dialects/better-sqlite3/index.js' {
  const client: unknown;
  export default client;
}
declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  const transaction: unknown;
  export default transaction;
}
declare module 'knex/lib/dialects/postgres/index.js' {
  const client: unknown;
  export default client;
}
