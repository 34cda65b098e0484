import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { settableClock } from '../../../test/support/clock.ts';
import type { Content } from '../../kernel/content.ts';
import { createRecordSender, type RecordPort } from './record-sender.ts';
import {
  createRecordsMemory,
  openRecordsMemory,
  type BatchKept,
  type RecordBatch,
  type RecordRules,
} from './records-messages.ts';

const RULES: RecordRules = {
  isEnabled: true,
  isWatched: true,
  flushMs: 50,
  isStrict: false,
  onFailure: 'continue',
  retentionMs: 'none',
  shipTo: [],
  content: { mode: 'none', sample: 1, maxBytes: 1024 },
};

function setUp(changed: Partial<RecordRules> = {}) {
  const rules = { ...RULES, ...changed };
  const clock = settableClock();
  const memory = openRecordsMemory(createRecordsMemory(2));
  const posted: RecordBatch[] = [];
  let tell: (kept: BatchKept) => void = () => undefined;
  const port: RecordPort = {
    post: (batch) => void posted.push(batch),
    onKept: (told) => void (tell = told),
    close: () => undefined,
  };
  const sender = createRecordSender(port, { row: 1, memory, rules: () => rules, clock });
  const texts = () => posted.map(({ lines }) => Buffer.from(lines).toString());
  return { clock, memory, posted, texts, sender, port, tell: (kept: BatchKept) => tell(kept) };
}

test('records are handed over together when the first of them has waited as long as it may', () => {
  const { clock, texts, sender } = setUp();
  sender.add('a');
  clock.advance(49);
  sender.add('b');
  assert.deepEqual(texts(), []);
  clock.advance(1);
  assert.deepEqual(texts(), ['a\nb\n']);
  clock.advance(1_000);
  assert.equal(texts().length, 1);
});

test('how many records wait is known outside, for a worker that ends takes them along', () => {
  const { clock, memory, sender } = setUp();
  sender.add('a');
  sender.add('b');
  assert.deepEqual([memory.waiting(0), memory.waiting(1)], [0, 2]);
  clock.advance(50);
  assert.equal(memory.waiting(1), 0);
});

test('where nobody has to wait, nobody does; where recording is off, nothing is kept', () => {
  assert.equal(setUp().sender.isStrict(), false);
  const off = setUp({ isEnabled: false, isStrict: true });
  off.sender.add('a');
  off.clock.advance(100);
  assert.deepEqual(off.texts(), []);
  assert.equal(off.sender.isStrict(), false);
});

test('who has to wait is let go once its own batch is on disk, and not before', async () => {
  const { texts, sender, tell } = setUp({ isStrict: true });
  sender.add('a');
  const first = sender.kept();
  await turn();
  sender.add('b');
  let isDone = false;
  const second = sender.kept().then((isKept) => (isDone = isKept));
  await turn();
  assert.deepEqual(texts(), ['a\n', 'b\n']);
  tell({ batch: 1, isKept: true });
  assert.equal(await first, true);
  await turn();
  assert.equal(isDone, false);
  tell({ batch: 2, isKept: true });
  await second;
  assert.equal(isDone, true);
});

for (const [onFailure, may] of [
  ['deny', false],
  ['continue', true],
] as const) {
  test(`what could not be written: with ${onFailure} who waits for it ${may ? 'goes on' : 'is refused'}`, async () => {
    const { sender, tell } = setUp({ isStrict: true, onFailure });
    sender.add('a');
    const kept = sender.kept();
    await turn();
    tell({ batch: 1, isKept: false });
    assert.equal(await kept, may);
  });
}

test('while the thread is behind, records wait in their worker, where they are bounded and those that are lost counted', () => {
  const { clock, memory, posted, sender } = setUp();
  for (let i = 0; i < 40; i++) {
    sender.add('a');
    clock.advance(50);
  }
  assert.equal(posted.length, 32);
  const big = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 20; i++) sender.add(big);
  memory.setTaken(1, 32);
  clock.advance(50);
  const last = posted.at(-1);
  assert.equal(posted.length, 33);
  assert.ok(last !== undefined && last.dropped > 0 && last.lines.length <= 16 * 1024 * 1024);
});

