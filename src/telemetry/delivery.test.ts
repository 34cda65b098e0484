import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settableClock } from '../../test/support/clock.ts';
import { createDelivery, type PostResult } from './delivery.ts';

const RULES = { maxWaiting: 4, maxBatch: 2, gatherMs: 100, firstPauseMs: 1_000, maxPauseMs: 4_000, giveUpMs: 10_000 };
const TAKEN: PostResult = { kind: 'taken', rejected: 0 };
const LATER: PostResult = { kind: 'later', why: 'the collector answered 503', afterMs: undefined };

const settled = () => new Promise((resolve) => setImmediate(resolve));

function setUp(answers: (PostResult | 'hang')[]) {
  const clock = settableClock();
  const posts: (readonly number[])[] = [];
  const counts = { sent: 0, failed: 0, dropped: 0 };
  const health: (string | undefined)[] = [];
  const delivery = createDelivery<number>(RULES, {
    clock,
    random: () => 1,
    post(items) {
      posts.push(items);
      const answer = answers.shift() ?? TAKEN;
      return answer === 'hang' ? new Promise(() => undefined) : Promise.resolve(answer);
    },
    count: (result, howMany) => void (counts[result] += howMany),
    onHealth: (why) => void health.push(why),
  });
  const advance = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { delivery, posts, counts, health, advance };
}

test('items wait for others up to their time, and a full batch does not wait', async () => {
  const { delivery, posts, advance } = setUp([]);
  delivery.add(1);
  await advance(99);
  assert.deepEqual(posts, []);
  await advance(1);
  assert.deepEqual(posts, [[1]]);
  delivery.add(2);
  delivery.add(3);
  await settled();
  assert.deepEqual(posts, [[1], [2, 3]]);
});

test('a collector that hangs keeps a bounded queue, and what is above it is counted', async () => {
  const { delivery, counts } = setUp(['hang']);
  for (let i = 0; i < 6; i++) delivery.add(i);
  await settled();
  assert.deepEqual(counts, { sent: 0, failed: 0, dropped: 2 });
});

test('what may be taken later is tried again, later each time, and said once', async () => {
  const { delivery, posts, counts, health, advance } = setUp([LATER, LATER, TAKEN]);
  delivery.add(1);
  await advance(100);
  await advance(999);
  assert.equal(posts.length, 1);
  await advance(1);
  assert.equal(posts.length, 2);
  await advance(1_999);
  assert.equal(posts.length, 2);
  await advance(1);
  assert.deepEqual(posts, [[1], [1], [1]]);
  assert.deepEqual(counts, { sent: 1, failed: 0, dropped: 0 });
  assert.deepEqual(health, ['the collector answered 503', undefined]);
});

test('a pause that the collector asks for is kept, but no longer than a minute', async () => {
  const { delivery, counts, posts, advance } = setUp([{ ...LATER, afterMs: 5_000 }]);
  delivery.add(1);
  await advance(100);
  await advance(4_999);
  assert.equal(posts.length, 1);
  await advance(1);
  assert.deepEqual([posts.length, counts.sent], [2, 1]);
});

test('a batch that is refused, or too old, is given up, and the next one goes', async () => {
  const refused = setUp([{ kind: 'refused', why: 'the collector answered 400' }]);
  refused.delivery.add(1);
  await refused.advance(100);
  assert.deepEqual([refused.posts.length, refused.counts.failed], [1, 1]);
  const old = setUp([LATER, LATER, LATER, LATER]);
  old.delivery.add(1);
  await old.advance(100);
  for (const ms of [1_000, 2_000, 4_000]) await old.advance(ms);
  assert.deepEqual([old.posts.length, old.counts.failed], [4, 1]);
  old.delivery.add(2);
  await old.advance(100);
  assert.equal(old.counts.sent, 1);
});

test('what is rejected of a batch has failed', async () => {
  const { delivery, counts } = setUp([{ kind: 'taken', rejected: 1 }]);
  delivery.add(1);
  delivery.add(2);
  await settled();
  assert.deepEqual(counts, { sent: 1, failed: 1, dropped: 0 });
});

test('at the end what waits is sent, and what hangs is waited for no longer than that', async () => {
  const good = setUp([]);
  good.delivery.add(1);
  await good.delivery.close(1_000);
  assert.equal(good.counts.sent, 1);
  good.delivery.add(2);
  assert.equal(good.counts.dropped, 1);
  const hanging = setUp(['hang']);
  hanging.delivery.add(1);
  const closed = hanging.delivery.close(1_000);
  await hanging.advance(1_000);
  await closed;
  assert.equal(hanging.counts.dropped, 1);
});

test('whatever the collector answers, every item is counted exactly once', async () => {
  const answer = fc.constantFrom<PostResult>(
    TAKEN,
    LATER,
    { kind: 'refused', why: 'x' },
    { kind: 'taken', rejected: 1 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer),
      fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 20 }),
      async (all, gaps) => {
        const { delivery, counts, advance } = setUp([...all]);
        for (const [i, ms] of gaps.entries()) {
          delivery.add(i);
          await advance(ms);
        }
        const closed = delivery.close(1_000);
        await advance(1_000);
        await closed;
        assert.equal(counts.sent + counts.failed + counts.dropped, gaps.length);
      },
    ),
    { numRuns: 50 },
  );
});
