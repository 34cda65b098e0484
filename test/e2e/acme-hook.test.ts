import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createHookPipe, createRecordHook } from '../../src/adapters/acme/challenges/record-hook.ts';

const launcherPart = new URL('../../bin/hook.mjs', import.meta.url).href;
const { serveHook } = (await import(launcherPart)) as { serveHook: (pipe: Socket, program: string) => void };

const RECORD = { name: '_acme-challenge.llm.example.org', value: 'v'.repeat(43) };

/** Both ends of a pipe, the launcher's served by the program with this body. */
async function setUp(context: TestContext, body: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
  const program = join(dir, 'hook.sh');
  const log = join(dir, 'calls');
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$*" >> ${log}\n${body}\n`);
  chmodSync(program, 0o700);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gatewayEnd = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [launcherEnd] = (await once(server, 'connection')) as [Socket];
  serveHook(launcherEnd, program);
  context.after(() => {
    gatewayEnd.destroy();
    launcherEnd.destroy();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  return { program, calls, gatewayEnd, launcherEnd, run: createHookPipe(gatewayEnd) };
}

test('the hook is called with what to do, name and value, one call after the other', async (context) => {
  const { calls, run, program } = await setUp(context, 'sleep 0.1; echo done');
  const hook = createRecordHook(program, run);
  await Promise.all([hook.add(RECORD), hook.add({ ...RECORD, value: 'w'.repeat(43) })]);
  await hook.remove(RECORD);
  assert.deepEqual(calls(), [
    `add ${RECORD.name} ${RECORD.value}`,
    `add ${RECORD.name} ${'w'.repeat(43)}`,
    `remove ${RECORD.name} ${RECORD.value}`,
  ]);
});

test('a hook that fails is said with the end of what it printed, and a removal that fails harms nobody', async (context) => {
  const { run, program } = await setUp(context, 'echo the API key is wrong >&2; exit 3');
  const hook = createRecordHook(program, run);
  await assert.rejects(hook.add(RECORD), /hook\.sh ended with 3 \(the API key is wrong \): it must be a program/);
  await hook.remove(RECORD);
});

test('a hook that cannot be started is said with the reason', async (context) => {
  const { run, program } = await setUp(context, '');
  rmSync(program);
  await assert.rejects(createRecordHook(program, run).add(RECORD), /could not run \(ENOENT\)/);
});

for (const [what, message] of [
  ['another action', { id: 1, action: 'exec', ...RECORD }],
  ['an option in place of a name', { id: 1, action: 'add', ...RECORD, name: '--config=/etc/passwd' }],
  ['a name with a command in it', { id: 1, action: 'add', ...RECORD, name: '_acme-challenge.a;id' }],
  ['a name that is another record', { id: 1, action: 'add', ...RECORD, name: 'www.example.org' }],
  ['a value that is none', { id: 1, action: 'add', ...RECORD, value: '$(id)' }],
  ['what is no JSON', 'nonsense'],
] as const) {
  test(`the launcher runs nothing for ${what}`, async (context) => {
    const { calls, gatewayEnd } = await setUp(context, '');
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    gatewayEnd.write(`${text}\n`);
    const [answer] = (await once(gatewayEnd, 'data')) as [string];
    assert.match(answer, /"code":-1,"tail":"not of the form"/);
    assert.deepEqual(calls(), []);
  });
}

test('a line without end closes the pipe', async (context) => {
  const { gatewayEnd, run } = await setUp(context, '');
  gatewayEnd.write('x'.repeat(10_000));
  await once(gatewayEnd, 'close');
  assert.deepEqual(await run('add', RECORD), { code: -1, tail: 'the launcher has gone' });
});

test('who waits for a hook is told when the launcher ends', async (context) => {
  const { launcherEnd, run } = await setUp(context, 'sleep 5');
  const ended = run('add', RECORD);
  await once(launcherEnd, 'data');
  launcherEnd.destroy();
  assert.deepEqual(await ended, { code: -1, tail: 'the launcher has gone' });
});
