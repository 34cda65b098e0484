import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectTo, type Reply } from '../../src/adapters/valkey/connection.ts';
import { PREFIX } from '../../src/adapters/valkey/items.ts';
import { startTestServer } from '../support/valkey.ts';
import { PROGRAM } from './valkey/fleet.ts';
import { CLOCK, TIMED } from './valkey/open.ts';

/** The function on the server by itself, called as sessions call it, at times that the test says. */
const server = await startTestServer(PROGRAM);
after(() => server[Symbol.asyncDispose]());
const connection = await connectTo(server.url, TIMED)(() => undefined, new AbortController().signal);
after(() => connection.close());

const NOON_MS = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;

const setTime = (ms: number): Promise<string> => server.command('SET', CLOCK, String(ms));

/** Of an empty server. */
async function startAt(ms: number): Promise<void> {
  await server.command('FLUSHALL');
  await setTime(ms);
}

function call(op: string, session: string, words: readonly string[] = [], counters: readonly string[] = []) {
  const keys = ['members', 'instances', 'epoch', `held:${session}`, ...counters].map((name) => PREFIX + name);
  return connection.call(keys, [op, session, ...words]);
}

const join = (session: string, held: readonly string[] = [], before: readonly string[] = []): Promise<Reply> =>
  call('join', session, [`instance-${session}`, String(before.length), ...before, ...held]);
const beat = (session: string, since = '0'): Promise<Reply> => call('beat', session, [`instance-${session}`, since]);
/** One of three that may run at once. */
const run = (session: string, name = 'c:one'): Promise<Reply> =>
  call('spend', session, ['c', '1', '0', '3', '0', '0'], [name]);

/** Joins, and goes on until calls are let in. */
async function open(...sessions: readonly string[]): Promise<void> {
  await startAt(NOON_MS);
  for (const session of sessions) assert.equal((await join(session))[0], 'ok');
  await setTime(NOON_MS + 1_500);
  for (const session of sessions) assert.equal((await beat(session))[0], 'ok');
}

test('a server whose clock was ahead when it lost its data lets in 1.5 s after the clock was put right', async () => {
  for (const met of ['spend', 'beat', 'join'] as const) {
    await startAt(NOON_MS + HOUR_MS);
    assert.equal((await join('a'))[3], '1500');
    await setTime(NOON_MS);
    // All have to tell what they know first: it may have been lost in this moment.
    if (met === 'spend') assert.deepEqual(await run('a'), ['closed', '1500']);
    else assert.equal((await (met === 'beat' ? beat('a') : join('b')))[3], '1500');
    await setTime(NOON_MS + 1_499);
    assert.deepEqual(await run('a'), ['closed', '1']);
    await setTime(NOON_MS + 1_500);
    assert.equal((await run('a'))[0], 'ok', met);
    assert.equal((await beat('a'))[3], '0');
  }
});

test('what a dead session holds comes back 5 s after the clock was put back, not once it has caught up', async () => {
  await open('dead', 'living');
  for (let i = 0; i < 3; i++) assert.equal((await run('dead'))[0], 'ok');
  assert.equal((await run('living'))[0], 'refused');
  await setTime(NOON_MS - HOUR_MS);
  // What lies ahead of the time is not taken for a sign of life.
  assert.deepEqual((await beat('living', '1')).slice(1, 3), ['2', '2']);
  assert.equal((await beat('living', String(NOON_MS - HOUR_MS - Date.UTC(2026, 0, 1))))[4], '1');
  for (let ms = 0; ms <= 5_500; ms += 500) {
    await setTime(NOON_MS - HOUR_MS + ms);
    await beat('living');
  }
  assert.equal((await run('living'))[0], 'ok');
  assert.deepEqual((await beat('living')).slice(1, 3), ['1', '1']);
});

