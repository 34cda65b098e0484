import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import type { LogOutput } from '../../src/adapters/log/output.ts';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { loadConfig, renderMistakes } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { ApiKeyRecord } from '../../src/directory/records.ts';
import { plainWish, type ApiKeyWish } from '../../src/directory/issue.ts';
import { issueKey } from '../../src/gateway/issue-key.ts';
import { startGateway, type Gateway } from '../../src/gateway/gateway.ts';

/** A simulator that is running. */
export type Simulator = Awaited<ReturnType<typeof startSimulator>>;

/** A gateway before a simulator, in this process, with a state directory of its own. */
export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly simulator: Simulator;
  readonly stateDir: string;
  /** What it was started with. */
  readonly config: Config;
  /** `https://127.0.0.1:PORT` or `http://…` with TLS off. */
  readonly url: string;
  readonly port: number;
  readonly ca: string | undefined;
  /** Everything that was logged. */
  readonly log: string[];
  /** Makes an API key; with nothing said it has the default scopes and all models. */
  issue(wish?: Partial<ApiKeyWish>): Promise<{ readonly key: string; readonly record: ApiKeyRecord }>;
}

/** What a test wants other than the defaults. */
export interface TestGatewayOptions {
  /** Merged over a configuration that listens on free ports of 127.0.0.1. */
  readonly config?: Record<string, unknown>;
  readonly workers?: number;
  /** Plain HTTP on loopback. */
  readonly plain?: boolean;
  readonly simulator?: Partial<Parameters<typeof startSimulator>[0]>;
  /** Ways to see the simulator as upstreams, as the configuration writes them; one that serves all unless told. */
  readonly upstreams?: readonly Record<string, unknown>[];
  /** Time limits of the simulator as an upstream, as the configuration writes them. */
  readonly upstreamTimeouts?: Record<string, string>;
}

/** Starts a simulator and a gateway before it. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const simulator = await startSimulator({
    host: '127.0.0.1',
    port: 0,
    models: ['tiny'],
    chunkIntervalMs: 0,
    keepBodies: true,
    ...options.simulator,
  });
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  const { listen = {}, ...rest } = (options.config ?? {}) as { listen?: object };
  const loaded = loadConfig({
    env: {},
    overrides: {
      listen: { host: '127.0.0.1', port: 0, ...(options.plain === true ? { tls: { mode: 'off' } } : {}), ...listen },
      admin: { port: 0 },
      workers: options.workers ?? 1,
      upstreams: (options.upstreams ?? [{ name: 'simulator' }]).map((upstream) => ({
        url: simulator.url,
        timeouts: options.upstreamTimeouts ?? {},
        ...upstream,
      })),
      ...rest,
    },
  });
  if (!loaded.ok) throw new Error(renderMistakes(loaded.mistakes));
  const log: string[] = [];
  const gateway = await startGateway({
    config: loaded.config,
    stateDir: openStateDir(dir),
    log: memoryLog(log),
    logFormat: 'json',
  });
  return {
    gateway,
    simulator,
    stateDir: dir,
    config: loaded.config,
    url: `${options.plain === true ? 'http' : 'https'}://127.0.0.1:${gateway.port}`,
    port: gateway.port,
    ca: gateway.caFile === undefined ? undefined : readFileSync(gateway.caFile, 'utf8'),
    log,
    async issue(wish = {}) {
      const { record, value } = await issueKey(gateway.admin, { ...plainWish('test'), ...wish });
      return { key: value, record };
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await simulator.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function memoryLog(lines: string[]): LogOutput {
  const write =
    (level: string) =>
    (event: string, facts: object = {}) =>
      void lines.push(JSON.stringify({ level, event, ...facts }));
  return {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    raw: (text) =>
      void lines.push(
        ...Buffer.from(text as string)
          .toString()
          .split('\n')
          .filter((line) => line !== ''),
      ),
    dropped: () => 0,
    flush: () => undefined,
  };
}
