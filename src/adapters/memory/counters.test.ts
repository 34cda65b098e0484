import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { AmountAsk, Ask } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import { lockWord } from './cell-table.ts';
import { createCounterMemory, createSharedCounters, type CounterMemory } from './counters.ts';

const NOW = 1_000_000_000;
const rateAsk = (counters: ReturnType<typeof createSharedCounters>, name: string, count: number): Ask => ({
  kind: 'rate',
  name: 'requests',
  counter: counters.keyOf(name),
  rate: ratePerMinute(count),
});
const holdAsk = (counters: ReturnType<typeof createSharedCounters>, name: string, limit: number): Ask => ({
  kind: 'concurrency',
  name: 'concurrency',
  counter: counters.keyOf(name),
  limit,
});

test('spends all asks or none', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const hold = holdAsk(counters, 'a', 1);
  const rate = rateAsk(counters, 'a', 2);
  const first = counters.spend([hold, rate], NOW);
  assert.ok(first.kind === 'spent');
  const second = counters.spend([rate, hold], NOW);
  assert.ok(second.kind === 'refused' && second.ask === hold);
  counters.settle(first, [], NOW);
  assert.equal(counters.held(), 0);
  // The refused spend gave its unit of the rate back: one is left, and no more.
  const third = counters.spend([rate], NOW);
  assert.ok(third.kind === 'spent');
  const fourth = counters.spend([rate], NOW);
  assert.ok(fourth.kind === 'refused');
});

test('what one thread spends the others have spent', () => {
  const memory = createCounterMemory(64, 2, 's');
  const [a, b] = [createSharedCounters(memory, 0), createSharedCounters(memory, 1)];
  for (const counters of [a, b, a]) {
    const spent = counters.spend([rateAsk(counters, 'x', 3)], NOW);
    assert.ok(spent.kind === 'spent');
  }
  const more = b.spend([rateAsk(b, 'x', 3)], NOW);
  assert.ok(more.kind === 'refused');
});

test('gives back all that a dead thread holds, and nothing of the others', () => {
  const memory = createCounterMemory(64, 3, 's');
  const [dead, alive, control] = [0, 1, 2].map((row) => createSharedCounters(memory, row));
  assert.ok(dead && alive && control);
  void dead.spend([holdAsk(dead, 'x', 5)], NOW);
  void dead.spend([holdAsk(dead, 'x', 5)], NOW);
  void alive.spend([holdAsk(alive, 'x', 5)], NOW);
  assert.equal(control.held(), 3);
  control.reclaim(0);
  assert.equal(control.held(), 1);
});

test('where all cells are in use new counters share one that refuses more rather than less, and nobody loses theirs', () => {
  const counters = createSharedCounters(createCounterMemory(8, 1, 's'), 0);
  for (let i = 0; i < 8; i++) void counters.spend([holdAsk(counters, `busy${i}`, 2)], NOW);
  assert.equal(counters.spend([holdAsk(counters, 'ninth', 1)], NOW).kind, 'spent');
  assert.equal(counters.spend([holdAsk(counters, 'tenth', 1)], NOW).kind, 'refused');
  for (let i = 0; i < 8; i++) assert.equal(counters.spend([holdAsk(counters, `busy${i}`, 2)], NOW).kind, 'spent');
});

test('an idle cell is taken over where a bucket is full', () => {
  const counters = createSharedCounters(createCounterMemory(8, 1, 's'), 0);
  for (let i = 0; i < 8; i++) void counters.spend([rateAsk(counters, `k${i}`, 1)], NOW + i);
  const fresh = counters.spend([rateAsk(counters, 'new', 1)], NOW + 120_000);
  assert.ok(fresh.kind === 'spent');
  // k7 still has its cell, and what it spent then is long given back.
  assert.equal(counters.hasRoom(counters.keyOf('k7'), ratePerMinute(1), NOW + 8), false);
});

