import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { clients } from '../../src/cli/connect/index.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { trustingFetch } from '../support/sdk.ts';

let gateway: TestGateway;
let key = '';
let id = '';
before(async () => {
  gateway = await startTestGateway();
  const made = await gateway.issue();
  ({ key } = made);
  ({ id } = made.record);
});
after(() => gateway[Symbol.asyncDispose]());

interface Settings {
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly example: string | null;
}

const run = (line: string) =>
  sallyport(gateway.stateDir, line, {
    env: { SALLYPORT_STATE_DIR: gateway.stateDir, SALLYPORT__LISTEN__PUBLIC_URL: gateway.url },
  });
const settingsFor = async (client: string): Promise<Settings> => {
  const { exit, out, err } = await run(`connect ${client} --key ${id} --json`);
  assert.deepEqual([exit, err], [0, '']);
  return JSON.parse(out) as Settings;
};

for (const { name } of clients) {
  test(`the settings for ${name} name the gateway and the model, and never the key`, async () => {
    const { exit, out } = await run(`connect ${name} --key ${key}`);
    assert.equal(exit, 0);
    assert.ok(out.includes(gateway.url), out);
    assert.ok(out.includes('tiny') || name === 'open-webui', out);
    assert.ok(!out.includes(key));
    assert.ok(!JSON.stringify(await settingsFor(name)).includes(key));
  });
}

test('the OpenAI SDK works with the variables that are printed for it', async () => {
  const { env } = await settingsFor('openai');
  assert.equal(env['OPENAI_API_KEY'], '$SALLYPORT_API_KEY');
  const client = new OpenAI({
    baseURL: env['OPENAI_BASE_URL'],
    apiKey: key,
    maxRetries: 0,
    fetch: trustingFetch(gateway),
  });
  const answer = await client.chat.completions.create({
    model: 'tiny',
    messages: [{ role: 'user', content: 'Hello' }],
  });
  assert.ok(answer.choices[0]?.message.content);
});

test('the Anthropic SDK works with the variables that are printed for it', async () => {
  const { env } = await settingsFor('anthropic');
  const client = new Anthropic({
    baseURL: env['ANTHROPIC_BASE_URL'],
    apiKey: key,
    maxRetries: 0,
    fetch: trustingFetch(gateway),
  });
  const message = { model: 'tiny', max_tokens: 5, messages: [{ role: 'user' as const, content: 'Hello' }] };
  assert.equal((await client.messages.create(message)).type, 'message');
});

test('the line for curl answers as it is printed', async () => {
  const { example } = await settingsFor('curl');
  const out = await new Promise<string>((resolve, reject) => {
    const env = { ...process.env, SALLYPORT_API_KEY: key };
    execFile('sh', ['-c', example ?? ''], { env }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
  assert.equal((JSON.parse(out) as { object: string }).object, 'chat.completion');
});

test('the model is one that the key may use, or the one that is asked for', async () => {
  const { record } = await gateway.issue({ models: ['other'] });
  assert.match((await run(`connect curl --key ${record.id}`)).out, /"model":"other"/);
  assert.match((await run(`connect curl --key ${id} --model mine`)).out, /"model":"mine"/);
});

test('what the printed lines name is text to the shell that they are pasted into', async () => {
  const model = 'a"$(touch${IFS}/nowhere)`id`\\';
  const { out } = await run(`connect claude-code --key ${id} --model ${model}`);
  const line = out.split('\n').find((one) => one.startsWith('export ANTHROPIC_MODEL=')) ?? assert.fail(out);
  const shown = await new Promise<string>((resolve, reject) => {
    execFile('sh', ['-c', `${line}\nprintf %s "$ANTHROPIC_MODEL"`], (error, stdout, stderr) =>
      error === null && stderr === '' ? resolve(stdout) : reject(new Error(stderr)),
    );
  });
  assert.equal(shown, model);
  assert.match(out, /^export ANTHROPIC_AUTH_TOKEN="\$SALLYPORT_API_KEY"$/m);
});

test('a key that the client cannot use is told of at once', async () => {
  const { record } = await gateway.issue({ scopes: ['models:read'] });
  assert.match((await run(`connect claude-code --key ${record.id}`)).err, /has no scope inference:messages/);
  await sallyport(gateway.stateDir, `keys revoke ${record.id}`);
  const revoked = await run(`connect claude-code --key ${record.id}`);
  assert.deepEqual([revoked.exit, revoked.out], [1, '']);
});

for (const { line, exit, err } of [
  { line: 'connect', exit: 2, err: /CLIENT is missing/ },
  { line: 'connect claude --key x', exit: 2, err: /There is no client "claude"/ },
  { line: 'connect corsor --key x', exit: 2, err: /Did you mean "cursor"\?/ },
  { line: 'connect curl', exit: 2, err: /--key is missing/ },
  { line: 'connect curl --key nothing', exit: 1, err: /There is no API key with this id/ },
]) {
  test(`${line}: exit ${exit}, with what to do`, async () => {
    const ran = await run(line);
    assert.deepEqual([ran.exit, ran.out], [exit, '']);
    assert.match(ran.err, err);
  });
}
