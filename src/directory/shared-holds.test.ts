import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuarantineRecord } from './records.ts';
import { verdictOn, type SharedHold } from './shared-holds.ts';

const record = (state: QuarantineRecord['state'], version: number): QuarantineRecord => ({
  ...{ id: 'key:Ab12Cd', rule: 'operator', why: '', heldAtMs: 0, state, version },
});
const entry = (state: SharedHold['state'], version: number, process = 'other', recordVersion = 1): SharedHold => {
  const told = { key: 'k', version, from: 'node:1', process, recordVersion };
  if (state === 'released') return { ...told, state, seen: 5 };
  return { ...told, state, id: 'key:Ab12Cd', rule: 'operator', why: '', heldAtMs: 0, tenant: undefined };
};

for (const [what, of, here, [recordVersion, version], verdict] of [
  ['newer than what is here is followed', entry('held', 5), undefined, [0, 0], 'follow'],
  [
    'newer than what is here is followed, a release likewise',
    entry('released', 6),
    record('held', 1),
    [1, 5],
    'follow',
  ],
  [
    'a release of less than what is held here is told the hold anew',
    entry('released', 8),
    record('held', 2),
    [2, 6],
    'anew',
  ],
  ['what is here already is nothing new', entry('held', 5), record('held', 1), [1, 5], 'nothing'],
  ['older than what is here is told the newer one', entry('held', 4), record('released', 2), [2, 5], 'repeat'],
  ['older is left where something newer is told anyway', entry('held', 4), record('held', 3), [2, 5], 'nothing'],
  [
    'a release gives way to a hold here that is not told yet',
    entry('released', 6),
    record('held', 2),
    [1, 5],
    'nothing',
  ],
  [
    'a hold is not undone by a release here that has not seen it',
    entry('held', 6),
    record('released', 2),
    [1, 5],
    'follow',
  ],
  ['a release is what a release here wants', entry('released', 6), record('released', 2), [1, 5], 'agree'],
  ['told by this process is its own', entry('held', 5, 'me', 1), record('released', 2), [0, 0], 'own'],
  [
    'told by this process of a record that is not here is followed',
    entry('held', 5, 'me', 3),
    record('held', 2),
    [0, 0],
    'nothing',
  ],
  ['of a version given twice the hold counts, there', entry('held', 5), record('released', 1), [1, 5], 'follow'],
  ['of a version given twice the hold counts, here', entry('released', 5), record('held', 1), [1, 5], 'repeat'],
] as const) {
  test(`an entry that is ${what}`, () =>
    assert.equal(verdictOn(of, here, { recordVersion, version, seen: 0 }, 'me'), verdict));
}
