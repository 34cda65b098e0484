import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdChange, releaseChange } from '../directory/quarantines.ts';
import type { QuarantineRecord, RecordChange } from '../directory/records.ts';
import type { AuditRecord } from '../kernel/record.ts';
import { keepQuarantine, type QuarantineDeps, type WishedFinding } from './quarantine.ts';

type Rules = ReturnType<QuarantineDeps['config']>;

function setUp(rules: Partial<Rules> = {}, quarantines = new Map<string, QuarantineRecord>()) {
  const noted: AuditRecord[] = [];
  const said: string[] = [];
  const apply = (changes: readonly RecordChange[]): void => {
    for (const change of changes) if (change.kind === 'quarantine') quarantines.set(change.record.id, change.record);
  };
  const tenants = new Map();
  const directory = { quarantines, apiKeys: new Map(), tenants };
  let nowMs = 42;
  const keeper = keepQuarantine({
    config: () => ({ mode: 'quarantine', exempt: [], maxQuarantined: 2, ...rules }),
    directory,
    async commit(changes) {
      // The store answers in a later turn.
      await new Promise((resolve) => setImmediate(resolve));
      apply(changes);
    },
    note: (record) => void noted.push(record),
    nowMs: () => nowMs,
    rules: ['stolen-key', 'probing'],
    log: {
      info: (event) => void said.push(event),
      warn: (event) => void said.push(event),
      error: (event) => void said.push(event),
    },
  });
  const held = () => [...quarantines.values()].filter(({ state }) => state === 'held').map(({ id }) => id);
  const later = (ms: number) => void (nowMs += ms);
  return { keeper, noted, said, held, quarantines, directory, apply, later };
}

const found = (subject: string, more: Partial<WishedFinding> = {}): WishedFinding => ({
  ...{ kind: 'finding', timeMs: 1, rule: 'stolen-key', subject, tenant: 'acme', score: 0.9, why: 'because' },
  ...{ requestId: undefined, mayHold: true, ...more },
});

test('what a rule is sure of is held, recorded and told', async () => {
  const { keeper, held, noted, said } = setUp();
  await keeper.take([found('key:Ab12Cd')]);
  assert.deepEqual(held(), ['key:Ab12Cd']);
  assert.deepEqual(
    noted.map(({ kind }) => kind),
    ['finding', 'hold'],
  );
  assert.deepEqual(said, ['anomaly']);
  assert.equal(keeper.list()[0]?.subject, 'key:Ab12Cd');
  assert.equal(keeper.figures().held, 1);
  assert.deepEqual(
    [...keeper.figures().found],
    [
      ['stolen-key', 1],
      ['probing', 0],
    ],
  );
});

test('where there are other tenants, one has half of the places, and the rest is for theirs', async () => {
  const { keeper, held, directory, said } = setUp({ maxQuarantined: 4 });
  directory.tenants.set('acme', {}).set('other', {});
  await keeper.take(['a', 'b', 'c'].map((id) => found(`key:${id}`)));
  await keeper.take([found('key:d', { tenant: 'other' })]);
  assert.deepEqual(held(), ['key:a', 'key:b', 'key:d']);
  assert.ok(said.includes('quarantine_full'));
  assert.equal(keeper.figures().notHeld, 1);
});

test('a tenant that is alone has all places', async () => {
  const { keeper, held, directory } = setUp({ maxQuarantined: 3 });
  directory.tenants.set('acme', {});
  await keeper.take(['a', 'b', 'c', 'd'].map((id) => found(`key:${id}`)));
  assert.deepEqual(held(), ['key:a', 'key:b', 'key:c']);
});