test('who lives when the clock is put back keeps its places', async () => {
  await open('one', 'other');
  for (let i = 0; i < 3; i++) await run('one');
  for (let ms = 0; ms <= 8_000; ms += 500) {
    await setTime(NOON_MS - HOUR_MS + ms);
    await beat('other');
    await beat('one');
  }
  assert.equal((await run('other'))[0], 'refused');
  assert.deepEqual((await beat('other')).slice(1, 3), ['2', '2']);
});

test('a clock that is stepped forwards drains what drains, and gives places to others until who has them has joined again', async () => {
  const rate = ['r', '1', '0', '1000', '1', '0'];
  await open('a', 'b');
  for (let i = 0; i < 3; i++) await run('a');
  assert.equal((await call('spend', 'a', rate, ['r:one']))[0], 'ok');
  assert.equal((await call('spend', 'a', rate, ['r:one']))[0], 'refused');
  await setTime(NOON_MS + 1_500 + 6_000);
  assert.equal((await call('spend', 'a', rate, ['r:one']))[0], 'ok');
  assert.equal((await run('b'))[0], 'refused');
  assert.equal((await beat('b'))[0], 'ok');
  assert.equal((await run('b'))[0], 'ok');
  assert.deepEqual(await run('a'), ['gone']);
  await join('a2', ['c:one', '3'], ['a']);
  assert.equal((await run('b'))[0], 'refused');
});

test('who has much to tell is not found dead while it tells it', async () => {
  await open('living');
  await join('late');
  const window = [String(NOON_MS - 12 * HOUR_MS), String(12 * HOUR_MS)];
  for (let ms = 0; ms <= 10_000; ms += 2_500) {
    await setTime(NOON_MS + 1_500 + ms);
    assert.deepEqual(await call('recall', 'late', ['d', '0', '5', '0', ...window], ['a:day']), ['ok']);
    assert.deepEqual((await beat('living')).slice(0, 2), ['ok', '2']);
  }
});

for (const op of ['settle', 'recall'] as const) {
  test(`what a ${op} tells of a window, by a clock that is a day ahead, does not have it forgotten`, async () => {
    await open('a', 'b');
    const day = (endsInMs: number, ...amounts: [string, string]): string[] => [
      ...['d', ...amounts, '100', String(NOON_MS - 12 * HOUR_MS)],
      String(endsInMs),
    ];
    await call('settle', 'a', ['1', ...day(12 * HOUR_MS, '0', '95')], ['a:day']);
    const words = day(-12 * HOUR_MS, '0', '96');
    await call(op, 'b', op === 'settle' ? ['1', ...words] : words, ['a:day']);
    const used = Number((await call('peek', 'a', day(12 * HOUR_MS, '1', '0'), ['a:day']))[1]);
    assert.equal(used, op === 'settle' ? 191 : 96);
  });
}

/** What somebody else has put where we count. */
const FOREIGN: readonly (readonly [what: string, ...command: string[]])[] = [
  ['a list', 'RPUSH', 'x'],
  ['a set', 'SADD', 'x'],
  ['text', 'SET', 'hello'],
  ['words', 'SET', 'one two three four'],
  ['NaN', 'SET', 'nan'],
  ['four NaN', 'SET', 'nan nan nan nan'],
  ['infinity', 'SET', 'inf'],
  ['a number that is none of ours', 'SET', '1e300'],
  ['four of them', 'SET', '1e300 1e300 1e300 1e300'],
  ['units that take for ever to drain', 'SET', '9007199254740991 0 0 0'],
];

async function put(key: string, [, command = '', ...values]: readonly [string, ...string[]]): Promise<void> {
  await server.command('DEL', PREFIX + key);
  await server.command(command, PREFIX + key, ...values);
}

const ITEMS = [
  ['c:one', 'c', '1', '0', '3', '0', '0'],
  ['r:one', 'r', '1', '0', '1000', '60', '0'],
  ['a:one', 'a', '1', '0', '10', '60000', '0'],
  ['a:day', 'd', '1', '0', '100', String(NOON_MS - 12 * HOUR_MS), String(12 * HOUR_MS)],
] as const;

