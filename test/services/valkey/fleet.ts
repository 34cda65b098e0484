import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { ask, CHAT, type Answer } from '../../support/http.ts';
import { startTestIssuer, type TestIssuer } from '../../support/issuer.ts';
import { startTestServer, type TestServer } from '../../support/valkey.ts';

const AUDIENCE = 'https://llm.example.org';

/** The server of the counters that the tests run on. */
export const PROGRAM = (process.env['VALKEY_PROGRAMS'] ?? 'redis-server').split(':').at(-1) ?? 'redis-server';

/** Two gateways of two workers each on one server, which trust one issuer. */
export interface Fleet extends AsyncDisposable {
  /** Starts another one, which whoever asks for it ends. */
  readonly join: () => Promise<TestGateway>;
  readonly server: TestServer;
  readonly issuer: TestIssuer;
  readonly gateways: readonly [TestGateway, TestGateway];
}

/** Limits of each subject, as the configuration writes them. */
export interface FleetLimits {
  readonly requestsPerMinute: number | 'none';
  readonly concurrency: number | 'none';
  readonly budget?: { readonly tokens: number; readonly per: 'day' };
}

/** A server that a test has started itself, and by which URL each gateway reaches it. */
export interface OwnServer {
  readonly server: TestServer;
  readonly urls: readonly [string, string];
}

/** @param counters options beside the server's URL @param own left out, the fleet has a server of its own */
export async function startFleet(limits: FleetLimits, counters: object = {}, own?: OwnServer): Promise<Fleet> {
  const server = own?.server ?? (await startTestServer(PROGRAM));
  const [first, second] = own?.urls ?? [server.url, server.url];
  const issuer = await startTestIssuer(() => AUDIENCE);
  const start = (url: string) =>
    startTestGateway({
      workers: 2,
      plain: true,
      config: {
        listen: { publicUrl: AUDIENCE },
        limits: { default: limits, perIp: { requestsPerMinute: 'none', connections: 'none' } },
        authentication: { issuers: [{ issuer: issuer.url }] },
        counters: { url, ...counters },
      },
    });
  const gateways = await Promise.all([start(first), start(second)]);
  return {
    join: () => start(first),
    server,
    issuer,
    gateways,
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
      if (own === undefined) await server[Symbol.asyncDispose]();
    },
  };
}

/** What came of sending without pause. */
export interface Flood {
  readonly answers: readonly Answer[];
  readonly tookMs: number;
}

/** Sends to both gateways in turn from so many callers at once, until told to stop, or so many times in all. */
export async function flood(
  { gateways }: Pick<Fleet, 'gateways'>,
  key: string,
  { callers, times = Infinity, until = () => false }: { callers: number; times?: number; until?: () => boolean },
): Promise<Flood> {
  const answers: Answer[] = [];
  const startedMs = performance.now();
  let sent = 0;
  const caller = async (): Promise<void> => {
    while (sent < times && !until()) {
      const gateway = gateways[sent++ % 2 === 0 ? 0 : 1];
      answers.push(await ask(gateway, { key }));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { answers, tookMs: performance.now() - startedMs };
}

/** Answers by their status and code. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of answers) {
    const name = code === undefined ? String(status) : `${status} ${code}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Tokens that answers have cost. */
export const usedIn = (answers: readonly Answer[]): number =>
  answers.reduce(
    (sum, { json }) => sum + ((json?.['usage'] as { total_tokens: number } | undefined)?.total_tokens ?? 0),
    0,
  );

/**
 * Begins a stream that does not end; resolves with what ends it.
 *
 * @param whenFull `again`: a place may still be on its way back, for the server hears of an answer's end after its caller
 */
export async function hangingStream(
  gateway: TestGateway,
  key: string,
  whenFull: 'fail' | 'again' = 'fail',
): Promise<() => void> {
  gateway.simulator.misbehave({ kind: 'hang-stream', times: 1 });
  for (;;) {
    const stop = new AbortController();
    const ended = await new Promise<string | undefined>((resolve) => {
      ask(gateway, {
        key,
        body: { ...CHAT, stream: true },
        signal: stop.signal,
        onData: (text) => text.startsWith('data:') && resolve(undefined),
      }).then(
        ({ status, code }) => resolve(`${status} ${code}`),
        () => undefined,
      );
    });
    if (ended === undefined) return () => stop.abort();
    if (whenFull === 'fail' || ended !== '429 concurrency_limited') throw new Error(`ended with ${ended}`);
  }
}

/** Asks both gateways whether they count on the server, until they say so. */
export async function untilCounters({ gateways }: Pick<Fleet, 'gateways'>, state: 'up' | 'down'): Promise<void> {
  for (const { url } of gateways) {
    for (;;) {
      const body = (await (await fetch(`${url}/readyz`)).json()) as { counters?: string };
      if (body.counters === state) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