for (const [what, rules, finding] of [
  ['a gateway that only observes', { mode: 'observe' }, found('key:Ab12Cd')],
  ['a key that is exempt', { exempt: ['Ab12Cd'] }, found('key:Ab12Cd')],
  ['a rule that is not sure', {}, found('key:Ab12Cd', { mayHold: false })],
  ['an address, which is no credential', {}, found('network:192.0.2.1')],
  ['a tenant', {}, found('tenant:acme')],
] as const) {
  test(`${what} is told of, and not held`, async () => {
    const { keeper, held, noted } = setUp(rules);
    await keeper.take([finding]);
    assert.deepEqual(held(), []);
    assert.deepEqual(
      noted.map(({ kind }) => kind),
      ['finding'],
    );
  });
}

test('never more are held by themselves than the configuration says, whatever is found at once', async () => {
  const { keeper, held, said } = setUp();
  await Promise.all([
    keeper.take([found('key:A00000'), found('key:B00000')]),
    keeper.take([found('key:C00000'), found('key:A00000')]),
  ]);
  assert.deepEqual(held(), ['key:A00000', 'key:B00000']);
  assert.ok(said.includes('quarantine_full'));
  assert.equal(keeper.figures().notHeld, 1);
});

test('what an operator holds takes nothing of that bound, and what is released makes room', async () => {
  const { keeper, held, directory, apply, quarantines } = setUp({ maxQuarantined: 1 });
  apply([holdChange(directory, { id: 'key:Byhand', rule: 'operator', why: '', heldAtMs: 0 })]);
  await keeper.take([found('key:A00000')]);
  assert.deepEqual(held(), ['key:Byhand', 'key:A00000']);
  const before = quarantines.get('key:A00000');
  assert.ok(before);
  apply([releaseChange(before)]);
  await keeper.take([found('key:B00000')]);
  assert.deepEqual(held(), ['key:Byhand', 'key:B00000']);
});

test('whose what is held is outlives a start: nobody has their half of the places again', async () => {
  const before = setUp({ maxQuarantined: 4 });
  before.directory.tenants.set('acme', {}).set('other', {});
  await before.keeper.take([found('key:a'), found('key:b')]);
  const { keeper, held, directory } = setUp({ maxQuarantined: 4 }, before.quarantines);
  directory.tenants.set('acme', {}).set('other', {});
  await keeper.take([found('key:c'), found('key:d', { tenant: 'other' })]);
  assert.deepEqual(held(), ['key:a', 'key:b', 'key:d']);
});

test('what found no place is held once one comes free, though its rule tells of it no more; after a day it is not', async () => {
  const { keeper, held, quarantines, apply, later, noted } = setUp({ maxQuarantined: 1 });
  const release = async (id: string): Promise<void> => {
    const record = quarantines.get(id);
    assert.ok(record);
    apply([releaseChange(record)]);
    keeper.freed();
    await keeper.take([]);
  };
  await keeper.take([found('key:A00000'), found('key:thief1', { timeMs: 42 }), found('key:thief2', { timeMs: 42 })]);
  assert.deepEqual(held(), ['key:A00000']);
  await release('key:A00000');
  assert.deepEqual(held(), ['key:thief1']);
  assert.equal(noted.at(-1)?.kind, 'hold');
  later(86_400_000);
  await release('key:thief1');
  assert.deepEqual(held(), []);
});

test('what another instance lets go makes room, too', async () => {
  const { keeper, held, quarantines, apply } = setUp({ maxQuarantined: 1 });
  await keeper.take([found('key:A00000'), found('key:thief1', { timeMs: 42 })]);
  const before = quarantines.get('key:A00000');
  assert.ok(before);
  await keeper.letGo([{ record: before, from: 'node-1:8443' }], (changes) => Promise.resolve(apply(changes)));
  assert.deepEqual(held(), ['key:thief1']);
});

test('findings that are kept are bounded', async () => {
  const { keeper } = setUp({ mode: 'observe' });
  await keeper.take(Array.from({ length: 1_200 }, (_, i) => found(`key:${i}`)));
  assert.equal(keeper.list().length, 1_000);
  assert.equal(keeper.list()[0]?.subject, 'key:1199');
});
