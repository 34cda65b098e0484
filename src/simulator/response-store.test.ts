import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResponseStore } from './response-store.ts';

const ended = { id: 'resp_1', status: 'completed' };
const running = { id: 'resp_1', status: 'queued' };
const turn = { texts: ['hi', 'ho'] };

test('a response that has ended is read the same each time, and has nothing to cancel', () => {
  const store = createResponseStore();
  store.keep(ended, turn);
  assert.deepEqual([store.read('resp_1'), store.read('resp_1'), store.turn('resp_1')], [ended, ended, turn]);
  assert.equal(store.cancel('resp_1'), 'ended');
  assert.deepEqual(
    [store.read('resp_2'), store.turn('resp_2'), store.cancel('resp_2')],
    [undefined, undefined, undefined],
  );
});

test('one that runs has ended when it is read for the second time', () => {
  const store = createResponseStore();
  store.keep(ended, turn, running);
  assert.deepEqual([store.read('resp_1'), store.read('resp_1'), store.read('resp_1')], [running, ended, ended]);
  assert.equal(store.cancel('resp_1'), 'ended');
});

test('one that is cancelled stays so', () => {
  const store = createResponseStore();
  store.keep(ended, turn, running);
  const cancelled = { ...running, status: 'cancelled' };
  assert.deepEqual(
    [store.cancel('resp_1'), store.read('resp_1'), store.cancel('resp_1')],
    [cancelled, cancelled, 'ended'],
  );
});

test('the oldest go first, and all with a restart', () => {
  const store = createResponseStore();
  for (let i = 0; i <= 1000; i++) store.keep({ ...ended, id: `resp_${i}` }, turn);
  assert.deepEqual([store.read('resp_0'), store.read('resp_1')?.id], [undefined, 'resp_1']);
  store.clear();
  assert.equal(store.read('resp_1'), undefined);
});
