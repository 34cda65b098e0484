import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUpstreamMemory } from './upstream-memory.ts';
import { createUpstreamStates } from './upstream-states.ts';

test('one caller who provokes server errors does not take the upstream from the others', () => {
  const states = createUpstreamStates(createUpstreamMemory(1, 1), 0);
  for (let i = 0; i < 200; i++) states.noteServerError(0, 'key:Mallory');
  assert.equal(states.isUp(0), true);
  for (let i = 0; i < 20; i++) states.noteServerError(0, i % 2 === 0 ? 'key:Mallory' : 'key:Second');
  assert.equal(states.isUp(0), true);
});

test('server errors of at least three principals mark it down once all of the last 20 are such', () => {
  const states = createUpstreamStates(createUpstreamMemory(1, 1), 0);
  states.noteSuccess(0, 1, 'key:a');
  for (let i = 0; i < 19; i++) states.noteServerError(0, `key:${i % 3}`);
  assert.equal(states.isUp(0), true);
  states.noteServerError(0, 'key:0');
  assert.equal(states.isUp(0), false);
  states.markUp(0);
  assert.equal(states.isUp(0), true);
  states.noteServerError(0, 'key:1');
  assert.equal(states.isUp(0), true, 'the count begins anew');
});

test('two faults and a success in turn never mark it down, three in a row do', () => {
  const states = createUpstreamStates(createUpstreamMemory(1, 1), 0);
  for (let i = 0; i < 10; i++) {
    states.noteFault(0);
    states.noteFault(0);
    states.noteSuccess(0, 3, 'key:a');
  }
  assert.equal(states.isUp(0), true);
  assert.equal(states.lastRoute(0), 3);
  for (let i = 0; i < 3; i++) states.noteFault(0);
  assert.equal(states.isUp(0), false);
});

test('time-outs mark it down like other faults, three in a row', () => {
  const states = createUpstreamStates(createUpstreamMemory(1, 1), 0);
  const timeOut = () => states.noteTimeout(0, states.answers(0));
  timeOut();
  timeOut();
  states.noteServerError(0, 'key:c');
  timeOut();
  timeOut();
  assert.equal(states.isUp(0), true, 'any answer ends the row');
  states.noteFault(0);
  assert.equal(states.isUp(0), false, 'a time-out is one fault of a row');
});

test('a time-out is no fault where upstream has answered somebody meanwhile', () => {
  const states = createUpstreamStates(createUpstreamMemory(1, 1), 0);
  const before = states.answers(0);
  states.noteSuccess(0, 1, 'key:a');
  for (let i = 0; i < 20; i++) states.noteTimeout(0, before);
  assert.equal(states.isUp(0), true);
});

test('all threads together try a down upstream once a second', () => {
  const memory = createUpstreamMemory(1, 2);
  const [a, b] = [createUpstreamStates(memory, 0), createUpstreamStates(memory, 1)];
  assert.deepEqual(
    [a.mayTry(0, 5_000), b.mayTry(0, 5_000), b.mayTry(0, 5_999), a.mayTry(0, 6_000)],
    [true, false, false, true],
  );
});
