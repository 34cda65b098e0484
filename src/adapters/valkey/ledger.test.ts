import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Item } from './items.ts';
import { createLedger, type Batch } from './ledger.ts';

const same = (ms: number): number => ms;
const budget = (id: string): Item => ({ kind: 'd', id, p1: 1_000, p2: 0, p3: 60_000, endsAtMs: 0 });

const step = fc.oneof(
  fc.record({ do: fc.constant('hold' as const), who: fc.nat(2), isTold: fc.boolean() }),
  fc.record({ do: fc.constant('release' as const), pick: fc.nat(), used: fc.nat(9) }),
  fc.record({ do: fc.constant('send' as const), arrives: fc.boolean(), isConfirmed: fc.boolean() }),
  fc.record({ do: fc.constant('rejoin' as const) }),
);

test('whatever is lost on the way, the server ends with what was used, once, and what is held', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = createLedger([], same);
      const holds: string[] = [];
      let used = 0;
      // The server: what is used, what this session holds, and its last number.
      let [counted, last] = [0, -1];
      let reserved = new Map<string, number>();
      const arrive = ({ seq, entries }: Batch): void => {
        last = seq;
        for (const { item, back, delta } of entries) {
          counted += delta;
          reserved.set(item.id, (reserved.get(item.id) ?? 0) - back);
        }
      };
      const rejoin = (): void => {
        reserved = new Map([...ledger.announced()].map(([field, units]) => [field.slice(2), units]));
        ledger.rejoined(last);
      };
      let isBroken = false;
      for (const one of steps) {
        if (one.do === 'hold') {
          const id = `who${one.who}`;
          holds.push(id);
          if (one.isTold && !isBroken) {
            ledger.hold(budget(id), 10);
            reserved.set(id, (reserved.get(id) ?? 0) + 10);
          } else ledger.holdUntold(budget(id), 10);
        } else if (one.do === 'release' && holds.length > 0) {
          const [id = ''] = holds.splice(one.pick % holds.length, 1);
          ledger.release(budget(id), 10, one.used);
          used += one.used;
        } else if (one.do === 'send' && !isBroken) {
          const batch = ledger.take();
          if (batch === undefined) continue;
          if (one.arrives) arrive(batch);
          if (one.arrives && one.isConfirmed) ledger.told(batch.seq);
          // What was not answered ends the session.
          else isBroken = true;
        } else if (one.do === 'rejoin') {
          rejoin();
          isBroken = false;
        }
      }
      rejoin();
      for (let batch = ledger.take(); batch !== undefined; batch = ledger.take()) arrive(batch);
      assert.equal(counted, used);
      for (const id of ['who0', 'who1', 'who2']) {
        assert.equal(reserved.get(id) ?? 0, 10 * holds.filter((hold) => hold === id).length);
      }
      assert.equal(ledger.lost(), 0);
    }),
  );
});

const life = fc.oneof(
  fc.record({ do: fc.constant('use' as const), who: fc.nat(2), used: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ do: fc.constant('send' as const), arrives: fc.boolean(), isConfirmed: fc.boolean() }),
  fc.record({ do: fc.constant('page' as const) }),
  fc.record({ do: fc.constant('kill' as const) }),
);

test('whenever a thread is killed, its successor tells what stood on the last page, and nothing twice', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 60 }), (steps) => {
      let ledger = createLedger([], same);
      let page = ledger.untoldBudgets();
      let [used, usedAtPage, counted, last] = [0, 0, 0, -1];
      let isBroken = false;
      const arrive = ({ seq, entries }: Batch): void => {
        last = seq;
        counted += entries.reduce((sum, { delta }) => sum + delta, 0);
      };
      const succeed = (): void => {
        // What was used since the page is forgiven, unless it was told.
        ledger = createLedger(page, same);
        ledger.rejoined(last);
        isBroken = false;
      };
      for (const one of steps) {
        if (one.do === 'use') {
          ledger.release(budget(`who${one.who}`), 0, one.used);
          used += one.used;
        } else if (one.do === 'send' && !isBroken) {
          const batch = ledger.take();
          if (batch === undefined) continue;
          if (one.arrives) arrive(batch);
          if (one.arrives && one.isConfirmed) ledger.told(batch.seq);
          else isBroken = true;
        } else if (one.do === 'page') {
          page = ledger.untoldBudgets();
          usedAtPage = used;
        } else if (one.do === 'kill') {
          succeed();
          page = ledger.untoldBudgets();
          const untold = page.reduce((sum, { used: units }) => sum + units, 0);
          assert.ok(counted + untold >= usedAtPage && counted + untold <= used, `${counted} + ${untold}`);
          used = usedAtPage = counted + untold;
        }
      }
      succeed();
      for (let batch = ledger.take(); batch !== undefined; batch = ledger.take()) arrive(batch);
      assert.ok(counted >= usedAtPage && counted <= used, `${usedAtPage} <= ${counted} <= ${used}`);
    }),
  );
});

