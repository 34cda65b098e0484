import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../kernel/record.ts';
import { createNoteQueue, type Notes } from './note-queue.ts';

const RECORD: AuditRecord = { kind: 'lifecycle', timeMs: 1, activity: 'start', detail: {} };

function setUp() {
  const posted: Notes[] = [];
  const state = { written: 0 };
  const queue = createNoteQueue({ post: (notes) => void posted.push(notes), written: () => state.written });
  return { posted, state, queue };
}

test('what a thread had not written when it ended is sent to the next one, and what it had is not', () => {
  const { posted, state, queue } = setUp();
  for (let i = 0; i < 3; i++) queue.add([RECORD]);
  state.written = 1;
  queue.again();
  assert.deepEqual(
    posted.map(({ note }) => note),
    [1, 2, 3, 2, 3],
  );
});

test('what three threads have ended with is given up, and counted with what comes next', () => {
  const { posted, queue } = setUp();
  queue.add([RECORD, RECORD]);
  queue.again();
  queue.again();
  assert.equal(posted.length, 3);
  queue.again();
  assert.equal(posted.length, 3);
  queue.add([RECORD]);
  assert.deepEqual(posted.at(-1), { note: 2, records: [RECORD], dropped: 2 });
});

test('ten thousand are kept while nothing is written, the next one is counted, and room is made by what is written', () => {
  const { posted, state, queue } = setUp();
  for (let i = 0; i < 10_001; i++) queue.add([RECORD]);
  assert.equal(posted.length, 10_000);
  state.written = 10_000;
  queue.add([RECORD]);
  assert.deepEqual([posted.length, posted.at(-1)?.dropped], [10_001, 1]);
});
