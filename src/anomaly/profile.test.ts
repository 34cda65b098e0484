import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acceptAll, known, meet, sinceOtherFamiliar } from './familiar.ts';
import { AT, LAYOUT_VERSION, PROFILE_WORDS } from './layout.ts';
import { createProfileStore, number, setNumber, setWord, word } from './profile.ts';
import { countInSeason, hourInWords, hourOfWeek, usualPerHour } from './season.ts';
import { distinct, note, turnSketch } from './sketch.ts';
import { count, highest, lately, markTold, rollWindows, usually } from './windows.ts';

const START_S = 1_900_000_800 - (1_900_000_800 % 604_800);
const DAY_S = 86_400;
const profile = () => createProfileStore(1).open('key:a', 'team', START_S);

test('a profile takes less than 1,700 bytes, so that 100,000 of them stay below 170 MB', () => {
  assert.ok(PROFILE_WORDS * 4 < 1_700, String(PROFILE_WORDS * 4));
  assert.equal(LAYOUT_VERSION, 1);
});

test('profiles of one page do not touch each other', () => {
  const store = createProfileStore(300);
  const all = Array.from({ length: 300 }, (_, i) => store.open(`key:${i}`, undefined, i));
  all.forEach((one, i) => setWord(one, PROFILE_WORDS - 1, i));
  all.forEach((one, i) => assert.deepEqual([word(one, AT.bornS), word(one, PROFILE_WORDS - 1)], [i, i]));
  assert.equal(store.open('key:7', undefined, 999), all[7]);
});

test('a flood of new names displaces its own kind, not who was learned', () => {
  const store = createProfileStore(500);
  for (let i = 0; i < 100; i++) setNumber(store.open(`old:${i}`, 'team', 10), AT.activeDays, 20);
  for (let i = 0; i < 20_000; i++) store.open(`new:${i}`, 'flood', 1_000 + i);
  assert.equal(store.size, 500);
  assert.equal(Array.from({ length: 100 }, (_, i) => store.find(`old:${i}`)).filter(Boolean).length, 100);
});

test('a displaced profile leaves nothing to the next one in its place', () => {
  const store = createProfileStore(1);
  const first = store.open('key:a', 'team', 5);
  count(first, 'requests', 9);
  setNumber(first, AT.promptPeak, 7);
  const second = store.open('key:b', 'other', 6);
  assert.equal(store.find('key:a'), undefined);
  assert.equal(number(second, AT.promptPeak) + lately(second, 'short', 'requests', 6), 0);
});

test('a window slides: the one before counts by the part of it that is within five minutes', () => {
  const p = profile();
  rollWindows(p, START_S);
  count(p, 'requests', 10);
  rollWindows(p, START_S + 300);
  assert.equal(lately(p, 'short', 'requests', START_S + 300), 10);
  assert.equal(lately(p, 'short', 'requests', START_S + 450), 5);
  rollWindows(p, START_S + 600);
  assert.equal(lately(p, 'short', 'requests', START_S + 600), 0);
  assert.equal(lately(p, 'long', 'requests', START_S + 600), 10);
});

test('one burst teaches at most twice what was the most, and what was told of hardly anything', () => {
  const p = profile();
  const window = (i: number, requests: number, isTold = false): number => {
    rollWindows(p, START_S + i * 300);
    count(p, 'requests', requests);
    if (isTold) markTold(p, START_S + i * 300);
    rollWindows(p, START_S + (i + 1) * 300);
    return highest(p, 'short', 'requests');
  };
  for (let i = 0; i < 20; i++) window(i, 10);
  assert.ok(Math.abs(usually(p, 'short', 'requests') - 10) < 0.01);
  assert.ok(window(20, 1_000) < 21.1);
  assert.ok(window(22, 1_000, true) < 23);
});

