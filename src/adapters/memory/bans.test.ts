import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { OFFENCE_RULES, REMEMBERED_FOR_MS, TRUSTED_FOR_MS, type BanBook, type Offence } from '../../limits/bans.ts';
import { createBanMemory, reclaimBans, type BanMemory } from './ban-cells.ts';
import { createBans } from './bans.ts';

const spans = { firstMs: 60_000, maxMs: 3_600_000 };
const A = '192.0.2.7';
const B = '2001:db8:0:1::/64';

/** One thread's bans at a moment that tests set; the memory is there for more threads. */
function setUp({ cells = 64, rows = 1 } = {}) {
  const memory = createBanMemory(cells, 's', 0);
  const books = Array.from({ length: rows }, (_, row) => createBans(memory, row, () => spans));
  return { memory, books, book: books[0] ?? assert.fail() };
}

/** So many offences at one moment, each of another kind. */
function offend(book: BanBook, network: string, offence: Offence, nowMs: number, times: number): void {
  for (let i = 0; i < times; i++) book.offend(network, offence, nowMs, i);
}

/** All that one ban takes. */
const ban = (book: BanBook, network: string, nowMs: number) =>
  offend(book, network, 'failures', nowMs, OFFENCE_RULES.failures.most);

for (const offence of ['failures', 'smuggling'] as const) {
  const { most, forgottenAfterMs } = OFFENCE_RULES[offence];

  test(`the ${most}th offence of ${offence} at once begins a ban, and not the one before`, () => {
    const { book } = setUp();
    offend(book, A, offence, 0, most - 1);
    assert.equal(book.find(A, 0), undefined);
    book.offend(A, offence, 0);
    assert.deepEqual(book.find(A, 0), { network: A, reason: offence, number: 1, sinceMs: 0, untilMs: 60_000 });
    assert.deepEqual(book.begun()[offence], 1);
  });

  test(`an offence of ${offence} is forgotten after ${forgottenAfterMs} ms, and not before`, () => {
    for (const [afterMs, isBanned] of [
      [forgottenAfterMs - 100, true],
      [forgottenAfterMs, false],
    ] as const) {
      const { book } = setUp();
      offend(book, A, offence, 0, most - 1);
      book.offend(A, offence, afterMs);
      assert.equal(book.find(A, afterMs) !== undefined, isBanned, String(afterMs));
    }
  });
}

test('a scan counts different paths alone, for as long as it is not forgotten', () => {
  const { book } = setUp();
  const { most, forgottenAfterMs } = OFFENCE_RULES.scan;
  for (let i = 0; i < 1_000; i++) book.offend(A, 'scan', 0, 7);
  offend(book, A, 'scan', 0, most - 1);
  assert.equal(book.find(A, 0), undefined);
  book.offend(A, 'scan', 0, 63);
  assert.equal(book.find(A, 0)?.reason, 'scan');
  offend(book, B, 'scan', 0, most - 1);
  const laterMs = most * forgottenAfterMs;
  offend(book, B, 'scan', laterMs, most - 1);
  assert.equal(book.find(B, laterMs), undefined);
  offend(book, B, 'scan', laterMs, most);
  assert.equal(book.find(B, laterMs)?.reason, 'scan');
});

test('offences of different kinds do not add up', () => {
  const { book } = setUp();
  for (const offence of ['failures', 'scan', 'smuggling'] as const) {
    offend(book, A, offence, 0, OFFENCE_RULES[offence].most - 1);
  }
  assert.equal(book.find(A, 0), undefined);
});

test('a ban holds up to its end and not a tenth of a second longer, for its network alone', () => {
  const { book } = setUp();
  ban(book, A, 0);
  assert.notEqual(book.find(A, 59_999), undefined);
  assert.equal(book.find(A, 60_000), undefined);
  assert.equal(book.find('192.0.2.8', 0), undefined);
  assert.deepEqual(
    book.all(0).map(({ network }) => network),
    [A],
  );
  assert.deepEqual(book.all(60_000), []);
});

test('what comes while a ban is in force neither lengthens it nor counts for the next', () => {
  const { book } = setUp();
  ban(book, A, 0);
  offend(book, A, 'smuggling', 59_000, 100);
  assert.equal(book.find(A, 59_000)?.untilMs, 60_000);
  book.offend(A, 'smuggling', 60_000);
  assert.equal(book.find(A, 60_000), undefined);
});

