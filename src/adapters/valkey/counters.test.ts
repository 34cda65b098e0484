import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createScriptedServer, joinsOnly, type ScriptedServer } from '../../../test/support/scripted-connection.ts';
import { CountersUnavailable, type ConcurrencyAsk, type RateAsk } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import { createCounterMemory, createSharedCounters } from '../memory/counters.ts';
import { createValkeyCounters } from './counters.ts';
import { itemOf } from './items.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function open(server: ScriptedServer, onFailure: 'local-share' | 'deny' = 'local-share') {
  const clock = settableClock(1_000_000);
  const changes: (string | boolean)[] = [];
  let ids = 0;
  const counters = createValkeyCounters({
    connect: server.connect,
    clock,
    own: createSharedCounters(createCounterMemory(64, 1, 'seed'), 0),
    instance: 'one',
    newId: () => `s${ids++}`,
    onFailure,
    onChange: (isUp, why) => void changes.push(why ?? isUp),
  });
  await turn();
  const rate: RateAsk = { kind: 'rate', name: 'requests', counter: counters.keyOf('alice'), rate: ratePerMinute(60) };
  const running: ConcurrencyAsk = { kind: 'concurrency', name: 'c', counter: counters.keyOf('bob'), limit: 4 };
  const spend = async (ask: RateAsk | ConcurrencyAsk = rate) => counters.spend([ask], clock.monotonicMs());
  return { clock, counters, changes, rate, running, spend };
}

test('a request is one call, whose names are hashes', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  assert.ok(it.counters.isUp());
  const spent = it.counters.spend([it.running, it.rate], it.clock.monotonicMs());
  const [call] = server.calls.filter(({ op }) => op === 'spend');
  assert.deepEqual(call?.words, ['c', '1', '0', '4', '0', '0', 'r', '1', '0', '1000', '60', '0']);
  assert.match(call.keys.join(' '), /^\{sallyport\}:c:[\w-]{22} \{sallyport\}:r:[\w-]{22}$/);
  assert.ok(!JSON.stringify(server.calls).includes('alice'));
  call.answer(['ok', '1', '0', '0', '0', '59', '1000', '0', '0']);
  const result = await spent;
  assert.ok(result.kind === 'spent');
  assert.deepEqual(result.standings, [
    { name: 'c', limit: 4, remaining: 3, windowS: 0, resetMs: 0 },
    { name: 'requests', limit: 60, remaining: 59, windowS: 60, resetMs: 1000 },
  ]);
});

test('a call that is not answered within 250 ms is decided here, and so are all after it', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const first = it.spend();
  it.clock.advance(249);
  assert.ok(it.counters.isUp());
  it.clock.advance(50);
  assert.equal((await first).kind, 'spent');
  assert.deepEqual(it.changes, [true, 'slow']);
  assert.ok(!(it.counters.spend([it.rate], it.clock.monotonicMs()) instanceof Promise));
  assert.equal(it.counters.failures(), 2);
});

test('a server that fails denies all where that is configured, at once once it is known', async () => {
  const server = createScriptedServer();
  const it = await open(server, 'deny');
  server.isReachable = false;
  const waiting = it.spend();
  server.lose();
  await assert.rejects(waiting, CountersUnavailable);
  assert.throws(() => it.counters.spend([it.rate], it.clock.monotonicMs()), CountersUnavailable);
  assert.deepEqual(it.changes, [true, 'closed']);
});

test('an error of the server is told by its first word only', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const waiting = it.spend();
  server.calls
    .at(-1)
    ?.fail(new Error("OOM command not allowed when used memory > 'maxmemory' for {sallyport}:r:secret"));
  assert.equal((await waiting).kind, 'spent');
  assert.deepEqual(it.changes, [true, 'OOM']);
});

test('a new session announces what is held, and takes the place of the ones before', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const spent = it.spend(it.running);
  server.calls.at(-1)?.answer(['ok', '1', '0', '0', '0']);
  await spent;
  server.lose();
  await it.spend(it.running);
  const released = await it.spend(it.running);
  assert.ok(released.kind === 'spent');
  it.counters.settle(released, [], it.clock.monotonicMs());
  it.clock.advance(250);
  await turn();
  const [, join] = server.calls.filter(({ op }) => op === 'join');
  const field = `c:${itemOf(it.running).id}`;
  assert.deepEqual([join?.session, join?.words], ['s1', ['one', '1', 's0', field, '2']]);
  assert.ok(it.counters.isUp());
});

