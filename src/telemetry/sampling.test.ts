import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isChosen, isKept } from './sampling.ts';

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);

test('of all traces the part is chosen that the ratio says', () => {
  const ids = Array.from({ length: 20_000 }, () =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
  );
  for (const ratio of [0.01, 0.1, 0.5]) {
    const chosen = ids.filter((id) => isChosen(id, ratio)).length / ids.length;
    assert.ok(Math.abs(chosen - ratio) < 0.02, `${chosen} for ${ratio}`);
  }
});

test('a ratio of 0 chooses none and 1 chooses all', () => {
  for (const id of ['0'.repeat(32), 'f'.repeat(32)]) {
    assert.equal(isChosen(id, 0), false);
    assert.equal(isChosen(id, 1), true);
  }
});

test('what a small ratio chooses a larger one chooses, too', () => {
  const ratio = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(hex, ratio, ratio, (id, a, b) => {
      if (isChosen(id, Math.min(a, b))) assert.ok(isChosen(id, Math.max(a, b)));
    }),
  );
});

const ended = { outcome: 'answer', status: 200, durationMs: 999 };
for (const [name, isSampled, end, isIt] of [
  ['a chosen one', true, {}, true],
  ['one that was not chosen', false, {}, false],
  ['one just not slow', false, { durationMs: 999.9 }, false],
  ['a slow one', false, { durationMs: 1_000 }, true],
  ['a fault', false, { outcome: 'fault', status: 200 }, true],
  ['a stream that was cut', false, { outcome: 'cut' }, true],
  ['a refusal for a fault of ours', false, { outcome: 'denial', status: 503 }, true],
  ['a refusal for its own', false, { outcome: 'denial', status: 499 }, false],
  ['one that its caller left', false, { outcome: 'abort', status: 499 }, false],
] as const) {
  test(`${name} is ${isIt ? 'kept' : 'not kept'}`, () => {
    assert.equal(isKept(isSampled, { ...ended, ...end }, { ratio: 0, slowMs: 1_000 }), isIt);
  });
}