test('keeps to its model over any order of spends and releases', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, limit) => {
        const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
        const model = new Map<number, number>();
        const held: { caller: number; give: () => void }[] = [];
        for (const [caller, isSpend] of steps) {
          if (isSpend) {
            const result = counters.spend([holdAsk(counters, String(caller), limit)], NOW);
            const before = model.get(caller) ?? 0;
            assert.equal(result.kind, before < limit ? 'spent' : 'refused');
            if (result.kind !== 'spent') continue;
            model.set(caller, before + 1);
            held.push({ caller, give: () => counters.settle(result, [], NOW) });
          } else {
            const last = held.pop();
            last?.give();
            if (last !== undefined) model.set(last.caller, (model.get(last.caller) ?? 0) - 1);
          }
        }
        assert.equal(
          counters.held(),
          [...model.values()].reduce((sum, count) => sum + count, 0),
        );
      },
    ),
  );
});

/** Spends in a thread of its own until refused; resolves with how many conformed. */
function spendInThread(memory: CounterMemory, row: number, tries: number): Promise<number> {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { createSharedCounters } = await import(workerData.counters);
    const { ratePerMinute } = await import(workerData.gcra);
    const counters = createSharedCounters(workerData.memory, workerData.row);
    let passed = 0;
    for (let i = 0; i < workerData.tries; i++) {
      const name = 'k' + (i % 7);
      const held = counters.spend([{ kind: 'concurrency', name: 'c', counter: counters.keyOf('c' + name), limit: 2 },
        { kind: 'rate', name: 'r', counter: counters.keyOf(name), rate: ratePerMinute(100) }], ${NOW});
      if (held.kind === 'spent') { passed++; counters.settle(held, [], ${NOW}); }
      else if (held.ask.kind === 'concurrency') i--;
    }
    parentPort.postMessage(passed);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: {
        memory,
        row,
        tries,
        counters: new URL('./counters.ts', import.meta.url).href,
        gcra: new URL('../../limits/gcra.ts', import.meta.url).href,
      },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('threads that spend at the same moment are let in exactly as often as the rates allow', async () => {
  const memory = createCounterMemory(64, 4, 's');
  const passed = await Promise.all([0, 1, 2].map((row) => spendInThread(memory, row, 1_400)));
  assert.equal(
    passed.reduce((sum, count) => sum + count, 0),
    7 * 100,
  );
  assert.equal(createSharedCounters(memory, 3).held(), 0);
});

/** Reserves in a thread of its own and settles what it got, half of it; resolves with what was used. */
function reserveInThread(memory: CounterMemory, row: number): Promise<number> {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { createSharedCounters } = await import(workerData.counters);
    const counters = createSharedCounters(workerData.memory, workerData.row);
    const window = { startMs: 0, endMs: 1e9, endsAtMs: 1e9 };
    const ask = { kind: 'amount', name: 'budget', counter: counters.keyOf('all'), cost: 10, bound: { kind: 'budget', limit: 50_000, window } };
    let used = 0;
    for (let i = 0; i < 6_000; i++) {
      const spent = counters.spend([ask], 1_000);
      if (spent.kind !== 'spent') continue;
      counters.progress(spent, [2], 1_000);
      counters.settle(spent, [5], 1_000);
      used += 5;
    }
    parentPort.postMessage(used);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { memory, row, counters: new URL('./counters.ts', import.meta.url).href },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('threads that reserve at the same moment use a budget to its end and never beyond', async () => {
  const memory = createCounterMemory(64, 4, 's');
  const used = await Promise.all([0, 1, 2].map((row) => reserveInThread(memory, row)));
  const sum = used.reduce((all, one) => all + one, 0);
  assert.ok(sum <= 50_000 && sum > 49_900, `${sum}`);
  const counters = createSharedCounters(memory, 3);
  assert.equal(counters.reserved(), 0);
  const [kept] = counters.takeChangedBudgets();
  assert.equal(kept?.used, sum);
});

test('a thread that dies gives back what it has set aside, and what it had counted stays', () => {
  const memory = createCounterMemory(64, 2, 's');
  const [dead, alive] = [createSharedCounters(memory, 0), createSharedCounters(memory, 1)];
  const window = { startMs: 0, endMs: 1e9, endsAtMs: 1e9 };
  const ask = (cost: number): Ask => ({
    ...{ kind: 'amount', name: 'budget', counter: alive.keyOf('a'), cost },
    bound: { kind: 'budget', limit: 100, window },
  });
  const lost = dead.spend([ask(60)], 1_000);
  assert.ok(lost.kind === 'spent');
  dead.progress(lost, [20], 1_000);
  assert.equal(alive.spend([ask(50)], 1_000).kind, 'refused');
  alive.reclaim(0);
  assert.equal(alive.reserved(), 0);
  assert.equal(alive.spend([ask(81)], 1_000).kind, 'refused');
  assert.equal(alive.spend([ask(80)], 1_000).kind, 'spent');
});

test('a million subjects fit into 64 MiB, and who is limited among them stays limited', () => {
  const memory = createCounterMemory(131_072, 5, 's', 262_144);
  assert.ok(memory.buffer.byteLength <= 64 * 1024 * 1024, `${memory.buffer.byteLength} bytes`);
  const counters = createSharedCounters(memory, 0);
  const limited = Array.from({ length: 100 }, (_, i) => rateAsk(counters, `limited ${i}`, 1));
  for (const ask of limited) assert.equal(counters.spend([ask], NOW).kind, 'spent');
  for (let i = 0; i < 1_000_000; i++) {
    const counter = { hi: Math.imul(i, 0x9e3779b1), lo: Math.imul(i, 0x85ebca6b) | 1, name: '' };
    counters.spend([{ kind: 'rate', name: 'requests', counter, rate: ratePerMinute(1_000) }], NOW + i / 50);
  }
  for (const ask of limited) assert.equal(counters.spend([ask], NOW + 20_000).kind, 'refused');
});

test('where a table is full of limits in force new subjects share one, and those who have one neither lose nor lend it', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const known = Array.from({ length: 20 }, (_, i) => rateAsk(counters, `known ${i}`, 2));
  for (const ask of known) assert.equal(counters.spend([ask], NOW).kind, 'spent');
  let passed = 0;
  for (let i = 0; i < 1_000; i++)
    if (counters.spend([rateAsk(counters, `new ${i}`, 2)], NOW).kind === 'spent') passed++;
  assert.ok(passed <= 64 + 2, `${passed}`);
  for (const ask of known) {
    assert.equal(counters.spend([ask], NOW).kind, 'spent');
    assert.equal(counters.spend([ask], NOW).kind, 'refused');
  }
});

test('where a table is full what one policy has used no other one resets, whatever their windows', () => {
  const counters = createSharedCounters(createCounterMemory(8, 1, 's'), 0);
  const use = (name: string, per: 'day' | 'month', subject: string, cost: number): string => {
    const [startMs, endMs] = per === 'day' ? [20, 21] : [1, 31];
    const ask: AmountAsk = {
      ...{ kind: 'amount', name, counter: counters.keyOf(`${name}/${per}:${subject}`), cost },
      bound: { kind: 'budget', limit: 100, window: { startMs, endMs, endsAtMs: NOW + endMs } },
    };
    const spent = counters.spend([ask], NOW);
    if (spent.kind === 'spent') counters.settle(spent, [cost], NOW);
    return spent.kind;
  };
  for (let i = 0; i < 8; i++) assert.equal(use('full', 'day', String(i), 1), 'spent');
  assert.equal(use('budget', 'month', 'late', 90), 'spent');
  assert.equal(use('budget', 'day', 'other', 1), 'spent');
  for (let i = 0; i < 60; i++) use(`rule-${i}.tokens`, i % 2 === 0 ? 'day' : 'month', 'other', 1);
  assert.equal(use('budget', 'month', 'late', 20), 'refused');
});

test('where a table is full wrong credentials are looked for where they are counted', () => {
  const counters = createSharedCounters(createCounterMemory(8, 1, 's'), 0);
  const rate = ratePerMinute(2);
  for (let i = 0; i < 8; i++) void counters.spend([holdAsk(counters, `busy${i}`, 1)], NOW);
  const counter = counters.keyOf('failures:192.0.2.1');
  for (let i = 0; i < 2; i++) {
    assert.equal(counters.hasRoom(counter, rate, NOW), true);
    void counters.spend([{ kind: 'rate', name: 'failures', counter, rate }], NOW);
  }
  assert.equal(counters.hasRoom(counter, rate, NOW), false);
});

test('a budget that is settled late is kept until its own window ends', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const ask = (day: number): AmountAsk => ({
    ...{ kind: 'amount', name: 'budget', counter: counters.keyOf('late'), cost: 1 },
    bound: {
      ...{ kind: 'budget', limit: 9 },
      window: { startMs: day * 1_000, endMs: day * 1_000 + 1_000, endsAtMs: NOW + day * 1_000 + 1_000 },
    },
  });
  const [old, now] = [counters.spend([ask(0)], NOW), counters.spend([ask(5)], NOW + 5_000)];
  assert.ok(old.kind === 'spent' && now.kind === 'spent');
  counters.settle(now, [4], NOW + 5_001);
  counters.settle(old, [2], NOW + 5_002);
  const [kept] = counters.takeChangedBudgets();
  assert.deepEqual([kept?.windowStartMs, kept?.endsAtMs, kept?.used], [5_000, NOW + 6_000, 6]);
});

