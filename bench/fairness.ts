/**
 * What a tenant that floods costs another one: the time to the first token of a tenant that asks little, alone and
 * beside one of equal weight that sends 50 times as much, before an engine that computes so many requests at once.
 *
 *     node bin/node26.mjs bench/fairness.ts [--rounds 5] [--seconds 20] [--concurrency 16] [--fifo]
 */
import { request } from 'node:http';
import { parseArgs } from 'node:util';
import { startTestGateway, type TestGateway } from '../test/support/gateway.ts';
import { markdown, median } from './table.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    concurrency: { type: 'string', default: '16' },
    /** Also measures vLLM's own queue, which takes long to run empty again. */
    fifo: { type: 'boolean', default: false },
  },
});
const [rounds, seconds, concurrency] = [Number(values.rounds), Number(values.seconds), Number(values.concurrency)];

/** An answer of 0.74 s: 100 ms for the prompt, then 32 tokens at 20 ms. */
const ENGINE = { maxNumSeqs: concurrency, prefillMs: 100, chunkIntervalMs: 20, answerTokens: 32 };
/** Requests a second of the tenant that asks little, and how many times as many the other one sends. */
const RATE = concurrency / 16;
const TIMES = 50;
/** Between two measurements what waits is served or refused. */
const PAUSE_MS = 12_000;
const BODY = JSON.stringify({
  model: 'tiny',
  messages: [{ role: 'user', content: 'Hello there, how are you today?' }],
  max_tokens: ENGINE.answerTokens,
  stream: true,
});

interface Seen {
  /** Milliseconds until the first event, of those that were answered. */
  readonly firstMs: number[];
  refused: number;
}

/** Sends one request on its own connection. */
function ask(port: number, key: string, seen: Seen): void {
  const startMs = performance.now();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const outgoing = request({
    port,
    host: '127.0.0.1',
    path: '/v1/chat/completions',
    method: 'POST',
    headers,
    agent: false,
  });
  outgoing.on('response', (answer) => {
    if (answer.statusCode !== 200) seen.refused++;
    else answer.once('data', () => seen.firstMs.push(performance.now() - startMs));
    answer.resume();
  });
  outgoing.on('error', () => seen.refused++);
  outgoing.end(BODY);
}

/** Sends at random times, so many a second on average, as callers do that know nothing of each other. */
function send(port: number, key: string, perSecond: number): { readonly seen: Seen; stop(): void } {
  const seen: Seen = { firstMs: [], refused: 0 };
  let timer = setTimeout(next, 0);
  function next(): void {
    ask(port, key, seen);
    timer = setTimeout(next, (-Math.log(1 - Math.random()) / perSecond) * 1000);
  }
  return { seen, stop: () => clearTimeout(timer) };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

async function start(isQueued: boolean): Promise<TestGateway> {
  return startTestGateway({
    plain: true,
    workers: 2,
    simulator: { ...ENGINE, keepBodies: false },
    upstreams: [{ name: 'engine', ...(isQueued ? { concurrency } : {}) }],
    config: { limits: { default: UNLIMITED_KEY, perIp: { requestsPerMinute: 'none', connections: 'none' } } },
  });
}
const UNLIMITED_KEY = { requestsPerMinute: 'none', concurrency: 'none' };

interface Round {
  readonly small: readonly number[];
  readonly smallRefused: number;
  readonly flood: number;
  readonly floodRefused: number;
}

async function measure(it: TestGateway, keys: { small: string; flood: string }, isBeside: boolean): Promise<Round> {
  const flood = isBeside ? send(it.port, keys.flood, RATE * TIMES) : undefined;
  // The flood stands before the other one comes.
  await sleep(isBeside ? 5_000 : 0);
  const small = send(it.port, keys.small, RATE);
  await sleep(seconds * 1000);
  small.stop();
  await sleep(1_000);
  flood?.stop();
  await sleep(PAUSE_MS);
  return {
    small: small.seen.firstMs,
    smallRefused: small.seen.refused,
    flood: flood?.seen.firstMs.length ?? 0,
    floodRefused: flood?.seen.refused ?? 0,
  };
}

async function keysOf(it: TestGateway): Promise<{ small: string; flood: string }> {
  const { admin } = it.gateway;
  const known = admin.directory.tenants.get('default');
  if (known === undefined) throw new Error('there is no tenant to copy');
  for (const id of ['small', 'flood']) {
    await admin.commit([{ kind: 'tenant', record: { ...known, id, version: 1 }, expectedVersion: 0 }]);
  }
  return { small: (await it.issue({ tenant: 'small' })).key, flood: (await it.issue({ tenant: 'flood' })).key };
}

const rows: string[][] = [];
for (const isQueued of values.fifo ? [true, false] : [true]) {
  await using it = await start(isQueued);
  const keys = await keysOf(it);
  await measure(it, keys, false);
  const alone: Round[] = [];
  const beside: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure(it, keys, false));
    beside.push(await measure(it, keys, true));
  }
  const p99 = (list: readonly Round[]): number =>
    quantile(
      list.flatMap(({ small }) => small).toSorted((a, b) => a - b),
      0.99,
    );
  const p50 = (list: readonly Round[]): number => median(list.flatMap(({ small }) => small));
  const sum = (of: (round: Round) => number): number => beside.reduce((total, round) => total + of(round), 0);
  rows.push([
    isQueued ? `concurrency ${concurrency}` : "none: vLLM's own queue",
    `${p50(alone).toFixed(0)} / ${p99(alone).toFixed(0)} ms`,
    `${p50(beside).toFixed(0)} / ${p99(beside).toFixed(0)} ms`,
    `${(p99(beside) / p99(alone)).toFixed(2)}x`,
    String(sum(({ smallRefused }) => smallRefused)),
    `${sum(({ flood }) => flood)} / ${sum(({ floodRefused }) => floodRefused)}`,
    String(it.simulator.load().peak),
  ]);
}
const HEAD = [
  '',
  'alone p50 / p99',
  'beside p50 / p99',
  'p99 ratio',
  'refused',
  'flood served / refused',
  'most at the engine',
];
process.stdout.write(`${markdown(HEAD, rows)}\n`);
