import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import type { JournalStore, KeptJournal, SeenBudget, ThreadJournal } from '../limits/journal.ts';
import { openJournal } from './journal.ts';

const HOUR = 3_600_000;
const seen = (id: string, used: number, hour = 100): SeenBudget => ({
  ...{ id, windowStartMs: hour * HOUR, windowEndMs: (hour + 1) * HOUR, used },
});
const thread = (session: string, ...untold: SeenBudget[]): ThreadJournal => ({
  ...{ sessions: session === '' ? [] : [session], members: 2, instances: 1 },
  untold: untold.map((one) => ({ ...one, seq: 1 })),
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function setUp(kept: KeptJournal = { threads: [], seen: [] }) {
  const clock = settableClock(100 * HOUR);
  const written: Parameters<JournalStore['writeJournal']>[] = [];
  const store: JournalStore & { isFull: boolean } = {
    isFull: false,
    readJournal: () => Promise.resolve(kept),
    writeJournal(...args) {
      if (store.isFull) return Promise.reject(new Error('disk full'));
      written.push(args);
      return Promise.resolve();
    },
  };
  const problems: unknown[] = [];
  const journal = await openJournal(store, { clock, wall: clock }, (error) => void problems.push(error));
  return { clock, store, written, problems, journal };
}

test('a page is written at once, what comes meanwhile together, and of a budget the larger state', async () => {
  const it = await setUp();
  it.journal.note(0, { thread: thread('a', seen('x', 3)), seen: [seen('x', 5)] });
  it.journal.note(1, { thread: thread('b'), seen: [seen('x', 4), seen('y', 1)] });
  it.journal.note(0, { thread: thread('a'), seen: [seen('x', 9, 99)] });
  await turn();
  assert.deepEqual(
    it.written.map(([threads, budgets]) => [threads, budgets]),
    [
      [[[0, thread('a', seen('x', 3))]], [seen('x', 5)]],
      [
        [
          [1, thread('b')],
          [0, thread('a')],
        ],
        [seen('y', 1)],
      ],
    ],
  );
  assert.deepEqual(it.journal.before(1, 2), { thread: thread('b'), seen: [seen('x', 5), seen('y', 1)] });
});

test('while it cannot be written nothing is forgotten, it is said once, and tried again every second', async () => {
  const it = await setUp();
  it.store.isFull = true;
  it.journal.note(0, { thread: thread('a', seen('x', 3)), seen: [seen('x', 5)] });
  await turn();
  it.journal.note(0, { thread: thread('a', seen('x', 4)), seen: [] });
  for (let second = 0; second < 3; second++) {
    it.clock.advance(1_000);
    await turn();
  }
  assert.equal(it.problems.length, 1);
  it.store.isFull = false;
  it.clock.advance(1_000);
  await turn();
  assert.deepEqual(
    it.written.map(([threads, budgets]) => [threads, budgets]),
    [[[[0, thread('a', seen('x', 4))]], [seen('x', 5)]]],
  );
});

test('what is written last before the end is written', async () => {
  const it = await setUp();
  it.journal.note(0, { thread: thread('a'), seen: [] });
  it.journal.note(0, { thread: thread(''), seen: [] });
  await it.journal.close();
  assert.deepEqual(it.written.at(-1)?.[0], [[0, undefined]]);
});

test('a row that no worker has is left over where something of it is untold', async () => {
  const kept = { threads: [0, 1, 2].map((row) => [row, thread('a', ...(row === 2 ? [] : [seen('x', 1)]))] as const) };
  const { journal } = await setUp({ ...kept, seen: [] });
  assert.deepEqual(journal.leftOver(2), []);
  assert.deepEqual(
    journal.leftOver(1).map(([row]) => row),
    [1],
  );
});

test('where there are more budgets than a thread remembers, the workers have all of them together', async () => {
  const all = Array.from({ length: 70_000 }, (_, i) => seen(`b${i}`, 1));
  const { journal } = await setUp({ threads: [], seen: all });
  const parts = [0, 1].map((row) => journal.before(row, 2).seen);
  assert.deepEqual(
    parts.map(({ length }) => length),
    [35_000, 35_000],
  );
  assert.equal(new Set(parts.flat()).size, 70_000);
});

test('a budget is forgotten within an hour after its window has ended', async () => {
  const it = await setUp({ threads: [], seen: [seen('x', 1), seen('y', 1, 102)] });
  for (const [hours, left] of [
    [1, 1],
    [2, 0],
  ] as const) {
    it.clock.advance(hours * HOUR);
    it.journal.note(0, { thread: thread('a'), seen: [] });
    assert.equal(it.journal.before(0, 1).seen.length, left);
  }
  await turn();
});