test('a hold whose window is over writes nothing to a cell that is somebody else’s by then', () => {
  const counters = createSharedCounters(createCounterMemory(8, 1, 's'), 0);
  const day = (name: string, index: number, cost: number): AmountAsk => ({
    ...{ kind: 'amount', name: 'tokens', counter: counters.keyOf(name), cost },
    bound: {
      ...{ kind: 'budget', limit: 1_000 },
      window: { startMs: index * 60_000, endMs: (index + 1) * 60_000, endsAtMs: NOW + (index + 1) * 60_000 },
    },
  });
  const nextDay = NOW + 70_000;
  // All that they have set aside is counted: from the end of their window on nothing keeps their cells.
  const long = Array.from({ length: 8 }, (_, i) => {
    const spent = counters.spend([day(`long${i}`, 0, 10)], NOW);
    assert.ok(spent.kind === 'spent');
    counters.progress(spent, [10], NOW);
    return spent;
  });
  const others = Array.from({ length: 8 }, (_, i) => day(`other${i}`, 1, 900));
  for (const ask of others) {
    const spent = counters.spend([ask], nextDay);
    assert.ok(spent.kind === 'spent');
    counters.settle(spent, [900], nextDay);
  }
  const [first, ...rest] = long;
  assert.ok(first !== undefined);
  assert.equal(counters.extend(first, [500], nextDay), undefined);
  counters.progress(first, [400], nextDay);
  for (const spent of [first, ...rest]) counters.settle(spent, [500], nextDay);
  assert.deepEqual(
    others.map((ask) => counters.standing(ask, nextDay).used),
    Array<number>(8).fill(900),
  );
  assert.equal(counters.reserved(), 0);
});