test('a page has the budgets alone, each with the settlement that will tell it', () => {
  const ledger = createLedger([], same);
  ledger.charge({ kind: 'r', id: 'rate', p1: 1, p2: 1, p3: 0, endsAtMs: 0 }, 1);
  for (let i = 0; i < 200; i++) ledger.release(budget(`b${i}`), 0, 1);
  ledger.holdUntold(budget('held'), 5);
  const seqs = ledger.untoldBudgets().map(({ seq }) => seq);
  assert.deepEqual([seqs.length, seqs[198], seqs[199]], [200, 1, 2]);
  const first = ledger.take();
  assert.equal(first?.entries.at(-1)?.item.id, 'b198');
  assert.equal(ledger.untoldBudgets().length, 200);
  ledger.told(1);
  assert.deepEqual(
    ledger.untoldBudgets().map(({ id, used, seq }) => [id, used, seq]),
    [['b199', 1, 2]],
  );
});

test('counters that wait to be told are bounded, and those that are forgotten are counted', () => {
  const ledger = createLedger([], same);
  for (let i = 0; i < 65_536; i++) ledger.charge({ kind: 'r', id: `r${i}`, p1: 1, p2: 1, p3: 0, endsAtMs: 0 }, 1);
  assert.equal(ledger.lost(), 0);
  ledger.charge({ kind: 'r', id: 'one more', p1: 1, p2: 1, p3: 0, endsAtMs: 0 }, 1);
  assert.equal(ledger.lost(), 1);
});

test('what is used in two windows of a budget is told of each', () => {
  const ledger = createLedger([], same);
  ledger.release(budget('a'), 0, 3);
  ledger.release({ ...budget('a'), p2: 60_000, p3: 120_000, endsAtMs: 0 }, 0, 4);
  assert.deepEqual(
    ledger.take()?.entries.map(({ item, delta }) => [item.p2, delta]),
    [
      [0, 3],
      [60_000, 4],
    ],
  );
});

for (const [kind, expected] of [
  ['r', undefined],
  ['a', undefined],
  ['d', -500],
] as const) {
  test(`what comes back of ${kind} and is told late comes back ${expected === undefined ? 'not at all' : 'whole'}`, () => {
    const ledger = createLedger([], same);
    ledger.charge({ ...budget('a'), kind }, -500);
    ledger.announced();
    assert.equal(ledger.take()?.entries[0]?.delta, expected);
  });
}

for (const { what, used, told } of [
  { what: 'of what is not told yet is one sum with it, however often', used: [3, 4, -2, 5, 6, -16], told: [] },
  { what: 'beyond that keeps its place among what was used', used: [3, 4, -8, 5, 6], told: [7, -8, 11] },
]) {
  test(`what is taken back ${what}`, () => {
    const ledger = createLedger([], same);
    for (const units of used) ledger.release(budget('a'), 0, units);
    assert.deepEqual(
      (ledger.take()?.entries ?? []).map(({ delta }) => delta),
      told,
    );
  });
}

test('who takes a place numbers its settlements after all that the one before has told, else a third would hold them for told', () => {
  const untold = [{ id: 'a', windowStartMs: 0, windowEndMs: 60_000, used: 1, seq: 5 }];
  for (const [lastSeq, next] of [
    [-1, 6],
    [9, 10],
  ] as const) {
    const ledger = createLedger(untold, same);
    ledger.rejoined(lastSeq);
    ledger.release(budget('b'), 0, 1);
    assert.equal(ledger.take()?.seq, next);
  }
});
