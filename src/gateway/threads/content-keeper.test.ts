import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { SealedContent } from '../../adapters/audit-log/content-files.ts';
import { contentDigest, createContentSeals } from '../../audit-log/content.ts';
import type { Content, Said } from '../../kernel/content.ts';
import type { RequestRecord } from '../../kernel/record.ts';
import { readRecordLine, recordLine } from '../../observers/records/line.ts';
import { createContentKeeper } from './content-keeper.ts';

const OUTCOME = {
  kind: 'answer',
  status: 200,
  code: undefined,
  durationMs: 1,
  firstByteMs: 1,
  upstream: 'main',
} as const;
const recordOf = (hasContent: boolean): RequestRecord =>
  readRecordLine(recordLine(exchange(fakeDownstream(), {}), OUTCOME, 5, undefined, hasContent));
const said = (text: string, keep = text.length): Said => ({
  digest: new Uint8Array(contentDigest(Buffer.from(text))),
  bytes: text.length,
  kept: keep === 0 ? undefined : new Uint8Array(Buffer.from(text.slice(0, keep))),
});
const contentOf = (change: Partial<Content> = {}): Content => ({
  requestId: 'id-1',
  prompt: said('prompt'),
  completion: said('answer'),
  isDropped: false,
  ...change,
});

function setUp(keyOf: () => Uint8Array | undefined = () => new Uint8Array(32), isFull = false) {
  const added: SealedContent[] = [];
  const seals = createContentSeals(keyOf);
  const keep = createContentKeeper({
    seals,
    add(contents) {
      if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      added.push(...contents);
    },
  });
  const keepOne = (content: Content | undefined, hasContent = true): RequestRecord => {
    const [record] = keep([recordOf(hasContent)], new Map(content === undefined ? [] : [['id-1', content]]));
    return record ?? assert.fail();
  };
  return { added, seals, keepOne };
}

test('a text is kept encrypted, and its record has digests and lengths', () => {
  const { added, seals, keepOne } = setUp();
  const record = keepOne(contentOf());
  assert.equal(record.content, 'full');
  assert.deepEqual([record.promptBytes, record.completionBytes, record.isContentCut], [6, 6, undefined]);
  assert.equal(record.promptHash, seals.hash('default', contentDigest(Buffer.from('prompt'))));
  const { prompt = Buffer.alloc(0) } = added[0]?.parts ?? {};
  assert.ok(!Buffer.from(prompt).includes('prompt'));
  const opened = seals.open({ tenant: 'default', requestId: 'id-1', part: 'prompt' }, prompt);
  assert.equal(opened?.toString(), 'prompt');
});

test('a record without content stays as it is', () => {
  const { added, keepOne } = setUp();
  assert.deepEqual(keepOne(undefined, false), recordOf(false));
  assert.deepEqual(added, []);
});

for (const { name, content, says } of [
  { name: 'digests alone', content: contentOf({ prompt: said('p', 0), completion: said('a', 0) }), says: 'hash' },
  { name: 'what is cut', content: contentOf({ completion: said('answer', 5) }), says: 'full' },
  { name: 'what found no room', content: contentOf({ isDropped: true }), says: 'dropped' },
  { name: 'what was lost on the way', content: undefined, says: 'dropped' },
]) {
  test(`of ${name} the record says ${says}`, () => {
    const { added, keepOne } = setUp();
    const record = keepOne(content);
    assert.equal(record.content, says);
    assert.equal(record.isContentCut, name === 'what is cut' ? true : undefined);
    assert.equal(record.promptHash === undefined, content === undefined);
    assert.equal(added.length, says === 'full' ? 1 : 0);
  });
}

test('where the tenant was erased there is neither text nor digest', () => {
  const { added, keepOne } = setUp(() => undefined);
  const record = keepOne(contentOf());
  assert.deepEqual([record.content, record.promptHash, record.promptBytes], ['erased', undefined, undefined]);
  assert.deepEqual(added, []);
});

test('a disk that takes no content stops no record, which says so and still has the digests', () => {
  const record = setUp(undefined, true).keepOne(contentOf());
  assert.equal(record.content, 'dropped');
  assert.ok(record.promptHash);
});

test('a key that cannot be made stops no record', () => {
  const { added, keepOne } = setUp(() => {
    throw new Error('ENOSPC');
  });
  assert.equal(keepOne(contentOf()).content, 'dropped');
  assert.deepEqual(added, []);
});
