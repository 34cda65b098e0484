import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStateDir } from '../src/adapters/files/state-dir.ts';
import { openLog } from '../src/adapters/log/output.ts';
import { codeOf, isStopped, tryExploit, type AttackTarget } from '../src/cli/attack-tour.ts';
import { askPlainly } from '../src/cli/plain-client.ts';
import { table } from '../src/cli/text.ts';
import { loadConfig, renderMistakes } from '../src/config/load.ts';
import { plainWish } from '../src/directory/issue.ts';
import { issueKey } from '../src/gateway/issue-key.ts';
import { startGateway } from '../src/gateway/gateway.ts';
import { SCOPES } from '../src/kernel/scope.ts';
import { exploits } from '../src/vllm/exploits/exploits.ts';

/**
 * Tries everything that worked on a real vLLM through a gateway before a real vLLM: `npm run prove -- --vllm URL`. Each
 * exploit must end as it says, and who asks meanwhile must hardly notice: the median of twenty neighbours stays within
 * twice its baseline and 50 ms. `VLLM_API_KEY` is the key of the server, where it has one.
 */
const { values } = parseArgs({ options: { vllm: { type: 'string' }, model: { type: 'string' } } });
if (values.vllm === undefined) {
  process.stderr.write(
    'Give the root of a vLLM server that you may attack: npm run prove -- --vllm http://127.0.0.1:8000\n',
  );
  process.exit(2);
}

const NEIGHBOURS = 20;
const SLACK_MS = 50;

const stateFolder = mkdtempSync(join(tmpdir(), 'sallyport-prove-'));
const loaded = loadConfig({
  env: process.env,
  overrides: {
    listen: { host: '127.0.0.1', port: 0, tls: { mode: 'off' } },
    admin: { port: 0 },
    upstreams: [{ name: 'vllm', url: values.vllm }],
    limits: { default: { requestsPerMinute: 'none' }, perIp: { requestsPerMinute: 'none', failuresPerMinute: 'none' } },
  },
});
if (!loaded.ok) throw new Error(renderMistakes(loaded.mistakes));
const log = { ...openLog('text', 2), info: () => undefined, raw: () => undefined };
const gateway = await startGateway({
  config: loaded.config,
  stateDir: openStateDir(stateFolder),
  log,
  logFormat: 'text',
});
let failures = 0;
try {
  const { value } = await issueKey(gateway.admin, { ...plainWish('prove'), scopes: [...SCOPES] });
  const target: AttackTarget = { origin: `http://127.0.0.1:${gateway.port}`, key: value };
  const model = values.model ?? (await firstModel(target));
  await neighbours(target, model); // warm
  const baselineMs = await neighbours(target, model);
  const most = 2 * baselineMs + SLACK_MS;
  process.stdout.write(
    `vLLM at ${values.vllm}, model ${model}. A neighbour's median alone: ${baselineMs.toFixed(0)} ms; at most ${most.toFixed(0)} ms meanwhile.\n\n`,
  );
  const rows: string[][] = [];
  for (const exploit of exploits) {
    const [answer, medianMs] = await Promise.all([tryExploit(exploit, model, target), neighbours(target, model)]);
    const isGood = isStopped(exploit, answer) && medianMs <= most;
    if (!isGood) failures++;
    rows.push([
      isGood ? 'ok' : 'FAILED',
      exploit.id,
      `${answer.status} ${codeOf(answer.text)}`.trim(),
      `${medianMs.toFixed(0)} ms`,
      exploit.effect,
    ]);
  }
  process.stdout.write(table([['', 'EXPLOIT', 'THROUGH THE GATEWAY', 'NEIGHBOURS', 'ITS EFFECT WITHOUT'], ...rows]));
  process.stdout.write(`\n${exploits.length - failures} passed, ${failures} failed\n`);
} finally {
  await gateway.stop();
  rmSync(stateFolder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

async function firstModel({ origin, key }: AttackTarget): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const { text } = await askPlainly({ origin, method: 'GET', path: '/v1/models', headers });
  const [first] = (JSON.parse(text) as { data: { id: string }[] }).data;
  if (first === undefined) throw new Error('The server lists no model.');
  return first.id;
}

/** Median milliseconds of small requests of somebody else, one after the other. */
async function neighbours({ origin, key }: AttackTarget, model: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < NEIGHBOURS; i++) {
    const startedMs = performance.now();
    const { status } = await askPlainly({
      origin,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${key}` },
      body: { model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 },
    });
    if (status !== 200) throw new Error(`a neighbour got ${status}`);
    times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(NEIGHBOURS / 2)] ?? 0;
}
