import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFairQueue, type FairQueue, type Waiting } from './fair-queue.ts';

const equal = () => 1;
const one = (tenant: string, item = 0, priority: 'interactive' | 'batch' = 'interactive'): Waiting<number> => ({
  item,
  tenant,
  priority,
});

function queueOf(size = 1_000, weightOf: (tenant: string) => number = equal): FairQueue<number> {
  return createFairQueue<number>(() => size, weightOf);
}

const taken = (queue: FairQueue<number>, count: number): string =>
  Array.from({ length: count }, () => queue.next(() => true)?.tenant ?? '-').join('');

test('two tenants of equal weight take turns, however many of one wait', () => {
  const queue = queueOf();
  for (let i = 0; i < 50; i++) queue.push(one('a', i));
  queue.push(one('b'));
  queue.push(one('b'));
  assert.equal(taken(queue, 5), 'ababa');
});

test('a tenant of weight 3 has three turns where the other has one', () => {
  const queue = queueOf(1_000, (tenant) => (tenant === 'a' ? 3 : 1));
  for (let i = 0; i < 40; i++) {
    queue.push(one('a'));
    queue.push(one('b'));
  }
  assert.equal([...taken(queue, 40)].filter((tenant) => tenant === 'a').length, 30);
});

test('a tenant that had nothing to ask has saved up no turns', () => {
  const queue = queueOf();
  for (let i = 0; i < 20; i++) queue.push(one('a', i));
  queue.push(one('b'));
  assert.equal(taken(queue, 10), 'abaaaaaaaa');
  for (let i = 0; i < 9; i++) queue.push(one('b'));
  assert.match(taken(queue, 6), /^(ab|ba){3}$/);
});

test('a tenant that leaves after its turn and comes again does not have more turns than its weight says', () => {
  const queue = queueOf(1_000, (tenant) => (tenant === 'a' ? 9 : 1));
  for (let i = 0; i < 100; i++) queue.push(one('a', i));
  let turns = 0;
  for (let i = 0; i < 25; i++) {
    assert.equal(queue.next(() => true)?.tenant, 'a', 'while the other is away');
    const again = one('b');
    queue.push(again);
    if (queue.next(() => true)?.tenant === 'b') turns++;
    queue.remove(again);
  }
  assert.ok(turns <= 6, `${turns} of 50, where a tenth is its share`);
});

test('within a tenant interactive requests go first, and each eighth turn is a batch request', () => {
  const queue = queueOf();
  for (let i = 0; i < 20; i++) {
    queue.push(one('a', i, 'batch'));
    queue.push(one('a', i));
  }
  const kinds = Array.from({ length: 16 }, () => queue.next(() => true)?.priority === 'batch');
  assert.deepEqual(
    kinds.flatMap((isBatch, i) => (isBatch ? [i] : [])),
    [7, 15],
  );
});

test('above its size the newest of the tenant with the most gives way, and not the one that came last', () => {
  const queue = queueOf(4);
  for (let i = 0; i < 4; i++) assert.equal(queue.push(one('flood', i)), undefined);
  assert.equal(queue.push(one('small'))?.item, 3, 'the newest of the flood');
  assert.equal(queue.push(one('flood', 9))?.item, 9, 'itself');
  assert.deepEqual([queue.size(), queue.sizeOf('flood'), queue.sizeOf('small')], [4, 3, 1]);
});

test('what a tenant may have in a full queue goes by its weight', () => {
  const queue = queueOf(4, (tenant) => (tenant === 'heavy' ? 3 : 1));
  for (let i = 0; i < 3; i++) queue.push(one('heavy', i));
  queue.push(one('light', 7));
  assert.equal(queue.push(one('light', 8))?.item, 8);
});

test('among equals the newcomer gives way', () => {
  const queue = queueOf(2);
  queue.push(one('a'));
  queue.push(one('b'));
  assert.equal(queue.push(one('c'))?.tenant, 'c');
});

