export { benchBareRows, benchPostgresAppend } from './bench.ts';
export { startTestServer, type TestServer } from './server.ts';
