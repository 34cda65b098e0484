import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clients } from '../../src/cli/connect/index.ts';
import { defaultSimulatorOptions } from '../../src/simulator/options.ts';
import { sallyport } from '../support/command.ts';
import { connected } from '../support/connected.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

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

const run = promisify(execFile);
const connect = (line: string) =>
  sallyport(gateway.stateDir, line, {
    env: { SALLYPORT_STATE_DIR: gateway.stateDir, SALLYPORT__LISTEN__PUBLIC_URL: gateway.url },
  });

for (const { name } of clients) {
  test(`the settings for ${name} name the gateway and the model, and never the key`, async () => {
    const { exit, out } = await connect(`connect ${name} --key ${key}`);
    assert.equal(exit, 0);
    assert.ok(out.includes(gateway.url), out);
    assert.ok(out.includes('tiny') || name === 'open-webui', out);
    assert.ok(!out.includes(key));
    assert.ok(!(await connect(`connect ${name} --key ${id} --json`)).out.includes(key));
  });
}

for (const name of ['openai', 'anthropic']) {
  test(`the program in JavaScript for ${name} answers as it is printed, with the variables beside it`, async () => {
    const { env, javascript } = await connected(gateway, name, { key, id });
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-connect-'));
    try {
      symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
      writeFileSync(join(folder, 'hello.mjs'), javascript);
      const { stdout } = await run(process.execPath, [join(folder, 'hello.mjs')], { env });
      assert.match(stdout, /^\w+/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test('the line for curl answers as it is printed', async () => {
  const { exports, example } = await connected(gateway, 'curl', { key, id });
  const { stdout } = await run('sh', ['-c', `${exports}${example}`]);
  assert.equal((JSON.parse(stdout) as { object: string }).object, 'chat.completion');
});

test('the model is one that the key may use, or the one that is asked for', async () => {
  const { record } = await gateway.issue({ models: ['other'] });
  assert.match((await connect(`connect curl --key ${record.id}`)).out, /"model":"other"/);
  assert.match((await connect(`connect curl --key ${id} --model mine`)).out, /"model":"mine"/);
});

test('the page of clients says of each what ran', () => {
  const page = readFileSync(new URL('../../docs/reference/clients.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name ?? '');
  assert.deepEqual(rows.sort(), clients.map(({ name }) => name).sort());
  const pinned = readFileSync(new URL('../services/run.ts', import.meta.url), 'utf8');
  for (const [, name, version] of pinned.matchAll(/'(@?[a-z/-]+)(?:@|==)([0-9.]+)'/g)) {
    if (
      /claude-code|codex|opencode|aider|^openai|^anthropic|langchain-openai|langchain\/openai|^ai$/.test(name ?? '')
    ) {
      assert.ok(page.includes(version ?? ''), `${name} ${version}`);
    }
  }
});

test('agents are told the context that the upstream tells', async () => {
  const { maxModelLen } = defaultSimulatorOptions;
  for (const [client, line] of [
    ['claude-code', `export CLAUDE_CODE_MAX_CONTEXT_TOKENS="${maxModelLen}"\n`],
    ['codex', `\nmodel_context_window = ${maxModelLen}\n\n[`],
    ['opencode', `"context": ${maxModelLen},`],
  ] as const) {
    assert.ok((await connect(`connect ${client} --key ${id}`)).out.includes(line), client);
    const unknown = (await connect(`connect ${client} --key ${id} --model mine`)).out;
    assert.doesNotMatch(unknown, /context/i, client);
  }
});

test('what the printed lines name is text to the shell that they are pasted into', async () => {
  const model = 'a"$(touch${IFS}/nowhere)`id`\\';
  const { out } = await connect(`connect claude-code --key ${id} --model ${model}`);
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
  assert.match((await connect(`connect claude-code --key ${record.id}`)).err, /has no scope inference:messages/);
  await sallyport(gateway.stateDir, `keys revoke ${record.id}`);
  const revoked = await connect(`connect claude-code --key ${record.id}`);
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
    const ran = await connect(line);
    assert.deepEqual([ran.exit, ran.out], [exit, '']);
    assert.match(ran.err, err);
  });
}
