import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createScriptedServer, joinsOnly, type ScriptedServer } from '../../../test/support/scripted-connection.ts';
import { CountersUnavailable, type AmountAsk, type ConcurrencyAsk, type RateAsk } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import type { JournalPage, RestoredJournal } from '../../limits/journal.ts';
import { createCounterMemory, createSharedCounters } from '../memory/counters.ts';
import { createValkeyCounters } from './counters.ts';
import { itemOf } from './items.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function open(
  server: ScriptedServer,
  onFailure: 'local-share' | 'deny' = 'local-share',
  before?: RestoredJournal,
) {
  const clock = settableClock(1_000_000);
  const changes: (string | boolean)[] = [];
  const pages: JournalPage[] = [];
  let ids = 0;
  const counters = createValkeyCounters({
    connect: server.connect,
    ...{ clock, wall: clock },
    own: createSharedCounters(createCounterMemory(64, 1, 'seed'), 0),
    instance: 'one',
    newId: () => `s${ids++}`,
    onFailure,
    onChange: (isUp, why) => void changes.push(why ?? isUp),
    before,
    onJournal: (page) => void pages.push(page),
  });
  await turn();
  const rate: RateAsk = { kind: 'rate', name: 'requests', counter: counters.keyOf('alice'), rate: ratePerMinute(60) };
  const running: ConcurrencyAsk = { kind: 'concurrency', name: 'c', counter: counters.keyOf('bob'), limit: 4 };
  const spend = async (ask: RateAsk | ConcurrencyAsk = rate) => counters.spend([ask], clock.monotonicMs());
  return { clock, counters, changes, pages, rate, running, spend };
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

test('a budget is told to a server that may have lost it, however many rates were seen since', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const spent = it.counters.spend([tokens(it, 10)], it.clock.monotonicMs());
  server.calls.at(-1)?.answer(['ok', '30', '900000', '10', '0']);
  await spent;
  server.reply = (call) =>
    call.op === 'spend' ? ['refused', '0', '0', '60000', '1000', '0'] : call.op === 'recall' ? ['ok'] : joinsOnly(call);
  for (let i = 0; i < 17_000; i++) await it.spend({ ...it.rate, counter: it.counters.keyOf(`user-${i}`) });
  server.lose();
  it.clock.advance(250);
  await turn();
  const told = said(server, 'recall').flatMap(({ words }) => words.filter((_, at) => at % 6 === 0));
  assert.deepEqual([told.filter((kind) => kind === 'd').length, told.length], [1, 16_385]);
});

test('a session takes as long as there is much to tell, and no longer than 2 s without an answer', async () => {
  const server = createScriptedServer();
  const waiting: (() => void)[] = [];
  server.reply = (call) => {
    if (call.op !== 'recall') return joinsOnly(call);
    waiting.push(() => call.answer(['ok']));
    return undefined;
  };
  const window = { windowStartMs: 900_000, windowEndMs: 1_900_000 };
  const seen = Array.from({ length: 1_000 }, (_, i) => ({ id: `x${i}`, ...window, used: 12 }));
  const it = await open(server, 'local-share', { thread: undefined, seen });
  for (const part of [4, 4, 2]) {
    assert.equal(waiting.length, part);
    it.clock.advance(1_999);
    for (const answer of waiting.splice(0)) answer();
    await turn();
  }
  assert.ok(it.counters.isUp());
  server.lose();
  it.clock.advance(250);
  await turn();
  it.clock.advance(2_000);
  assert.equal(waiting.length, 4);
  for (const answer of waiting.splice(0)) answer();
  await turn();
  assert.ok(!it.counters.isUp());
});

test('a server that has lost everything decides nothing until all could tell what they know', async () => {
  const server = createScriptedServer();
  server.reply = (call) => (call.op === 'join' ? ['ok', '1', '1', '1500', '0', '-1', '0'] : joinsOnly(call));
  const it = await open(server);
  it.clock.advance(1_501);
  assert.ok(!it.counters.isUp());
  assert.equal((await it.spend()).kind, 'spent');
  assert.equal(server.calls.filter(({ op }) => op === 'settle').length, 0);
  it.clock.advance(1);
  assert.ok(it.counters.isUp());
  assert.equal(server.calls.filter(({ op }) => op === 'settle').length, 1);
});