test('a queue of no size keeps nobody', () => {
  const queue = queueOf(0);
  const only = one('a');
  assert.equal(queue.push(only), only);
  assert.deepEqual([queue.size(), queue.next(() => true)], [0, undefined]);
});

test('a tenant whose first is not accepted is passed over, and keeps its turn', () => {
  const queue = queueOf();
  queue.push(one('a'));
  queue.push(one('b'));
  assert.equal(queue.next(({ tenant }) => tenant !== 'a')?.tenant, 'b');
  assert.equal(
    queue.next(() => false),
    undefined,
  );
  assert.equal(queue.next(() => true)?.tenant, 'a');
});

test('who is removed does not come out, and only the first removal counts', () => {
  const queue = queueOf();
  const [first, second] = [one('a', 1), one('a', 2)];
  queue.push(first);
  queue.push(second);
  assert.deepEqual(
    [queue.has(first), queue.remove(first), queue.remove(first), queue.has(first)],
    [true, true, false, false],
  );
  assert.equal(
    queue.next(() => true),
    second,
  );
  assert.equal(queue.size(), 0);
});

test('over any backlog each tenant has at least its share of the turns, but for one of each other tenant', () => {
  const tenants = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 20 }), extra: fc.nat(50) }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(tenants, fc.integer({ min: 1, max: 120 }), (given, turns) => {
      const weights = given.map(({ weight }) => weight);
      const queue = queueOf(1_000_000, (tenant) => weights[Number(tenant)] ?? 1);
      // Each has more than there are turns, so that all are backlogged throughout.
      for (const [i, { extra }] of given.entries())
        for (let n = 0; n <= turns + extra; n++) queue.push(one(String(i), n));
      const counts = weights.map(() => 0);
      for (let n = 0; n < turns; n++) {
        const tenant = Number(queue.next(() => true)?.tenant);
        counts[tenant] = (counts[tenant] ?? 0) + 1;
      }
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [i, weight] of weights.entries()) {
        // Start-time fair queueing is never behind by more than one turn of each tenant.
        assert.ok(
          (counts[i] ?? 0) >= Math.floor((turns * weight) / all) - weights.length,
          `${counts.join()} ${weights.join()}`,
        );
      }
    }),
  );
});

test('whatever is done to it, it is bounded, loses nobody, and is first come first served within a class', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push'), tenant: fc.constantFrom('a', 'b', 'c'), isBatch: fc.boolean() }),
    fc.record({ kind: fc.constant('next'), refuses: fc.constantFrom('', 'a', 'b') }),
    fc.record({ kind: fc.constant('remove'), at: fc.nat(30) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 0, max: 8 }), (steps, size) => {
      const queue = queueOf(size, (tenant) => (tenant === 'a' ? 5 : 1));
      let inside: Waiting<number>[] = [];
      let serial = 0;
      for (const done of steps) {
        if ('tenant' in done) {
          const waiting = one(done.tenant, serial++, done.isBatch ? 'batch' : 'interactive');
          const out = queue.push(waiting);
          inside = [...inside, waiting].filter((other) => other !== out);
        } else if ('refuses' in done) {
          const next = queue.next(({ tenant }) => tenant !== done.refuses);
          if (next === undefined) assert.ok(inside.every(({ tenant }) => tenant === done.refuses));
          else {
            const older = inside.find((w) => w.tenant === next.tenant && w.priority === next.priority);
            assert.equal(older, next, 'first come, first served');
            inside = inside.filter((other) => other !== next);
          }
        } else {
          const waiting = inside[done.at];
          if (waiting !== undefined) assert.ok(queue.remove(waiting));
          inside = inside.filter((other) => other !== waiting);
        }
        assert.equal(queue.size(), inside.length);
        assert.ok(inside.length <= size);
      }
      for (let left = inside.length; left > 0; left--)
        assert.notEqual(
          queue.next(() => true),
          undefined,
        );
      assert.equal(
        queue.next(() => true),
        undefined,
      );
    }),
  );
});
