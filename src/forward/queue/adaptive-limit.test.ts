import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextLimit, UNLIMITED, type AdaptiveLimit, type LoadSample } from './adaptive-limit.ts';

const at = (limit: number | 'none', calm = 0, bestMs?: number): AdaptiveLimit => ({ limit, calm, bestMs });

function sample(
  change: Partial<LoadSample> & { running?: number; waiting?: number; cacheUsage?: number } = {},
): LoadSample {
  const { running = 8, waiting = 0, cacheUsage, ...rest } = change;
  return { outstanding: 8, held: 0, firstByteMs: undefined, engine: { running, waiting, cacheUsage }, ...rest };
}

test('an engine that computes all it gets is not limited', () => {
  assert.equal(nextLimit(UNLIMITED, sample()).limit, 'none');
  assert.equal(nextLimit(UNLIMITED, sample({ waiting: 1 })).limit, 'none', 'one between two steps is no queue');
});

test('an engine that queues is limited to what it computes of ours', () => {
  assert.equal(nextLimit(UNLIMITED, sample({ outstanding: 10, running: 8, waiting: 2 })).limit, 8);
  assert.equal(
    nextLimit(UNLIMITED, sample({ outstanding: 10, running: 16, waiting: 4 })).limit,
    8,
    'half is of others',
  );
  assert.equal(nextLimit(UNLIMITED, sample({ outstanding: 9, running: 0, waiting: 9 })).limit, 1);
});

test('while it goes on to queue the limit falls, once the last step has shown its effect', () => {
  assert.equal(nextLimit(at(20), sample({ outstanding: 21, running: 20, waiting: 5 })).limit, 20);
  assert.equal(nextLimit(at(20), sample({ outstanding: 20, running: 15, waiting: 5 })).limit, 18);
  assert.equal(nextLimit(at(3), sample({ outstanding: 3, running: 1, waiting: 2 })).limit, 2);
  assert.equal(nextLimit(at(1), sample({ outstanding: 1, running: 0, waiting: 2 })).limit, 1);
});

test('while the limit holds somebody back and the engine has room it rises', () => {
  assert.equal(nextLimit(at(8), sample({ outstanding: 8 })).limit, 9);
  assert.equal(nextLimit(at(100), sample({ outstanding: 90, held: 1 })).limit, 105);
  assert.equal(nextLimit(at(8), sample({ outstanding: 8, waiting: 1 })).limit, 8);
  assert.equal(nextLimit(at(8), sample({ outstanding: 8, cacheUsage: 0.97 })).limit, 8);
});

test('a limit that has held nobody back for ten samples is lifted', () => {
  let now = at(8);
  for (let i = 0; i < 9; i++) now = nextLimit(now, sample({ outstanding: 7 }));
  assert.deepEqual(now, at(8, 9));
  assert.equal(nextLimit(now, sample({ outstanding: 8 })).calm, 0, 'one that is held back begins the count anew');
  assert.equal(nextLimit(now, sample({ outstanding: 7 })).limit, 'none');
});

test('where the engine says nothing, first bytes that take four times the best and two seconds are its queue', () => {
  const blind = (firstByteMs: number | undefined, outstanding = 10) =>
    sample({ firstByteMs, outstanding, engine: undefined });
  assert.equal(nextLimit(at('none', 0, 600), blind(2_500)).limit, 8);
  assert.equal(nextLimit(at('none', 0, 600), blind(2_400)).limit, 'none', 'not four times the best');
  assert.equal(nextLimit(at('none', 0, 100), blind(2_000)).limit, 'none', 'not two seconds');
  assert.equal(nextLimit(at('none', 0, 600), blind(2_500, 1)).limit, 'none', 'one request queues behind nobody');
  assert.equal(nextLimit(at('none', 0, 600), blind(undefined)).limit, 'none');
  assert.equal(nextLimit(UNLIMITED, blind(9_000)).limit, 'none', 'nothing to compare with');
});

test('where the engine speaks, slow first bytes alone are no queue: prompts may be long', () => {
  assert.equal(nextLimit(at('none', 0, 100), sample({ firstByteMs: 9_000 })).limit, 'none');
});

test('whatever is seen, a limit is at least one, and it moves by steps', () => {
  const any = fc.record({
    outstanding: fc.nat(500),
    held: fc.nat(50),
    engine: fc.option(
      fc.record({
        running: fc.nat(500),
        waiting: fc.nat(500),
        cacheUsage: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      }),
      { nil: undefined },
    ),
    firstByteMs: fc.option(fc.nat(60_000), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 100 }), (samples) => {
      let now = UNLIMITED;
      for (const one of samples) {
        const next = nextLimit(now, one);
        if (next.limit !== 'none') {
          assert.ok(Number.isInteger(next.limit) && next.limit >= 1);
          if (now.limit !== 'none') assert.ok(next.limit <= now.limit * 1.05 + 1 && next.limit >= now.limit * 0.9 - 1);
          else assert.ok(next.limit <= Math.max(1, one.outstanding));
        }
        now = next;
      }
    }),
  );
});

test('before an engine of a fixed size the limit comes to that size and stays near it', () => {
  let now = UNLIMITED;
  const size = 12;
  for (let second = 0; second < 60; second++) {
    const outstanding = now.limit === 'none' ? 100 : now.limit;
    const running = Math.min(size, outstanding);
    now = nextLimit(now, {
      outstanding,
      held: 50,
      firstByteMs: undefined,
      engine: { running, waiting: outstanding - running, cacheUsage: 0.5 },
    });
    if (second > 5)
      assert.ok(now.limit !== 'none' && now.limit >= size - 2 && now.limit <= size + 2, String(now.limit));
  }
});
