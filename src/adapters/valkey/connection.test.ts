import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connectTo, whyOf } from './connection.ts';

const PASSWORD = 'not-to-be-seen';

/** A server that answers each command by its first words; `+OK` to what it does not know. */
async function scripted(answers: Record<string, string>) {
  const commands: string[][] = [];
  const server = createServer((socket) => {
    let waiting = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      waiting += text;
      for (;;) {
        const [, count] = /^\*(\d+)\r\n/.exec(waiting) ?? [];
        const parts = waiting.split('\r\n');
        if (count === undefined || parts.length < 2 + 2 * Number(count)) return;
        const words = Array.from({ length: Number(count) }, (_, i) => parts[2 + 2 * i] ?? '');
        commands.push(words);
        waiting = parts.slice(1 + 2 * Number(count)).join('\r\n');
        const found = Object.entries(answers).find(([name]) => words.join(' ').startsWith(name));
        socket.write(`${found?.[1] ?? '+OK'}\r\n`);
      }
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { commands, port, close: () => server.close() };
}

const OPEN = new AbortController().signal;

for (const [name, answers, how] of [
  ['a function where the server has them', { FUNCTION: '$9\r\nsallyport' }, 'FCALL'],
  ['a function that another instance has laid down', { FUNCTION: "-ERR Library 'x' already exists" }, 'FCALL'],
  [
    'a script where the server is older',
    { FUNCTION: "-ERR unknown command 'FUNCTION'", SCRIPT: '$4\r\nhash', EVALSHA: '*1\r\n$2\r\nok' },
    'EVALSHA hash',
  ],
  [
    'a script where its user may not add functions',
    { FUNCTION: '-NOPERM this user has no permissions', SCRIPT: '$4\r\nhash' },
    'EVALSHA hash',
  ],
] as const)
  test(`it is called as ${name}`, async () => {
    const server = await scripted({ ...answers, [how]: '*1\r\n$2\r\nok' });
    const connection = await connectTo(`valkey://127.0.0.1:${server.port}`, 'local x')(() => undefined, OPEN);
    assert.deepEqual(await connection.call(['k1', 'k2'], ['spend', 's']), ['ok']);
    assert.match(
      (server.commands.at(-1) ?? []).join(' '),
      new RegExp(`^${how}( sallyport_[0-9a-f]{16})? 2 k1 k2 spend s$`),
    );
    connection.close();
    server.close();
  });

test('user, password and database of the URL are used, and no failure shows the password', async () => {
  const server = await scripted({ AUTH: '-WRONGPASS invalid username-password pair' });
  const url = `redis://me:${PASSWORD}@127.0.0.1:${server.port}/3`;
  const error = await connectTo(url)(() => undefined, OPEN).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(server.commands.some((words) => words.join(' ') === `AUTH me ${PASSWORD}`));
  assert.equal(whyOf(error), 'WRONGPASS');
  assert.ok(!String(error).includes(PASSWORD));
  server.close();
});

test('who is told that a connection was lost is told once, and only after it was there', async () => {
  const server = await scripted({ FUNCTION: '$9\r\nsallyport', QUIT: '-ERR no' });
  const lost: string[] = [];
  const connection = await connectTo(`redis://127.0.0.1:${server.port}`, 'local x')((why) => void lost.push(why), OPEN);
  connection.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lost.length, 0);
  server.close();
  await assert.rejects(connectTo('redis://127.0.0.1:1')((why) => void lost.push(why), OPEN));
  assert.equal(lost.length, 0);
});

for (const [error, why] of [
  [new Error("OOM command not allowed when used memory > 'maxmemory'"), 'OOM'],
  [new Error("READONLY You can't write against a read only replica."), 'READONLY'],
  [Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:6379'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [new TypeError('redis://user:secret@host'), 'TypeError'],
  ['text', 'unknown'],
] as const satisfies readonly (readonly [unknown, string])[])
  test(`the reason of "${String(error).slice(0, 30)}" is ${why}`, () => assert.equal(whyOf(error), why));
