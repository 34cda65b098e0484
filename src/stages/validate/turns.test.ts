import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from './turns.ts';

test('one piece of work runs in a turn, in the order of asking, and timers run between', async () => {
  const turns = createTurns();
  const order: string[] = [];
  const work = [1, 2, 3].map((n) => turns.take().then(() => order.push(`work ${n}`)));
  const beat = setInterval(() => order.push('beat'), 0);
  const slow = turns.take().then(() => {
    const endMs = performance.now() + 5;
    while (performance.now() < endMs);
    order.push('slow');
  });
  const last = turns.take().then(() => order.push('last'));
  await Promise.all([...work, slow, last]);
  clearInterval(beat);
  assert.deepEqual(
    order.filter((entry) => entry !== 'beat'),
    ['work 1', 'work 2', 'work 3', 'slow', 'last'],
  );
  assert.ok(order.indexOf('beat') >= 0 && order.lastIndexOf('beat') > order.indexOf('slow') - 1, order.join());
});

test('turns that are asked for later come, too', async () => {
  const turns = createTurns();
  await turns.take();
  await turns.take();
  await Promise.all([turns.take(), turns.take()]);
});
