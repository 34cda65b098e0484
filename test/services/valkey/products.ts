import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../../src/adapters/simulator-server/server.ts';
import { ask, type Answer } from '../../support/http.ts';
import { startTestIssuer, type TestIssuer } from '../../support/issuer.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { startTestServer, type TestServer } from '../../support/valkey.ts';
import type { Simulator } from '../../support/gateway.ts';
import { PROGRAM } from './fleet.ts';

const AUDIENCE = 'https://llm.example.org';

/** A gateway as a process of its own, which can be killed, and started again on its state directory. */
export interface Instance {
  readonly product: () => Product;
  ask(question?: Parameters<typeof ask>[1]): Promise<Answer>;
  /** What its callers have used of their limits, by the limits' names. */
  standing(): Promise<Record<string, { readonly used: number; readonly remaining: number }>>;
  /** Whether its workers count with the server. */
  until(counters: 'up' | 'down'): Promise<void>;
  kill(): Promise<void>;
  start(workers?: number): Promise<void>;
}

/** Instances on one server, before one simulator, which trust one issuer. */
export interface Instances extends AsyncDisposable {
  readonly server: TestServer;
  readonly simulator: Simulator;
  /** URL of the issuer. */
  readonly issuer: string;
  readonly all: readonly Instance[];
}

/** @param limits of each subject, as the configuration writes them */
export async function startInstances(
  count: number,
  limits: object,
  env: Readonly<Record<string, string>> = {},
): Promise<Instances> {
  const server = await startTestServer(PROGRAM);
  const issuer = await startTestIssuer(() => AUDIENCE);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const settings = {
    SALLYPORT__COUNTERS__URL: server.url,
    SALLYPORT__AUTHENTICATION__ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
    SALLYPORT__LIMITS__DEFAULT: JSON.stringify(limits),
    SALLYPORT__LIMITS__PER_IP: JSON.stringify({ requestsPerMinute: 'none', connections: 'none' }),
    ...env,
  };
  const dirs = Array.from({ length: count }, () => mkdtempSync(join(tmpdir(), 'sallyport-instance-')));
  const all = dirs.map((dir) => instanceOf(dir, simulator.url, issuer, settings));
  await Promise.all(all.map((one) => one.start()));
  return {
    server,
    simulator,
    issuer: issuer.url,
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((one) => one.kill()));
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
      await simulator.close();
      await issuer[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function instanceOf(
  dir: string,
  upstream: string,
  issuer: TestIssuer,
  env: Readonly<Record<string, string>>,
): Instance {
  let product: Product | undefined;
  const running = (): Product => {
    if (product === undefined) throw new Error('the instance does not run');
    return product;
  };
  const to = () => ({ url: running().url.replace('https:', 'http:'), ca: undefined, port: 0 });
  const self: Instance = {
    product: running,
    ask: (question) => ask(to(), { key: issuer.token(), ...question }),
    async standing() {
      let { json } = await self.ask({ method: 'GET', path: '/v1/usage' });
      // The question is a request, too, and is refused where all places are taken.
      for (
        ;
        json?.error?.['code'] === 'concurrency_limited';
        { json } = await self.ask({ method: 'GET', path: '/v1/usage' })
      ) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const limits = json?.['limits'] as { name: string; used: number; remaining: number }[];
      return Object.fromEntries(limits.map(({ name, ...one }) => [name, one]));
    },
    async until(counters) {
      for (;;) {
        const { json } = await self.ask({ method: 'GET', path: '/readyz' });
        if (json?.['counters'] === counters) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async kill() {
      const dying = product;
      product = undefined;
      await dying?.end('SIGKILL');
    },
    async start(workers = 2) {
      const words = ['--upstream', upstream, '--tls', 'off', '--workers', String(workers)];
      product = await startProduct(words, dir, env);
    },
  };
  return self;
}