for (const heardBy of ['spend', 'beat'] as const) {
  test(`a server that lets nothing in is seen as one that does not decide, by a ${heardBy}, until it opens`, async () => {
    const server = createScriptedServer();
    const it = await open(server);
    let opensInMs = 1_500;
    server.reply = ({ op }) => {
      if (op === 'spend') return ['closed', String(opensInMs)];
      if (op === 'settle') return ['ok', '0', '0', '0', '0'];
      return op === 'join' || op === 'beat' ? ['ok', '1', '1', String(opensInMs), '1', '-1', '0'] : ['ok'];
    };
    // Decided here, like all that comes while it is closed.
    if (heardBy === 'spend') assert.equal((await it.spend()).kind, 'spent');
    else it.clock.advance(500);
    await turn();
    assert.ok(!it.counters.isUp());
    assert.deepEqual(it.changes, [true, 'incomplete']);
    // It is told what is known: a part of it may be lost.
    assert.equal(server.calls.filter(({ op }) => op === 'join').length, 2);
    opensInMs = 0;
    it.clock.advance(1_502);
    await turn();
    assert.deepEqual(it.changes, [true, 'incomplete', true]);
  });
}

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

test('a server that refuses every session is told the last one that it let in and those of the last quarter of a minute', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  server.reply = () => undefined;
  server.lose();
  const joins = () => server.calls.filter(({ op }) => op === 'join');
  for (let i = 1; i <= 100; i++) {
    it.clock.advance(250);
    await turn();
    joins().at(-1)?.fail(new Error('LOADING'));
    await turn();
  }
  const names = joins().at(-1)?.words.slice(2) ?? [];
  assert.deepEqual([names.length, names[0], names[1], names.at(-1)], [64, 's0', 's37', 's99']);
  assert.deepEqual(it.pages.at(-1)?.thread.sessions.length, 64);
  server.reply = joinsOnly;
  it.clock.advance(250);
  await turn();
  assert.ok(it.counters.isUp());
});

