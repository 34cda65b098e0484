import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRepeats, type Refusal } from './repeats.ts';

const REFUSAL: Refusal = { code: 'rate_limited', network: '192.0.2.1', caller: undefined };

test('120 cheap refusals of a caller in a minute are records of their own, the others one that says how many', () => {
  const repeats = createRepeats();
  const counted = Array.from({ length: 500 }, (_, i) => repeats.isCounted(REFUSAL, () => String(i)));
  assert.equal(counted.indexOf(true), 120);
  assert.ok(counted.slice(120).every((is) => is));
  assert.deepEqual(repeats.take(), [{ line: '120', count: 380, isOfSeveral: false }]);
  assert.deepEqual(repeats.take(), []);
  assert.equal(
    repeats.isCounted(REFUSAL, () => ''),
    false,
  );
});

test('one caller’s storm hides nothing of another address, of another key, or of another kind', () => {
  const repeats = createRepeats();
  for (let i = 0; i < 500; i++) repeats.isCounted(REFUSAL, () => String(i));
  assert.equal(
    repeats.isCounted({ ...REFUSAL, network: '192.0.2.2' }, () => ''),
    false,
  );
  assert.equal(
    repeats.isCounted({ ...REFUSAL, caller: 'key:Ab12Cd' }, () => ''),
    false,
  );
  assert.equal(
    repeats.isCounted({ ...REFUSAL, code: 'ip_denied' }, () => ''),
    false,
  );
});

test('what is answered, and what says who tried which secret, is a record each', () => {
  const repeats = createRepeats();
  for (const code of [undefined, 'invalid_credential', 'missing_credential', 'prompt_denied'] as const) {
    for (let i = 0; i < 500; i++)
      assert.equal(
        repeats.isCounted({ ...REFUSAL, code }, () => ''),
        false,
      );
  }
});

test('above ten thousand callers the others are one record, which is said to be of several', () => {
  const repeats = createRepeats();
  for (let i = 0; i < 10_200; i++) repeats.isCounted({ ...REFUSAL, network: String(i) }, () => String(i));
  assert.deepEqual(repeats.take(), [{ line: '10120', count: 80, isOfSeveral: true }]);
});

test('each refusal is recorded by itself or counted, however many callers there are', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(11_000), { maxLength: 200 }), (callers) => {
      const repeats = createRepeats();
      let alone = 0;
      let all = 0;
      for (const caller of [...Array(10_050).keys(), ...callers, ...Array<number>(300).fill(1)]) {
        all++;
        if (!repeats.isCounted({ ...REFUSAL, network: String(caller) }, () => '')) alone++;
      }
      assert.equal(alone + repeats.take().reduce((sum, { count }) => sum + count, 0), all);
    }),
    { numRuns: 20 },
  );
});

test('what a known caller gets refused for what it asked is a record each, and heads of strangers that cannot be read are not', () => {
  const repeats = createRepeats();
  const refusal: Refusal = { ...REFUSAL, code: 'invalid_request' };
  const countedOf = (one: Refusal) =>
    Array.from({ length: 200 }, () => repeats.isCounted(one, () => '')).filter(Boolean);
  assert.equal(countedOf({ ...refusal, caller: 'key:Ab12Cd' }).length, 0);
  assert.equal(countedOf(refusal).length, 80);
});
