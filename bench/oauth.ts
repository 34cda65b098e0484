import { argon2Sync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, homedir, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBrowser } from '../test/support/browser.ts';
import { PUBLIC_URL } from '../test/support/oauth.ts';
import { createStockClient, createUser, REDIRECT, tokensFor } from '../test/support/people.ts';
import { buildLoad, load, startUpstream } from './load.ts';
import { gateway } from './peers/gateway.ts';
import { freePort, listening, type RunningPeer } from './peers/peer.ts';
import { cpuUs, killAll, LOAD_CORE, PROXY_CORE, run, start, stopAll } from './processes.ts';
import { markdown, median } from './table.ts';

/**
 * What the authorization server costs, the gateway on one core and the load on another: tokens by client credentials
 * beside oidc-provider alone, what the requests to vLLM feel of them, and the whole way of a code.
 */
const ROUNDS = Number(process.argv[2] ?? '5');
const SECONDS = 3;
const WARM_S = 1.5;
/** Tokens a second beside which the data plane is looked at, and its own requests a second. */
const TOKENS_PER_S = 200;
const CHATS_PER_S = 500;
/** Whole ways of a code in one round. */
const CODES = 10;
const CHAT = { model: 'tiny', messages: [{ role: 'user', content: 'Hello there.' }], max_tokens: 16 };

const out = fileURLToPath(new URL('./out/', import.meta.url));
const installs = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport-bench');
const work = mkdtempSync(join(tmpdir(), 'sallyport-bench-oauth-'));
process.on('exit', () => {
  killAll();
  rmSync(work, { recursive: true, force: true });
});

interface Issuer {
  readonly pid: number;
  readonly url: string;
  readonly credentials: string;
}

interface Load {
  readonly count: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const figures = new Map<string, number[]>();
const note = (name: string, value: number): void => void figures.set(name, [...(figures.get(name) ?? []), value]);
const figure = (name: string): number => median(figures.get(name) ?? []);

try {
  mkdirSync(out, { recursive: true });
  await buildLoad(installs);
  const upstream = await startUpstream(work);
  process.env['SALLYPORT__LISTEN__PUBLIC_URL'] = PUBLIC_URL;
  const setting = { folder: work, installs, upstreamUrl: upstream.url, tls: undefined, core: PROXY_CORE, workers: 1 };
  const running = await gateway.start(setting);
  const port = Number(new URL(running.url).port);
  const it = { port, stateDir: join(work, 'state') };
  const service = await createStockClient(it, '--name s --grants client_credentials --scopes inference:chat');
  const own: Issuer = {
    pid: running.started.pid,
    url: `http://127.0.0.1:${port}/oauth/token`,
    credentials: `${service.id}:${service.secret ?? ''}`,
  };
  const bare = await startBare();
  await createUser(it, '--name ada --scopes inference:chat');
  const app = await createStockClient(
    it,
    `--name a --grants authorization_code --scopes inference:chat --redirect-uri ${REDIRECT}`,
  );
  for (let round = -1; round < ROUNDS; round++) {
    const isKept = round >= 0;
    await measureIssue(own, 'own', isKept);
    await measureIssue(bare, 'bare', isKept);
    await measureBeside(running, own, isKept);
    await measureCodes(it, app.config, isKept);
  }
  report();
} finally {
  await stopAll();
}

async function startBare(): Promise<Issuer> {
  const port = await freePort();
  const secret = randomBytes(32).toString('base64url');
  const script = fileURLToPath(new URL('./peers/bare-oidc.ts', import.meta.url));
  const started = start(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, String(port), 'bench', secret],
    {
      core: PROXY_CORE,
      logFile: join(work, 'bare.log'),
    },
  );
  await listening(port, started, 'oidc-provider');
  return { pid: started.pid, url: `http://127.0.0.1:${port}/token`, credentials: `bench:${secret}` };
}