test('what was spent without the server is told to it, before anything is asked', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  server.lose();
  for (let i = 0; i < 3; i++) await it.spend();
  it.clock.advance(250);
  await turn();
  const [told] = server.calls.filter(({ op }) => op === 'settle');
  assert.deepEqual(told?.words, ['1', 'r', '0', '3000', '1000', '60', '0']);
  const after = server.calls.slice(server.calls.indexOf(told));
  assert.deepEqual(
    after.map(({ op }) => op),
    ['settle', 'beat'],
  );
});

test('a settlement that was not confirmed is told again where the server has not noted it, and only there', async () => {
  for (const [noted, again] of [
    ['0', 1],
    ['1', 0],
  ] as const) {
    const server = createScriptedServer();
    const it = await open(server);
    server.lose();
    await it.spend();
    it.clock.advance(250);
    await turn();
    server.reply = (call) => (call.op === 'join' ? ['ok', '1', '1', '0', '0', noted, '0'] : joinsOnly(call));
    server.lose();
    it.clock.advance(250);
    await turn();
    assert.equal(server.calls.filter(({ op }) => op === 'settle').length, 1 + again, noted);
  }
});

test('a new session tells what was seen last to a server that may have lost it', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const spent = it.spend();
  server.calls.at(-1)?.answer(['ok', '10', '50000', '0', '0']);
  await spent;
  server.reply = (call) => (call.op === 'recall' ? ['ok'] : joinsOnly(call));
  server.lose();
  it.clock.advance(250);
  await turn();
  const [recall] = server.calls.filter(({ op }) => op === 'recall');
  assert.deepEqual(recall?.words, ['r', '0', '49750', '1000', '60', '0']);
});

test('a server that has lost everything decides nothing until all could tell what they know', async () => {
  const server = createScriptedServer();
  server.reply = (call) => (call.op === 'join' ? ['ok', '1', '1', '1500', '0', '-1', '0'] : joinsOnly(call));
  const it = await open(server);
  it.clock.advance(1_499);
  assert.ok(!it.counters.isUp());
  assert.equal((await it.spend()).kind, 'spent');
  assert.equal(server.calls.filter(({ op }) => op === 'settle').length, 0);
  it.clock.advance(1);
  assert.ok(it.counters.isUp());
  assert.equal(server.calls.filter(({ op }) => op === 'settle').length, 1);
});

test('who comes back waits for the members that it knew, or until they must be dead', async () => {
  for (const [isHeard, waitsMs] of [
    [true, 100],
    [false, 5_500],
  ] as const) {
    const server = createScriptedServer();
    let heard = '2';
    server.reply = ({ op }) =>
      op === 'join'
        ? ['ok', '2', '2', '0', '0', '-1', '0']
        : op === 'beat'
          ? ['ok', '2', '2', '0', heard]
          : ['ok', '0', '0', '0', '0'];
    const it = await open(server);
    heard = '1';
    server.lose();
    it.clock.advance(250);
    await turn();
    assert.ok(!it.counters.isUp());
    if (isHeard) heard = '2';
    for (let ms = 0; ms < waitsMs; ms += 100) {
      assert.ok(!it.counters.isUp(), `${ms}`);
      it.clock.advance(100);
      await turn();
    }
    assert.ok(it.counters.isUp(), String(waitsMs));
  }
});

test('a session that the server has given up is replaced at once', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const waiting = it.spend();
  server.calls.at(-1)?.answer(['gone']);
  assert.equal((await waiting).kind, 'spent');
  await turn();
  assert.equal(server.calls.filter(({ op }) => op === 'join').length, 2);
  assert.equal(server.connections(), 1);
});

test('it is left when the thread ends', async () => {
  const server = createScriptedServer();
  server.reply = (call) => (call.op === 'leave' ? ['ok'] : joinsOnly(call));
  const it = await open(server);
  await it.counters.close();
  assert.equal(server.calls.at(-1)?.op, 'leave');
});
