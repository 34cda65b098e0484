/**
 * What a tenant that floods costs another one: the time to the first token of a tenant that asks little, alone and
 * beside one of equal weight that sends 50 times as much, before an engine that computes so many requests at once. Engine
 * and callers are on one core, the gateway is on the other.
 *
 *     node bin/node26.mjs bench/fairness.ts [--rounds 5] [--seconds 20] [--concurrency 16] [--fifo]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, listening } from './peers/peer.ts';
import { killAll, LOAD_CORE, PROXY_CORE, run, start } from './processes.ts';
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
const RATE = concurrency / 8;
const TIMES = 50;
/** Longer than the queue's deadline. */
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

const command = fileURLToPath(new URL('../bin/sallyport.mjs', import.meta.url));

/** An engine, a gateway before it and keys of two tenants, each a process of its own as an operator starts them. */
async function startAll(isQueued: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-fairness-'));
  const [port, enginePort] = [await freePort(), await freePort()];
  const words = ['simulate', '--listen', `127.0.0.1:${enginePort}`, '--model', 'tiny', ...engineFlags];
  const engine = start(process.execPath, [command, ...words], {
    core: LOAD_CORE,
    logFile: join(folder, 'engine.log'),
  });
  await listening(enginePort, engine, 'the simulator');
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(
    file,
    `listen: { host: 127.0.0.1, port: ${port}, tls: { mode: off } }
admin: { port: ${await freePort()} }
workers: 2
upstreams: [{ name: engine, url: "http://127.0.0.1:${enginePort}"${isQueued ? `, concurrency: ${concurrency}` : ''} }]
limits:
  default: { requestsPerMinute: none, tokensPerMinute: none, concurrency: none }
  perIp: { requestsPerMinute: none, connections: none }
`,
  );
  const files = ['--config', file, '--state-dir', join(folder, 'state')];
  const keys = { small: '', flood: '' };
  for (const tenant of ['small', 'flood'] as const) {
    await run(process.execPath, [command, 'tenants', 'create', '--name', tenant, ...files]);
    const made = ['keys', 'create', '--name', tenant, '--tenant', tenant, '--json', ...files];
    keys[tenant] = (JSON.parse(await run(process.execPath, [command, ...made])) as { key: string }).key;
  }
  const gateway = start(process.execPath, [command, 'serve', ...files], {
    core: PROXY_CORE,
    logFile: join(folder, 'gateway.log'),
  });
  await listening(port, gateway, 'the gateway');
  return {
    port,
    keys,
    peak: async () => {
      const seen = await fetch(`http://127.0.0.1:${enginePort}/_simulator/requests`);
      await seen.body?.cancel();
      return seen.headers.get('x-simulator-peak') ?? '?';
    },
    async stop() {
      await gateway.stop();
      await engine.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const engineFlags = [
  ...['--max-num-seqs', String(ENGINE.maxNumSeqs), '--prefill-ms', String(ENGINE.prefillMs)],
  ...['--chunk-interval-ms', String(ENGINE.chunkIntervalMs), '--answer-tokens', String(ENGINE.answerTokens)],
];

interface Round {
  readonly small: readonly number[];
  readonly smallRefused: number;
  readonly flood: number;
  readonly floodRefused: number;
}

type Bench = Awaited<ReturnType<typeof startAll>>;

async function measure({ port, keys }: Bench, isBeside: boolean): Promise<Round> {
  const flood = isBeside ? send(port, keys.flood, RATE * TIMES) : undefined;
  // The flood stands before the other one comes.
  await sleep(isBeside ? 5_000 : 0);
  const small = send(port, keys.small, RATE);
  await sleep(seconds * 1000);
  small.stop();
  await sleep(1_000);
  flood?.stop();
  // Between two measurements what waits is served or refused.
  await sleep(isBeside ? PAUSE_MS : 0);
  return {
    small: small.seen.firstMs,
    smallRefused: small.seen.refused,
    flood: flood?.seen.firstMs.length ?? 0,
    floodRefused: flood?.seen.refused ?? 0,
  };
}

process.on('exit', killAll);
const rows: string[][] = [];
for (const isQueued of values.fifo ? [true, false] : [true]) {
  const it = await startAll(isQueued);
  await measure(it, false);
  const alone: Round[] = [];
  const beside: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure(it, false));
    beside.push(await measure(it, true));
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
    await it.peak(),
  ]);
  await it.stop();
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