test('who has used up a limit of its own takes nothing, not for a moment, of what it shares with others', () => {
  const counters = createSharedCounters(createCounterMemory(64, 1, 's'), 0);
  const shared = holdAsk(counters, 'tenant', 1);
  const own = rateAsk(counters, 'key', 1);
  assert.equal(counters.spend([own], NOW).kind, 'spent');
  // Places that are held whenever its own limit is looked at.
  const held: number[] = [];
  const watched: Ask = {
    ...own,
    get counter() {
      held.push(counters.held());
      return own.counter;
    },
  };
  assert.equal(counters.spend([shared, watched], NOW).kind, 'refused');
  assert.deepEqual([...new Set(held)], [0]);
});

test('what a worker had set aside comes back also where it died between the two words that say so', () => {
  const memory = createCounterMemory(8, 3, 's');
  const [dead, alive, control] = [0, 1, 2].map((row) => createSharedCounters(memory, row));
  assert.ok(dead && alive && control);
  const ask = (counters: ReturnType<typeof createSharedCounters>, cost: number): AmountAsk => ({
    ...{ kind: 'amount', name: 'tokens', counter: counters.keyOf('x'), cost },
    bound: { kind: 'rate', limit: 100, windowMs: 60_000 },
  });
  assert.equal(alive.spend([ask(alive, 30)], NOW).kind, 'spent');
  assert.equal(dead.spend([ask(dead, 50)], NOW).kind, 'spent');
  // As if it had ended before it noted that they are its own: its row is behind the words of all cells.
  const words = new Float64Array(memory.buffer);
  const own = words.lastIndexOf(50);
  assert.ok(own >= 0 && words.filter((word) => word === 50).length === 1);
  words[own] = 0;
  control.reclaim(0);
  assert.equal(control.reserved(), 30);
});

test('a lock that a dead thread has left keeps the one that has to see its death waiting for a moment only', () => {
  const locks = new Int32Array(new SharedArrayBuffer(4));
  lockWord(locks, 0, 3);
  lockWord(locks, 0, 1);
  assert.equal(locks[0], 2);
});
