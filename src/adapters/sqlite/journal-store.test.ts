import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreUnavailable } from '../../directory/store.ts';
import type { SeenBudget, ThreadJournal } from '../../limits/journal.ts';
import { openSqliteStore } from './directory-store.ts';
import { openSqliteJournal } from './journal-store.ts';

const DAY = 86_400_000;
const seen = (id: string, day: number, used: number): SeenBudget => ({
  ...{ id, windowStartMs: day * DAY, windowEndMs: (day + 1) * DAY, used },
});
const thread = (...untold: SeenBudget[]): ThreadJournal => ({
  ...{ sessions: ['a', 'b'], members: 4, instances: 2 },
  untold: untold.map((one, i) => ({ ...one, seq: i })),
});

async function withJournal(run: (open: () => ReturnType<typeof openSqliteJournal>) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
  const path = join(dir, 'sallyport.db');
  const store = openSqliteStore(path);
  try {
    await run(() => openSqliteJournal(path));
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

test('what was written of budgets and threads is found by the next process, of windows that have not ended', () =>
  withJournal(async (open) => {
    const now = 5 * DAY;
    const first = open();
    const both = thread(seen('x', 4, 7), seen('x', 5, -2));
    await first.writeJournal(
      [
        [0, both],
        [1, thread()],
        [2, thread()],
      ],
      [seen('old', 4, 9), seen('x', 5, 3)],
      now,
    );
    await first.writeJournal([[1, undefined]], [seen('x', 5, 8.5)], now);
    first.close();
    const second = open();
    assert.deepEqual(await second.readJournal(now), {
      threads: [
        [0, { ...both, untold: both.untold.slice(1) }],
        [2, thread()],
      ],
      seen: [seen('x', 5, 8.5)],
    });
    assert.equal((await second.readJournal(now - 1)).seen.length, 2);
    // A clock that is set back finds what had just ended; after two days it is forgotten.
    await second.writeJournal([], [], now + 2 * DAY);
    assert.equal((await second.readJournal(now - 1)).seen.length, 1);
    second.close();
  }));

test('a page that cannot be written whole leaves the one before', () =>
  withJournal(async (open) => {
    const journal = open();
    await journal.writeJournal([[0, thread()]], [seen('x', 5, 3)], 0);
    const broken = { ...seen('y', 5, 1), used: Number.NaN };
    await assert.rejects(journal.writeJournal([[0, undefined]], [seen('x', 5, 4), broken], 0), StoreUnavailable);
    assert.deepEqual(await journal.readJournal(0), { threads: [[0, thread()]], seen: [seen('x', 5, 3)] });
    journal.close();
  }));
