import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PNG } from '../../src/vllm/fields/testing.fixture.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/**
 * Stock SDKs, unmodified, on a tour through the gateway: before the simulator everything that they can ask for, before a
 * real vLLM what its tiny text model can answer.
 */
const { VLLM_URL = '', PYTHON_WITH_SDKS = '', SDK_DIR = '' } = process.env;
const client = (name: string): string => fileURLToPath(new URL(`./clients/${name}`, import.meta.url));
const run = promisify(execFile);

let simulated: TestGateway;
let real: TestGateway;
const keys = new Map<TestGateway, string>();

before(async () => {
  simulated = await startTestGateway({ plain: true });
  real = await startTestGateway({ plain: true, upstreams: [{ name: 'vllm', url: VLLM_URL }] });
  for (const gateway of [simulated, real]) keys.set(gateway, (await gateway.issue()).key);
});
after(async () => {
  for (const gateway of [simulated, real]) await gateway[Symbol.asyncDispose]();
});

interface Came {
  readonly text?: string;
  readonly calls?: readonly string[];
  readonly length?: number;
  readonly tokens?: number;
  readonly error?: string;
}

async function tour(gateway: TestGateway, command: string, script: string): Promise<Readonly<Record<string, Came>>> {
  const env = {
    ...process.env,
    SDK_DIR,
    ORIGIN: gateway.url,
    BASE_URL: `${gateway.url}/v1`,
    API_KEY: keys.get(gateway),
    IMAGE: PNG,
  };
  const { stdout } = await run(command, [client(script)], { env, maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as Readonly<Record<string, Came>>;
}

const TOURS = [
  { name: 'the Vercel AI SDK', command: process.execPath, script: 'vercel-ai.mjs', steps: 16 },
  { name: 'LangChain for JavaScript', command: process.execPath, script: 'langchain.mjs', steps: 6 },
  { name: 'the Python SDKs and LangChain', command: PYTHON_WITH_SDKS, script: 'tour.py', steps: 14 },
];
/** What a random text model without vision or embeddings cannot do, or not in few tokens. */
const NOT_REAL = /image|embedding|schema|tools/;
/** Its answers to `responses` may hold no text: it reasons as it likes. */
const MAY_BE_EMPTY = /responses/;

for (const { name, command, script, steps } of TOURS) {
  test(`${name}: every step works before the simulator`, async () => {
    const came = await tour(simulated, command, script);
    assert.equal(Object.keys(came).length, steps);
    for (const [step, { error, calls, text, length, tokens }] of Object.entries(came)) {
      assert.equal(error, undefined, step);
      if (step.includes('tools')) assert.deepEqual(calls, ['weather'], step);
      else assert.ok((text ?? '') !== '' || (length ?? 0) > 0 || (tokens ?? 0) > 0, step);
    }
  });

  test(`${name}: chat and streams work before a real vLLM`, async () => {
    const came = await tour(real, command, script);
    for (const [step, { error, text, tokens }] of Object.entries(came)) {
      if (NOT_REAL.test(step)) continue;
      assert.equal(error, undefined, step);
      if (!MAY_BE_EMPTY.test(step)) assert.ok((text ?? '') !== '' || (tokens ?? 0) > 0, step);
    }
  });
}
