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
