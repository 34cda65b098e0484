import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreadWatch } from './unread-watch.ts';

const LIMITS = { writeMs: 60_000, minBodyRate: 1024 };

/** The second at which a peer is found too slow that takes so much each second while something waits for it, or none. */
function cutAfterS(takenIn: (second: number) => number, isWaiting: (second: number) => boolean = () => true) {
  const watch = new UnreadWatch();
  let taken = 5_000_000;
  for (let second = 0; second < 600; second++) {
    if (watch.look(second * 1000, isWaiting(second), taken, LIMITS)) return second;
    taken += takenIn(second);
  }
  return undefined;
}

for (const { name, takenIn, isWaiting, cut } of [
  { name: 'takes nothing', takenIn: () => 0, cut: 60 },
  { name: 'takes a byte each 59 s', takenIn: (s: number) => (s % 59 === 58 ? 1 : 0), cut: 60 },
  { name: 'takes a byte less than the least rate', takenIn: () => 1023, cut: 60 },
  { name: 'takes the least rate', takenIn: () => 1024, cut: undefined },
  {
    name: 'takes all of a window at its beginning',
    takenIn: (s: number) => (s % 60 === 0 ? 61_440 : 0),
    cut: undefined,
  },
  { name: 'stops after it took much', takenIn: (s: number) => (s < 10 ? 1_000_000 : 0), cut: 70 },
  { name: 'has nothing to take', takenIn: () => 0, isWaiting: () => false, cut: undefined },
  {
    name: 'has something to take for less than its time, again and again',
    takenIn: () => 0,
    isWaiting: (s: number) => s % 60 !== 59,
    cut: undefined,
  },
  {
    name: 'has nothing to take for minutes, and then takes nothing',
    takenIn: () => 0,
    isWaiting: (s: number) => s >= 300,
    cut: 360,
  },
]) {
  test(`a peer that ${name} is ${cut === undefined ? 'never cut' : `cut after ${cut} s`}`, () => {
    assert.equal(cutAfterS(takenIn, isWaiting), cut);
  });
}
