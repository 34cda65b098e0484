import { after } from 'node:test';
import { countersContract } from '../contracts/counters.ts';
import { startTestServer } from '../support/valkey.ts';
import { openTimed } from './valkey/open.ts';

for (const program of (process.env['VALKEY_PROGRAMS'] ?? 'redis-server').split(':')) {
  const server = await startTestServer(program);
  after(() => server[Symbol.asyncDispose]());
  countersContract(program.split('/').at(-1) ?? program, () => openTimed(server));
}