test('the most is forgotten by half in three weeks', () => {
  const p = profile();
  rollWindows(p, START_S);
  count(p, 'requests', 100);
  rollWindows(p, START_S + 21 * DAY_S);
  assert.ok(Math.abs(highest(p, 'short', 'requests') - 100) < 1);
  rollWindows(p, START_S + 42 * DAY_S);
  assert.ok(Math.abs(highest(p, 'short', 'requests') - 50) < 1);
});

test('each hour of the week has its own usual number', () => {
  const p = profile();
  for (let hour = 0; hour < 24 * 21; hour++) {
    const inDay = hour % 24;
    if (inDay >= 8 && inDay < 18) countInSeason(p, START_S + hour * 3_600, 0, 60);
  }
  const at = (hour: number) => usualPerHour(p, hourOfWeek(START_S + hour * 3_600));
  assert.ok(at(12) > 55 && at(12) < 65, String(at(12)));
  assert.ok(at(2) < 1, String(at(2)));
  assert.equal(hourInWords(hourOfWeek(Date.UTC(2029, 9, 4, 14) / 1_000)), 'a Thursday at 14:00 UTC');
});

test('nobody becomes familiar within a day, however often they come', () => {
  const p = profile();
  for (let i = 0; i < 1_000; i++) assert.ok(!meet(p, 'networks', 42, START_S + i * 86).isFamiliar);
  assert.ok(meet(p, 'networks', 42, START_S + DAY_S).isFamiliar);
  assert.equal(known(p, 'networks', 43, START_S), undefined);
});

test('who comes from ever new networks does not displace the familiar ones', () => {
  const p = profile();
  for (let i = 0; i < 20; i++) meet(p, 'networks', 42, START_S + i * 3_600);
  for (let i = 0; i < 1_000; i++) meet(p, 'networks', 1_000 + i, START_S + DAY_S + i);
  assert.ok(known(p, 'networks', 42, START_S + 2 * DAY_S)?.isFamiliar);
  assert.equal(sinceOtherFamiliar(p, 'networks', 7, START_S + DAY_S), DAY_S - 19 * 3_600);
  assert.equal(sinceOtherFamiliar(p, 'networks', 42, START_S + DAY_S), Infinity);
});

test('what an operator has accepted is familiar at once', () => {
  const p = profile();
  meet(p, 'networks', 42, START_S);
  acceptAll(p, START_S + 60);
  assert.ok(known(p, 'networks', 42, START_S + 60)?.isFamiliar);
});

test('a sketch counts different things, near enough, in this window and the one before', () => {
  for (const things of [1, 5, 20, 60]) {
    const p = profile();
    for (let i = 0; i < things * 3; i++) note(p, 'paths', (Math.imul(i % things, 0x9e3779b1) >>> 0) + 1);
    assert.ok(Math.abs(distinct(p, 'paths') - things) <= Math.max(1, things * 0.35), `${things}`);
    turnSketch(p, 'paths');
    assert.ok(distinct(p, 'paths') > 0);
    turnSketch(p, 'paths');
    assert.equal(distinct(p, 'paths'), 0);
  }
});

test('whatever is counted, nothing is ever NaN, negative or endless', () => {
  const step = fc.tuple(fc.integer({ min: -5_000, max: 900_000 }), fc.integer({ min: 0, max: 1e9 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const p = profile();
      let nowS = START_S;
      for (const [passS, amount] of steps) {
        nowS = Math.max(1, nowS + passS);
        rollWindows(p, nowS);
        count(p, 'promptTokens', amount);
        count(p, 'requests', 1);
        countInSeason(p, nowS, 0, 1);
        for (const value of [lately, usually, highest].flatMap((of) => [
          of(p, 'short', 'promptTokens', nowS),
          of(p, 'long', 'promptTokens', nowS),
        ])) {
          assert.ok(Number.isFinite(value) && value >= 0, String(value));
        }
        assert.ok(usualPerHour(p, hourOfWeek(nowS)) >= 0);
      }
    }),
  );
});