async function tokens({ url, credentials }: Issuer, rate: number, seconds = SECONDS): Promise<Load> {
  const script = fileURLToPath(new URL('./oauth-load.ts', import.meta.url));
  const words = ['--disable-warning=ExperimentalWarning', script, url, credentials, String(seconds), String(rate), '8'];
  // Behind the other load on its core: else what is measured there is how the two generators share it.
  const [command, ...first] = ['nice', '-n', '10', process.execPath];
  // The program's own output form.
  const result = JSON.parse(await run(command ?? '', [...first, ...words], { core: LOAD_CORE })) as Load;
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.count} tokens were refused by ${url}`);
  return result;
}

async function measureIssue(issuer: Issuer, name: string, isKept: boolean): Promise<void> {
  const before = cpuUs(issuer.pid);
  const { count } = await tokens(issuer, 0);
  if (!isKept) return;
  note(`${name} rate`, count / SECONDS);
  note(`${name} cpu`, (cpuUs(issuer.pid) - before) / count);
}

/** Requests to vLLM at a fixed rate, alone and while tokens are issued. */
async function measureBeside(running: RunningPeer, issuer: Issuer, isKept: boolean): Promise<void> {
  const chats = () => load('open', running, CHAT, { rate: CHATS_PER_S, seconds: SECONDS });
  const idle = await chats();
  const issuing = tokens(issuer, TOKENS_PER_S, SECONDS + 2 * WARM_S);
  // The start of a generator is work, too.
  await new Promise((resolve) => setTimeout(resolve, WARM_S * 1000));
  const busy = await chats();
  const issued = await issuing;
  if (idle.errors + busy.errors > 0) throw new Error(idle.error + busy.error);
  if (!isKept) return;
  note('idle p50', idle.p50Ms);
  note('idle p99', idle.p99Ms);
  note('busy p50', busy.p50Ms);
  note('busy p99', busy.p99Ms);
  note('token p99', issued.p99Ms);
}

/** The gateway's own account of each request of a code's way, from its log; sign-in has the password hash in it. */
async function measureCodes(
  it: { readonly port: number; readonly stateDir: string },
  config: Parameters<typeof tokensFor>[1],
  isKept: boolean,
): Promise<void> {
  for (let i = 0; i < CODES; i++) {
    const before = requestsMs().length;
    await tokensFor(createBrowser(it), config, 'ada');
    // Lines are written in batches.
    while (
      !requestsMs()
        .slice(before)
        .some(({ path }) => path === '/oauth/token')
    )
      await new Promise((resolve) => setTimeout(resolve, 20));
    const way = requestsMs().slice(before);
    const startedMs = performance.now();
    argon2Sync('argon2id', {
      message: 'correct horse battery',
      nonce: randomBytes(16),
      parallelism: 1,
      tagLength: 32,
      memory: 19_456,
      passes: 2,
    });
    if (!isKept) continue;
    note('argon2', performance.now() - startedMs);
    note('code requests', way.length);
    const all = way.reduce((sum, { ms }) => sum + ms, 0);
    const signIn = Math.max(...way.filter(({ method }) => method === 'POST').map(({ ms }) => ms));
    note('code with hash', all);
    note('code without sign-in', all - signIn);
    note('sign-in', signIn);
  }
}

function requestsMs(): { method: string; path: string; ms: number }[] {
  return readFileSync(join(work, 'sallyport.log'), 'utf8')
    .split('\n')
    .filter(
      (line) =>
        line.includes('"event":"request"') && /"path":"\/oauth\//.test(line) && !line.includes('"outcome":"abort"'),
    )
    .map((line) => {
      const { method, path, durationMs } = JSON.parse(line) as { method: string; path: string; durationMs: number };
      return { method, path, ms: durationMs };
    });
}

function report(): void {
  const ms = (name: string) => `${figure(name).toFixed(1)} ms`;
  const said = (isKept: boolean) => (isKept ? 'kept' : 'MISSED');
  const codeMs = figure('code with hash') - figure('argon2');
  const rows = [
    [
      'client credentials, tokens a second on one core',
      figure('own rate').toFixed(0),
      `oidc-provider alone ${figure('bare rate').toFixed(0)}`,
      `≥ ${TOKENS_PER_S}`,
      said(figure('own rate') >= TOKENS_PER_S),
    ],
    [
      'CPU for each',
      `${(figure('own cpu') / 1000).toFixed(2)} ms`,
      `oidc-provider alone ${(figure('bare cpu') / 1000).toFixed(2)} ms`,
      '',
      '',
    ],
    [
      `chat at ${CHATS_PER_S}/s beside ${TOKENS_PER_S} tokens/s on the same core, p50`,
      ms('busy p50'),
      `without them ${ms('idle p50')}`,
      '',
      '',
    ],
    [
      'the same, p99',
      ms('busy p99'),
      `without them ${ms('idle p99')}`,
      '≤ 1.2x',
      said(figure('busy p99') <= 1.2 * figure('idle p99')),
    ],
    [
      `a code's whole way, ${figure('code requests').toFixed(0)} requests, server time without the password hash`,
      `${codeMs.toFixed(1)} ms`,
      `with it ${ms('code with hash')}`,
      '≤ 50 ms',
      said(codeMs <= 50),
    ],
    ['one password hash (argon2id, 19 MiB, 2 passes)', ms('argon2'), '', '', ''],
  ];
  const text = [
    `Authorization server, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown'}: medians of ${ROUNDS} interleaved rounds; load average at the end ${loadavg()[0]?.toFixed(1)}.`,
    '',
    markdown(['', 'Sallyport', 'beside', 'to keep', ''], rows),
    '',
    'Command: node bin/node26.mjs bench/oauth.ts',
    '',
  ].join('\n');
  writeFileSync(join(out, `oauth-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.md`), text);
  process.stdout.write(text);
}