for (const foreign of FOREIGN) {
  test(`${foreign[0]} in the place of a counter fails no call that meets it`, async () => {
    for (const [key, ...words] of ITEMS) {
      const [kind, , , ...bound] = words;
      const told = [kind, '1', kind === 'r' ? '1000' : '1', ...bound];
      const calls: readonly (readonly [op: string, ...words: string[]])[] = [
        ['peek', ...words],
        ...(kind === 'c' ? [] : [['recall', ...told] as const]),
        ['settle', '7', ...told],
        ...(kind === 'r' || kind === 'c' ? [] : [['extend', ...words] as const]),
        ['touch'],
      ];
      for (const [op, ...itsWords] of calls) {
        await open('a');
        await put(key, foreign);
        assert.equal((await call(op, 'a', itsWords, [key]))[0], 'ok', `${key} ${op}`);
      }
      await open('a');
      await put(key, foreign);
      // Of what drains for ever nothing is left, as it says.
      const asked = (await call('spend', 'a', words, [key]))[0];
      assert.equal(asked, foreign[2]?.startsWith('9007') === true && kind === 'a' ? 'refused' : 'ok', key);
      // Held, then given up: by whoever finds it dead, and by who takes its place.
      for (const by of ['beat', 'join'] as const) {
        await open('a', 'b');
        await call('spend', 'a', words, [key]);
        await put(key, foreign);
        await setTime(NOON_MS + 5_000);
        if (by === 'join') assert.equal((await join('c', key.startsWith('r') ? [] : [key, '1'], ['a']))[0], 'ok');
        await beat('b');
        await setTime(NOON_MS + 6_700);
        assert.deepEqual((await beat('b')).slice(0, 2), ['ok', by === 'join' ? '2' : '1'], key);
      }
    }
  });

  test(`${foreign[0]} in the place of what is known of sessions is lost, and they go on or join anew`, async () => {
    for (const key of ['members', 'instances', 'epoch', 'held:a', 'ended:before']) {
      for (const op of ['spend', 'settle', 'beat', 'leave'] as const) {
        await open('a', 'b');
        await run('a');
        await put(key, foreign);
        const words = {
          spend: ['c', '1', '0', '3', '0', '0'],
          settle: ['7', 'c', '1', '0', '3', '0', '0'],
          beat: ['i', '0'],
        };
        const reply = await call(
          op,
          'a',
          op === 'leave' ? [] : words[op],
          op === 'spend' || op === 'settle' ? ['c:one'] : [],
        );
        assert.equal(reply[0], key === 'members' ? 'gone' : 'ok', `${key} ${op}`);
        assert.equal((await join('a2', ['c:one', '1'], ['a', 'before']))[0], 'ok', `${key} ${op}`);
        await setTime(NOON_MS + 3_000);
        for (const session of ['a2', 'b']) {
          const alive = (await beat(session))[0];
          if (key === 'members' && session === 'b') assert.equal(alive, 'gone');
          else assert.equal(alive, 'ok', `${key} ${op} ${session}`);
        }
        assert.equal((await run('a2'))[0], 'ok', `${key} ${op}`);
      }
    }
  });
}

test('fields of others in what a session holds are passed over, and no key of ours is deleted for them', async () => {
  await open('a', 'b');
  await run('a');
  await server.command('HSET', `${PREFIX}held:a`, 'members', '1', 'c:one', 'hello', 'a:one', 'nan', 'seq', 'x');
  assert.deepEqual(await call('leave', 'a'), ['ok']);
  assert.deepEqual((await beat('b')).slice(0, 2), ['ok', '1']);
});

test('what the server itself refuses is still an error, and changes nothing', async () => {
  await open('a');
  await server.command('RPUSH', `${PREFIX}c:one`, 'x');
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  await assert.rejects(run('a'), /OOM/);
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  await server.command('REPLICAOF', '127.0.0.1', '9');
  await assert.rejects(run('a'), /READONLY/);
  await server.command('REPLICAOF', 'NO', 'ONE');
  assert.equal((await run('a'))[0], 'ok');
});
