import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PNG } from '../../src/vllm/fields/testing.fixture.ts';
import { connected, type Connected } from '../support/connected.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/**
 * Stock SDKs, unmodified, on a tour through the gateway: before the simulator everything that they can ask for, before a
 * real vLLM what its tiny text model can answer. Each has its settings from the lines that `sallyport connect` prints, and
 * begins with the program that is printed there.
 */
const { VLLM_URL = '', PYTHON_WITH_SDKS = '', SDK_DIR = '' } = process.env;
const client = (name: string): string => fileURLToPath(new URL(`./clients/${name}`, import.meta.url));
const run = promisify(execFile);

let simulated: TestGateway;
let real: TestGateway;
let folder = '';
const keys = new Map<TestGateway, { readonly key: string; readonly id: string }>();

before(async () => {
  simulated = await startTestGateway();
  real = await startTestGateway({
    upstreams: [{ name: 'vllm', url: VLLM_URL }],
    // The printed programs name no length, and a random model seldom ends by itself.
    config: { limits: { default: { maxOutputTokens: 64 } } },
  });
  for (const gateway of [simulated, real]) {
    const { key, record } = await gateway.issue();
    keys.set(gateway, { key, id: record.id });
  }
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tour-'));
  symlinkSync(join(SDK_DIR, 'node_modules'), join(folder, 'node_modules'));
});
after(async () => {
  for (const gateway of [simulated, real]) await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Came {
  readonly text?: string;
  readonly calls?: readonly string[];
  readonly length?: number;
  readonly tokens?: number;
  readonly error?: string;
}

interface Tour {
  readonly name: string;
  readonly command: string;
  readonly script: string;
  /** Clients of `connect` whose lines the tour has. */
  readonly clients: readonly string[];
  /** The printed programs that it begins with, by the variable that says where each is. */
  readonly programs: Readonly<Record<string, (of: readonly Connected[]) => string | undefined>>;
  readonly steps: number;
}

const TOURS: readonly Tour[] = [
  {
    name: 'the Vercel AI SDK',
    command: process.execPath,
    script: 'vercel-ai.mjs',
    clients: ['vercel-ai', 'openai'],
    programs: { PRINTED: ([sdk]) => `${sdk?.example}export { sallyport };\n` },
    steps: 19,
  },
  {
    name: 'LangChain for JavaScript',
    command: process.execPath,
    script: 'langchain.mjs',
    clients: ['langchain'],
    programs: { PRINTED: ([sdk]) => `${sdk?.javascript}export { model };\n` },
    steps: 9,
  },
  {
    name: 'the Python SDKs and LangChain',
    command: PYTHON_WITH_SDKS,
    script: 'tour.py',
    clients: ['openai', 'anthropic', 'langchain'],
    programs: {
      PRINTED_OPENAI: ([openai]) => openai?.example,
      PRINTED_ANTHROPIC: ([, anthropic]) => anthropic?.example,
      PRINTED_LANGCHAIN: ([, , langchain]) => langchain?.example,
    },
    steps: 19,
  },
];
/** What a random text model without vision or embeddings cannot do, or not in few tokens. */
const NOT_REAL = /image|embedding|schema|tools/;
/** Its answers to `responses` may hold no text: it reasons as it likes. */
const MAY_BE_EMPTY = /responses/;

async function toured(gateway: TestGateway, tour: Tour): Promise<Readonly<Record<string, Came>>> {
  const key = keys.get(gateway);
  assert.ok(key);
  const settings: Connected[] = [];
  for (const name of tour.clients) settings.push(await connected(gateway, name, key));
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: folder, SDK_DIR, IMAGE: PNG };
  for (const [variable, program] of Object.entries(tour.programs)) {
    env[variable] = join(folder, `${variable.toLowerCase()}${tour.script.replace(/^[^.]*/, '')}`);
    writeFileSync(env[variable], program(settings) ?? '');
  }
  const lines = `${settings.map(({ exports }) => exports).join('')}exec "$@"\n`;
  const words = ['-c', lines, 'sh', tour.command, client(tour.script)];
  const { stdout } = await run('sh', words, { env, maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as Readonly<Record<string, Came>>;
}

for (const tour of TOURS) {
  test(`${tour.name}: every step works before the simulator`, async () => {
    const came = await toured(simulated, tour);
    assert.equal(Object.keys(came).length, tour.steps);
    for (const [step, { error, calls, text, length, tokens }] of Object.entries(came)) {
      assert.equal(error, undefined, step);
      if (step.includes('tools')) assert.deepEqual(calls, ['weather'], step);
      if (!step.includes('tools') || step.includes('printed')) {
        assert.ok((text ?? '') !== '' || (length ?? 0) > 0 || (tokens ?? 0) > 0, step);
      }
    }
  });

  test(`${tour.name}: chat and streams work before a real vLLM`, async () => {
    const came = await toured(real, tour);
    for (const [step, { error, text, tokens }] of Object.entries(came)) {
      if (NOT_REAL.test(step)) continue;
      assert.equal(error, undefined, step);
      if (!MAY_BE_EMPTY.test(step)) assert.ok((text ?? '') !== '' || (tokens ?? 0) > 0, step);
    }
  });
}
