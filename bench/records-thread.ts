/**
 * How many records a second the records thread takes from four workers: each is read, looked at by the detector, written as
 * an event of OCSF, hashed, and through to the disk. Four ports are handed batches each 50 ms, as workers do, at a rate that
 * is raised until the thread falls behind.
 *
 *     node bin/node26.mjs bench/records-thread.ts [--seconds 10] [--keys 200] [--rates 25000,50000,75000,100000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/config/load.ts';
import { startRecords } from '../src/gateway/threads/records-client.ts';
import { createRecordsMemory, openRecordsMemory, recordRulesOf } from '../src/gateway/threads/records-messages.ts';
import { recordLine, type RecordedExchange } from '../src/observers/records/line.ts';
import { markdown } from './table.ts';

const WORKERS = 4;
const BATCH_MS = 50;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    keys: { type: 'string', default: '200' },
    rates: { type: 'string', default: '25000,50000,75000,100000' },
  },
});
const [seconds, keys] = [Number(values.seconds), Number(values.keys)];

const loaded = loadConfig({ env: {}, overrides: {} });
if (!loaded.ok) throw new Error('the configuration of the bench does not load');
const memory = createRecordsMemory(WORKERS);
const words = openRecordsMemory(memory);
const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-bench-records-thread-'));
process.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));
let lost = 0;
const records = startRecords(
  { stateDir, product: '0', isLogged: true, rules: recordRulesOf(loaded.config), memory },
  {
    failing: (why) => {
      throw new Error(why);
    },
    ...{ recovered: () => undefined, foundUnsigned: () => undefined, findings: () => undefined },
    ...{ deaf: () => undefined, reopened: () => undefined, unexported: () => undefined },
    lost: (count) => void (lost += count),
  },
);
await records.opened;
const ports = Array.from({ length: WORKERS }, (_, row): MessagePort => records.portOf(row));

/** A chat that was answered, of one of the keys. */
function lineOf(n: number): string {
  const key = n % keys;
  const x = {
    requestId: `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`,
    trace: undefined,
    head: { headers: new Map([['user-agent', 'OpenAI/Python 2.8.0']]), path: '/v1/chat/completions' },
    peer: { address: `10.0.${key >> 8}.${key & 255}`, network: `10.0.${key >> 8}.${key & 255}` },
    principal: { keyId: `key${key}`, token: undefined, tenant: `team${key % 20}`, owner: undefined, member: undefined },
    refused: undefined,
    route: { method: 'POST', id: 'chat-completions' },
    model: 'tiny',
    request: { isStream: true, body: {} },
    usage: { promptTokens: 400, cachedTokens: 100, completionTokens: 200 },
    downstream: { head: { method: 'POST' }, peerAddress: '10.0.0.1' },
  } as unknown as RecordedExchange; // what is read of an exchange, and no more
  const outcome = { kind: 'answer', status: 200, code: undefined, durationMs: 900, firstByteMs: 120, upstream: 'main' };
  return recordLine(x, outcome as Parameters<typeof recordLine>[1], Date.now(), '0123456789abcdef');
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const batches = ports.map(() => 0);
let serial = 0;

/** Posts at a rate. @returns most batches of one worker that were under way, and milliseconds until all was written */
async function run(perSecond: number): Promise<{ most: number; behindMs: number }> {
  const perBatch = Math.round((perSecond * BATCH_MS) / 1_000 / WORKERS);
  let most = 0;
  const beginMs = performance.now();
  for (let tick = 0; tick < (seconds * 1_000) / BATCH_MS; tick++) {
    for (const [row, port] of ports.entries()) {
      const lines = Buffer.from(Array.from({ length: perBatch }, () => `${lineOf(serial++)}\n`).join(''));
      const bytes = new Uint8Array(lines);
      const batch = (batches[row] = (batches[row] ?? 0) + 1);
      port.postMessage({ batch, lines: bytes, contents: [], dropped: 0 }, [bytes.buffer]);
      most = Math.max(most, batch - words.taken(row));
    }
    await sleep(Math.max(0, beginMs + (tick + 1) * BATCH_MS - performance.now()));
  }
  const endMs = performance.now();
  while (ports.some((_, row) => words.taken(row) < (batches[row] ?? 0))) await sleep(5);
  return { most, behindMs: performance.now() - endMs };
}

await run(5_000);
const rows: string[][] = [];
for (const rate of values.rates.split(',').map(Number)) {
  const beforeMs = performance.now();
  const { most, behindMs } = await run(rate);
  const isKept = performance.now() - beforeMs < seconds * 1_000 * 1.1;
  rows.push([String(rate), String(most), behindMs.toFixed(0), String(lost), isKept ? 'kept up' : 'fell behind']);
}
await records.close();
const HEAD = ['records/s', 'most batches of a worker under way', 'ms behind at the end', 'lost', ''];
process.stdout.write(`${markdown(HEAD, rows)}\n`);
process.exit(0);