test('a session that was let in too late is told to the server by the next one', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  server.reply = () => undefined;
  server.lose();
  it.clock.advance(250);
  await turn();
  it.clock.advance(2_000);
  server.calls.at(-1)?.answer(['ok', '1', '1', '0', '0', '-1', '0']);
  await turn();
  server.reply = joinsOnly;
  it.clock.advance(250);
  await turn();
  assert.deepEqual(said(server, 'join').at(-1)?.words.slice(2), ['s1']);
  assert.ok(it.counters.isUp());
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

const WINDOW = { startMs: 900_000, endMs: 1_900_000, endsAtMs: 1_900_000 };
const tokens = ({ counters }: Awaited<ReturnType<typeof open>>, cost: number, limit = 100): AmountAsk => ({
  ...{ kind: 'amount', name: 'budget', counter: counters.keyOf('team'), cost },
  bound: { kind: 'budget', limit, window: WINDOW },
});
const said = (server: ScriptedServer, asked: string) => server.calls.filter(({ op }) => op === asked);

test('what was used of budgets and is not known to have arrived stands on a page within 400 ms, what was heard beside it', async () => {
  const server = createScriptedServer();
  const it = await open(server);
  const asked = it.counters.spend([tokens(it, 10)], it.clock.monotonicMs());
  server.calls.at(-1)?.answer(['ok', '30', '900000', '10', '0']);
  const first = await asked;
  assert.ok(first.kind === 'spent');
  server.isReachable = false;
  server.lose();
  it.counters.settle(first, [7], it.clock.monotonicMs());
  it.clock.advance(400);
  const { id } = itemOf(tokens(it, 1));
  const budget = { id, windowStartMs: 900_000, windowEndMs: 1_900_000 };
  const thread = { sessions: ['s0'], members: 1, instances: 1, untold: [{ ...budget, used: 7, seq: 1 }] };
  assert.deepEqual(it.pages.at(-1), { thread, seen: [{ ...budget, used: 30 }] });
  const pages = it.pages.length;
  it.clock.advance(400);
  assert.equal(it.pages.length, pages);
});

test('who takes the place of a thread that was killed tells what the server has not noted, once', async () => {
  for (const [noted, told] of [
    ['-1', ['4', '3']],
    ['4', ['3']],
    ['5', []],
    ['9', []],
  ] as const) {
    const server = createScriptedServer();
    server.reply = (call) => (call.op === 'join' ? ['ok', '1', '1', '0', '1', noted, '0'] : joinsOnly(call));
    const budget = { windowStartMs: 900_000, windowEndMs: 1_900_000 };
    const untold = [
      { id: 'x', ...budget, used: 4, seq: 4 },
      { id: 'y', ...budget, used: 3, seq: 5 },
    ];
    const thread = { sessions: ['a', 'b'], members: 1, instances: 1, untold };
    const it = await open(server, 'local-share', { thread, seen: [] });
    await turn();
    assert.deepEqual(said(server, 'join')[0]?.words, ['one', '2', 'a', 'b']);
    assert.deepEqual(
      said(server, 'settle').flatMap(({ words }) => words.slice(1).filter((_, i) => i % 6 === 2)),
      told,
    );
    // Its own settlements come after all that the server has noted of those before it.
    const next = Math.max(5, Number(noted)) + 1;
    if (told.length > 0) assert.equal(said(server, 'settle')[0]?.words[0], String(next));
    // The new session is on a page before anything is told by it.
    assert.deepEqual(it.pages[0]?.thread.sessions, ['a', 'b']);
    assert.deepEqual(it.pages[1]?.thread.sessions, ['s0']);
  }
});

test('what was heard of budgets before a restart is told to a server that has lost it', async () => {
  const server = createScriptedServer();
  server.reply = (call) => (call.op === 'recall' ? ['ok'] : joinsOnly(call));
  const seen = [{ id: 'x', windowStartMs: 900_000, windowEndMs: 1_900_000, used: 12 }];
  await open(server, 'local-share', { thread: undefined, seen });
  assert.deepEqual(said(server, 'recall')[0]?.words, ['d', '0', '12', '0', '900000', '900000']);
});

test('without the server an instance that was started again keeps to the share that it had, of what was left', async () => {
  const server = createScriptedServer();
  server.isReachable = false;
  const { id } = itemOf(tokens(await open(createScriptedServer()), 1));
  const seen = [{ id, windowStartMs: 900_000, windowEndMs: 1_900_000, used: 60 }];
  const thread = { sessions: ['a'], members: 8, instances: 4, untold: [] };
  const it = await open(server, 'local-share', { thread, seen });
  // A quarter of the limit, less a quarter of what was used.
  assert.equal((await it.counters.spend([tokens(it, 11)], it.clock.monotonicMs())).kind, 'refused');
  assert.equal((await it.counters.spend([tokens(it, 10)], it.clock.monotonicMs())).kind, 'spent');
});

test('who was killed while the server was away waits for the members that it knew, as who has lived through it', async () => {
  const server = createScriptedServer();
  let heard = '1';
  server.reply = (call) => (call.op === 'beat' ? ['ok', '4', '2', '0', heard] : joinsOnly(call));
  const untold = [{ id: 'x', windowStartMs: 900_000, windowEndMs: 1_900_000, used: 4, seq: 1 }];
  const it = await open(server, 'local-share', {
    thread: { sessions: ['a'], members: 4, instances: 2, untold },
    seen: [],
  });
  await turn();
  assert.ok(!it.counters.isUp());
  assert.equal(said(server, 'settle').length, 1);
  heard = '4';
  it.clock.advance(100);
  await turn();
  assert.ok(it.counters.isUp());
});

test('who has left has nothing on its page, and who could not leave all that it has not told', async () => {
  for (const isReachable of [true, false]) {
    const server = createScriptedServer();
    server.reply = (call) =>
      call.op === 'spend'
        ? ['ok', '0', '900000', '5', '0']
        : call.op === 'beat'
          ? joinsOnly(call)
          : (joinsOnly(call) ?? ['ok', '5', '900000', '0', '0']);
    const it = await open(server);
    const spent = await it.counters.spend([tokens(it, 5)], it.clock.monotonicMs());
    assert.ok(spent.kind === 'spent');
    server.isReachable = isReachable;
    if (!isReachable) server.lose();
    it.counters.settle(spent, [5], it.clock.monotonicMs());
    await it.counters.close();
    const last = it.pages.at(-1)?.thread;
    assert.deepEqual([last?.sessions, last?.untold.length], isReachable ? [[], 0] : [['s0'], 1]);
  }
});

test('however busy a rate is, nothing of it is taken ahead where a concurrency is asked about beside it', async () => {
  for (const isBeside of [true, false]) {
    const server = createScriptedServer();
    server.reply = (call) => (call.op === 'spend' ? ['refused', '0', '0', '1000', '1000', '0'] : joinsOnly(call));
    const it = await open(server);
    for (let i = 0; i < 40; i++) {
      await it.counters.spend(isBeside ? [it.rate, it.running] : [it.rate], it.clock.monotonicMs());
      it.clock.advance(10);
    }
    const ahead = said(server, 'spend').map(({ words }) => Number(words[2]));
    assert.equal(Math.max(...ahead) > 0, !isBeside);
  }
});
