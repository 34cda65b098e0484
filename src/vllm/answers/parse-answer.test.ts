import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswer } from './parse-answer.ts';

const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);

for (const [name, nested] of [
  ['lists', lists],
  ['objects', objects],
] as const) {
  test(`${name} are read down to 256 levels and not one more`, () => {
    assert.ok(parseAnswer(nested(256)));
    assert.equal(parseAnswer(nested(257)), undefined);
    assert.equal(parseAnswer(`{"b":1,"a":[0,${nested(255)}]}`), undefined);
    assert.equal(parseAnswer(nested(200_000)), undefined);
  });
}

test('what is no JSON is undefined, and every other value itself', () => {
  for (const text of ['', '{', '{"a":1}x', 'undefined']) assert.equal(parseAnswer(text), undefined);
  for (const value of [null, 0, false, 'a', [1], { a: { b: [null] } }]) {
    assert.deepEqual(parseAnswer(JSON.stringify(value)), value);
  }
});