test('the next ban within a day is twice as long, and one after a day is the first again', () => {
  const { book } = setUp();
  ban(book, A, 0);
  const nextMs = 60_000 + REMEMBERED_FOR_MS;
  ban(book, A, nextMs);
  assert.deepEqual([book.find(A, nextMs)?.number, book.find(A, nextMs)?.untilMs], [2, nextMs + 120_000]);
  const lateMs = nextMs + 120_000 + REMEMBERED_FOR_MS + 100;
  ban(book, A, lateMs);
  assert.deepEqual([book.find(A, lateMs)?.number, book.find(A, lateMs)?.untilMs], [1, lateMs + 60_000]);
});

test('an address that was good in the last ten minutes is not banned, and one whose last good is older is', () => {
  const { book } = setUp();
  book.trust(A, 1_000);
  const endMs = 1_000 + TRUSTED_FOR_MS;
  ban(book, A, endMs - 100);
  offend(book, A, 'smuggling', endMs - 100, 100);
  assert.equal(book.find(A, endMs - 100), undefined);
  book.offend(A, 'failures', endMs);
  assert.equal(book.find(A, endMs)?.reason, 'failures');
});

test('what is good of one address speaks for no other', () => {
  const { book } = setUp();
  book.trust('192.0.2.8', 0);
  ban(book, A, 0);
  assert.notEqual(book.find(A, 0), undefined);
});

test('what one thread bans or lifts the others see at once', () => {
  const { books } = setUp({ rows: 2 });
  const [one, other] = books;
  assert.ok(one && other);
  assert.equal(other.find(A, 0), undefined);
  for (let i = 0; i < OFFENCE_RULES.failures.most; i++) (i % 2 === 0 ? one : other).offend(A, 'failures', 0);
  assert.notEqual(one.find(A, 0), undefined);
  assert.notEqual(other.find(A, 0), undefined);
  assert.equal(other.lift(A, 0)?.network, A);
  assert.equal(one.find(A, 0), undefined);
  assert.equal(one.lift(A, 0), undefined);
});

test('a ban that was lifted has left nothing behind: neither its number nor what led to it', () => {
  const { book } = setUp();
  ban(book, A, 0);
  book.lift(A, 0);
  offend(book, A, 'failures', 0, OFFENCE_RULES.failures.most - 1);
  assert.equal(book.find(A, 0), undefined);
  book.offend(A, 'failures', 0);
  assert.equal(book.find(A, 0)?.number, 1);
});

test('bans that have begun are told of once, those that were put never', () => {
  const { book } = setUp();
  assert.deepEqual(book.takeNew(0), []);
  ban(book, A, 0);
  book.put({ network: B, reason: 'operator', number: 1, sinceMs: 0, untilMs: 1_000 }, 0);
  assert.deepEqual(
    book.takeNew(0).map(({ network, reason }) => [network, reason]),
    [[A, 'failures']],
  );
  assert.deepEqual(book.takeNew(0), []);
});

test('a ban that is put is in force to its end; one that has ended is remembered only', () => {
  const { book } = setUp();
  assert.equal(book.put({ network: B, reason: 'scan', number: 3, sinceMs: 0, untilMs: 5_000 }, 1_000), true);
  assert.deepEqual(book.find(B, 4_999)?.number, 3);
  assert.equal(book.find(B, 5_000), undefined);
  book.put({ network: A, reason: 'failures', number: 3, sinceMs: -120_000, untilMs: -60_000 }, 0);
  assert.equal(book.find(A, 0), undefined);
  ban(book, A, 0);
  assert.equal(book.find(A, 0)?.number, 4);
});

test('what is no address is never banned', () => {
  const { book } = setUp();
  ban(book, '', 0);
  book.trust('unix', 0);
  assert.equal(book.put({ network: 'nowhere', reason: 'operator', number: 1, sinceMs: 0, untilMs: 1 }, 0), false);
  assert.deepEqual([book.find('', 0), book.all(0)], [undefined, []]);
});

test('many addresses neither push out a ban in force nor more than one that was good', () => {
  const { book } = setUp({ cells: 8 });
  for (let i = 0; i < 4; i++) ban(book, `192.0.2.${i}`, 0);
  for (let i = 0; i < 4; i++) book.trust(`198.51.100.${i}`, i);
  for (let i = 0; i < 5_000; i++) book.offend(`2001:db8:0:${i.toString(16)}::/64`, 'failures', 1_000);
  assert.equal(book.all(1_000).length, 4);
  for (let i = 0; i < 4; i++) ban(book, `198.51.100.${i}`, 1_000);
  // The one that was quiet longest had to go.
  assert.deepEqual(
    book
      .all(1_000)
      .map(({ network }) => network)
      .filter((network) => network.startsWith('198')),
    ['198.51.100.0'],
  );
});