test('a record that was dropped is not said to be kept', async () => {
  const { sender } = setUp({ isStrict: true, onFailure: 'deny' });
  for (let i = 0; i < 20; i++) sender.add('x'.repeat(1024 * 1024));
  assert.equal(await sender.kept(), false);
});

test('requests are refused only where the configuration says so, and only while nothing can be written', () => {
  const { memory, sender } = setUp({ onFailure: 'deny' });
  assert.equal(sender.isRefusing(), false);
  memory.setFailing(true);
  assert.equal(sender.isRefusing(), true);
  memory.setFailing(false);
  assert.equal(sender.isRefusing(), false);
  const other = setUp();
  other.memory.setFailing(true);
  assert.equal(other.sender.isRefusing(), false);
});

test('when the thread was started anew, who waited for the old one is told, and numbers begin again', async () => {
  const { sender, port, texts, posted } = setUp({ isStrict: true, onFailure: 'deny' });
  sender.add('a');
  const kept = sender.kept();
  await turn();
  sender.setPort(port, 0);
  assert.equal(await kept, false);
  sender.add('b');
  sender.handOver();
  assert.equal(texts().at(-1), 'b\n');
  assert.equal(posted.at(-1)?.batch, 1);
});

test('what went with a thread is told to the next one as given up, once, and what it had taken is not', () => {
  const { clock, memory, posted, sender, port } = setUp();
  for (const line of ['a', 'b', 'c']) {
    sender.add(line);
    sender.handOver();
  }
  sender.add('waits');
  sender.setPort(port, 1);
  memory.setTaken(1, 0);
  clock.advance(50);
  assert.deepEqual([posted.at(-1)?.dropped, posted.at(-1)?.batch], [2, 1]);
  assert.equal(Buffer.from(posted.at(-1)?.lines ?? []).toString(), 'waits\n');
  sender.add('d');
  clock.advance(50);
  assert.equal(posted.at(-1)?.dropped, 0);
});

test('where nothing comes any more, the next thread is told all the same of what went with the other', () => {
  const { clock, posted, sender, port } = setUp();
  sender.add('a');
  sender.handOver();
  sender.setPort(port, 0);
  clock.advance(50);
  assert.deepEqual([posted.at(-1)?.dropped, posted.at(-1)?.lines.length], [1, 0]);
});

const MIB = 1024 * 1024;
const contentOf = (requestId: string, bytes: number): Content => ({
  requestId,
  prompt: { digest: new Uint8Array(32), bytes, kept: new Uint8Array(bytes) },
  completion: undefined,
  isDropped: false,
});

test('what was said goes with its record, once', () => {
  const { clock, posted, sender } = setUp();
  sender.add('a', contentOf('a', 1));
  sender.add('b');
  clock.advance(50);
  sender.add('c');
  clock.advance(50);
  assert.deepEqual(
    posted.map(({ contents }) => contents.map(({ requestId }) => requestId)),
    [['a'], []],
  );
});

test('32 MiB of texts wait and are on their way; of what is above only digests go on, until the thread has taken some', () => {
  const { clock, memory, posted, sender } = setUp();
  sender.add('a', contentOf('a', 16 * MIB));
  clock.advance(50);
  sender.add('b', contentOf('b', 16 * MIB));
  sender.add('c', contentOf('c', 1));
  clock.advance(50);
  memory.setTaken(1, 1);
  sender.add('d', contentOf('d', 16 * MIB));
  clock.advance(50);
  assert.deepEqual(
    posted.flatMap(({ contents }) => contents.map(({ isDropped, prompt }) => [isDropped, prompt?.kept?.length])),
    [
      [false, 16 * MIB],
      [false, 16 * MIB],
      [true, undefined],
      [false, 16 * MIB],
    ],
  );
});

test('what was said goes with no record where that was dropped', () => {
  const { clock, posted, sender } = setUp();
  for (let i = 0; i < 20; i++) sender.add('x'.repeat(MIB), contentOf(String(i), 1));
  clock.advance(50);
  const [batch] = posted;
  assert.ok(batch !== undefined && batch.dropped > 0);
  assert.equal(batch.contents.length, 20 - batch.dropped);
});