test('where all have a ban in force one more finds no room, and takes it where one has ended', () => {
  const { book } = setUp({ cells: 8 });
  for (let i = 0; i < 8; i++) ban(book, `192.0.2.${i}`, i < 7 ? 0 : -30_000);
  ban(book, A.replace('7', '99'), 0);
  assert.deepEqual([book.all(0).length, book.find('192.0.2.99', 0)], [8, undefined]);
  assert.ok(book.lost() > 0);
  assert.equal(book.put({ network: B, reason: 'operator', number: 1, sinceMs: 0, untilMs: 9 }, 0), false);
  ban(book, '192.0.2.99', 30_000);
  assert.notEqual(book.find('192.0.2.99', 30_000), undefined);
  assert.equal(book.all(30_000).length, 8);
});

test('a thread that died with a lock in its hand holds up nobody once it was given back', () => {
  const { memory, book } = setUp({ cells: 8, rows: 2 });
  const locks = new Int32Array(memory.buffer, memory.buffer.byteLength - 4, 1);
  Atomics.store(locks, 0, 2);
  reclaimBans(memory, 0);
  assert.equal(Atomics.load(locks, 0), 2);
  reclaimBans(memory, 1);
  ban(book, A, 0);
  assert.notEqual(book.find(A, 0), undefined);
});

/** What a network's history must lead to, in plain numbers. */
class Model {
  tatMs = 0;
  untilMs = -Infinity;
  number = 0;
  goodAtMs = -Infinity;

  offend(nowMs: number): void {
    if (nowMs < this.untilMs) return;
    const { most, forgottenAfterMs } = OFFENCE_RULES.failures;
    const next = Math.max(this.tatMs, nowMs) + forgottenAfterMs;
    if (next - nowMs <= (most - 1) * forgottenAfterMs) return void (this.tatMs = next);
    if (nowMs - this.goodAtMs < TRUSTED_FOR_MS) return;
    this.number = nowMs - this.untilMs <= REMEMBERED_FOR_MS ? this.number + 1 : 1;
    this.untilMs = nowMs + Math.min(spans.maxMs, spans.firstMs * 2 ** (this.number - 1));
    this.tatMs = 0;
  }
}

test('any order of offences, good credentials, lifts and waits comes out as the rules say, whoever of two threads hears of it', () => {
  const step = fc.record({
    kind: fc.constantFrom('offend', 'offend', 'offend', 'good', 'lift'),
    times: fc.integer({ min: 1, max: 40 }),
    waitS: fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 100_000 })),
    thread: fc.nat(1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { books } = setUp({ rows: 2 });
      const model = new Model();
      let nowMs = 0;
      for (const { kind, times, waitS, thread } of steps) {
        nowMs += waitS * 1_000;
        const book = books[thread] ?? assert.fail();
        if (kind === 'good') {
          book.trust(A, nowMs);
          model.goodAtMs = nowMs;
        } else if (kind === 'lift') {
          const isThere = nowMs < model.untilMs;
          assert.equal(book.lift(A, nowMs) !== undefined, isThere);
          if (isThere) Object.assign(model, { untilMs: -Infinity, number: 0, tatMs: 0 });
        } else
          for (let i = 0; i < times; i++) {
            book.offend(A, 'failures', nowMs);
            model.offend(nowMs);
          }
        for (const one of books) {
          const found = one.find(A, nowMs);
          assert.equal(found?.untilMs, nowMs < model.untilMs ? model.untilMs : undefined);
          if (found !== undefined) assert.equal(found.number, model.number);
        }
      }
    }),
  );
});

test('of offences that two threads count at once none is lost, and each ban begins once', async () => {
  const memory = createBanMemory(32_768, 's', 0);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const each = OFFENCE_RULES.smuggling.most / 2;
  const code = `
    const { workerData } = require('node:worker_threads');
    const { url, memory, row, spans, gate, each } = workerData;
    import(url).then(({ createBans }) => {
      const bans = createBans(memory, row, () => spans);
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < 2);
      for (let i = 0; i < 2_000; i++)
        for (let j = 0; j < each; j++) bans.offend('192.0.' + (i >> 8) + '.' + (i & 255), 'smuggling', 0);
    });`;
  const run = (row: number, of: BanMemory) =>
    new Promise<void>((resolve, reject) => {
      const url = new URL('./bans.ts', import.meta.url).href;
      const worker = new Worker(code, { eval: true, workerData: { url, memory: of, row, spans, gate, each } });
      worker.once('error', reject).once('exit', () => resolve());
    });
  await Promise.all([run(0, memory), run(1, memory)]);
  const book = createBans(memory, 2, () => spans);
  assert.equal(book.lost(), 0);
  assert.equal(book.all(0).length, 2_000);
  assert.equal(book.begun().smuggling, 2_000);
  assert.equal(book.takeNew(0).length, 2_000);
});
