import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { settableClock } from '../../../test/support/clock.ts';
import { createScriptedServer } from '../../../test/support/scripted-connection.ts';
import { isHoldable } from '../../directory/quarantines.ts';
import { createValkeyHolds, parseEntry } from './holds.ts';

const keyOf = (id: string): string => hash('sha256', id, 'base64url').slice(0, 22);
const ALICE = 'subject:https://issuer.example alice';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const LATEST = 1_000;

const BODY = {
  ...{ from: 'node-1:8443', process: 'p-1', recordVersion: 3, id: ALICE, rule: 'stolen-key', why: 'because' },
  ...{ heldAtMs: 7, tenant: 'acme' },
};
const entry = (body: object | string, head = '42 h r', id = ALICE) =>
  parseEntry(keyOf(id), `${head} ${typeof body === 'string' ? body : JSON.stringify(body)}`, LATEST);

test('an entry is read', () => {
  assert.deepEqual(entry(BODY), { ...BODY, key: keyOf(ALICE), version: 42, state: 'held' });
  const { tenant: _, ...nobodys } = BODY;
  assert.equal(entry(nobodys)?.version, 42);
  const { from, process, recordVersion } = BODY;
  const released = { from, process, recordVersion, seen: 42 };
  assert.deepEqual(entry(released, '43 r o'), { ...released, key: keyOf(ALICE), version: 43, state: 'released' });
  // By an instance of before, which did not say what it had seen.
  const before = entry({ from, process, recordVersion }, '43 r o');
  assert.deepEqual(before?.state === 'released' && before.seen, 43);
  assert.ok(entry({ ...BODY, rule: 'operator' }, '42 h o'));
  assert.ok(entry({ ...BODY, why: 'x'.repeat(200) }, `${LATEST} h r`));
  const longest = `token:${'x'.repeat(512)} ${'y'.repeat(512)}`;
  assert.ok(entry({ ...BODY, id: longest }, '1 h r', longest));
});

for (const [what, found] of [
  ['no version', entry(BODY, 'h r')],
  ['version 0, which means that nothing was told', entry(BODY, '0 h r')],
  ['a version that nothing can be newer than', entry(BODY, `${LATEST + 1} h r`)],
  ['a version that is no whole number', entry(BODY, '1.5 h r')],
  ['another state', entry(BODY, '1 x r')],
  ['no JSON', entry('{"id"')],
  ['no object', entry('[]')],
  ['a list in its prototype', entry(`{"__proto__":${JSON.stringify(BODY)}}`)],
  ['too much of it', entry({ ...BODY, more: 'x'.repeat(4_096) })],
  ['another name than its key', entry({ ...BODY, id: 'subject:https://issuer.example bob' })],
  ['a name that is nothing that can be held', entry({ ...BODY, id: 'tenant:acme' }, '1 h r', 'tenant:acme')],
  ['a network', entry({ ...BODY, id: 'network:192.0.2.1' }, '1 h r', 'network:192.0.2.1')],
  ['a name that is too long', entry({ ...BODY, id: `key:${'x'.repeat(513)}` }, '1 h r', `key:${'x'.repeat(513)}`)],
  ['control characters in a name', entry({ ...BODY, id: `${ALICE}\u001b[2J` }, '1 h r', `${ALICE}\u001b[2J`)],
  ['a line in the reason', entry({ ...BODY, why: 'a\nb' })],
  ['a reason that is too long', entry({ ...BODY, why: 'x'.repeat(201) })],
  ['an operator where it is weighed as a rule', entry({ ...BODY, rule: 'operator' })],
  ['a rule where it is weighed as an operator', entry(BODY, '1 h o')],
  ['a rule of another form', entry({ ...BODY, rule: 'Stolen Key' })],
  ['a time of before the epoch', entry({ ...BODY, heldAtMs: -1 })],
  ['a time as text', entry({ ...BODY, heldAtMs: '7' })],
  ['a tenant that is no text', entry({ ...BODY, tenant: 7 })],
  ['an origin that is no name', entry({ ...BODY, from: 'a b' })],
  ['half a surrogate pair in a name', entry({ ...BODY, id: `${ALICE}\ud800` }, '1 h r', `${ALICE}\ud800`)],
  ['no number of what was seen', entry({ ...BODY, seen: -1 }, '1 r r')],
  ['no process', entry({ ...BODY, process: undefined })],
  ['no version of the record', entry({ ...BODY, recordVersion: 1.5 })],
] as const) {
  test(`an entry with ${what} is none`, () => assert.equal(found, undefined));
}

/** As the scripted server shows the words of a call: what is done, then the next word, then the rest. */
function open() {
  const server = createScriptedServer();
  const clock = settableClock();
  const holds = createValkeyHolds({
    ...{ connect: server.connect, clock, process: 'p-1', from: 'node-1:8443', newId: () => 'new' },
  });
  return { server, clock, holds };
}

const pageOf = (epoch: string, ...words: string[]) => ['ok', epoch, '1000', ...words];

test('each look goes on from the one before, and begins anew after a failure and where it is told to', async () => {
  const { server, holds } = open();
  const text = `42 h r ${JSON.stringify(BODY)}`;
  server.reply = ({ words }) => pageOf('e', keyOf(ALICE), String(Number(words[1]) + 5), text);
  assert.equal((await holds.look()).isWhole, true);
  assert.equal((await holds.look()).isWhole, false);
  assert.deepEqual(
    server.calls.map(({ words }) => words.join()),
    [',0', 'e,5'],
  );
  holds.again();
  assert.equal((await holds.look()).isWhole, true);
  server.lose();
  assert.equal((await holds.look()).isWhole, true);
  assert.equal(server.connections(), 2);
  server.reply = () => undefined;
  const failing = assert.rejects(holds.look(), { code: 'shared_holds_unavailable', message: 'Error' });
  await turn();
  server.lose();
  await failing;
  assert.equal(server.calls.at(-1)?.words.join(), 'e,5');
});

test('a server that has lost its data between two pages is read from its beginning', async () => {
  const { server, holds } = open();
  const full = Array.from({ length: 100 }, (_, i) => ['k', String(i + 1), 'malformed']).flat();
  const replies = [pageOf('e', ...full), pageOf('f', keyOf(ALICE), '1', `42 h r ${JSON.stringify(BODY)}`)];
  server.reply = () => replies.shift();
  const page = await holds.look();
  assert.deepEqual([page.isWhole, page.entries.length, page.malformed], [true, 1, 100]);
  server.reply = () => pageOf('f');
  await holds.look();
  assert.equal(server.calls.at(-1)?.words.join(), 'f,1');
});

test('a server that is silent is given up after 2 s, and asked on another connection', async () => {
  const { server, clock, holds } = open();
  server.reply = () => undefined;
  const silent = assert.rejects(holds.look(), { message: 'silent' });
  await turn();
  clock.advance(1_999);
  await turn();
  clock.advance(1);
  await silent;
  server.reply = () => pageOf('e');
  await holds.look();
  assert.equal(server.connections(), 2);
});

test('what is told is cut to what is read, and says nothing of what is released', async () => {
  const { server, holds } = open();
  server.reply = () => pageOf('e');
  await holds.look();
  server.calls.length = 0;
  server.reply = () => ['told', '50'];
  const record = { ...{ id: ALICE, rule: 'operator', why: `a\n${'b'.repeat(300)}`, heldAtMs: 7 }, version: 2 };
  const facts = { tenant: undefined, version: 40, seen: 40, known: 45, isNew: true } as const;
  assert.deepEqual(await holds.tell({ record: { ...record, state: 'held' }, ...facts }), { kind: 'told', version: 50 });
  await holds.tell({ record: { ...record, state: 'released' }, ...facts, isNew: false });
  const [held, released] = server.calls;
  assert.deepEqual(
    [held?.op, held?.session, ...(held?.words.slice(0, 4) ?? [])],
    ['change', keyOf(ALICE), '40', '45', 'h', 'o'],
  );
  const read = parseEntry(keyOf(ALICE), `50 h o ${held?.words[4]}`, LATEST);
  assert.ok(read?.state === 'held');
  assert.equal(read.why, `a ${'b'.repeat(198)}`);
  assert.deepEqual([released?.op, released?.words[2]], ['repeat', 'r']);
  assert.doesNotMatch(released?.words[4] ?? '', /alice|bbb/);
});

test('whatever can be held is read by the others as it was told', async () => {
  const { server, holds } = open();
  server.reply = () => pageOf('e');
  await holds.look();
  server.reply = () => ['told', '50'];
  const text = fc.string({ unit: 'binary', maxLength: 512 });
  const id = fc.oneof(
    fc.tuple(fc.constantFrom('subject', 'client', 'token'), fc.string({ minLength: 1, maxLength: 512 }), text),
    fc.constant(['subject', 'https://issuer.example', '"'.repeat(512)] as const),
  );
  await fc.assert(
    fc.asyncProperty(id, text, fc.option(text, { nil: undefined }), async ([kind, issuer, name], why, tenant) => {
      const record = { id: `${kind}:${issuer} ${name}`, rule: 'stolen-key', why, heldAtMs: 7, version: 1 };
      fc.pre(isHoldable(record.id));
      const facts = { tenant, version: 0, seen: 0, known: 0, isNew: true };
      await holds.tell({ record: { ...record, state: 'held' }, ...facts });
      const { session = '', words = [] } = server.calls.at(-1) ?? {};
      const read = parseEntry(session, `50 h r ${words[4]}`, LATEST);
      assert.ok(read?.state === 'held');
      assert.equal(read.id, record.id);
      assert.ok(read.tenant === tenant || read.tenant === undefined);
    }),
  );
});

for (const [length, isKept] of [
  [256, true],
  [257, false],
] as const) {
  test(`a tenant of ${length} characters is ${isKept ? 'told' : 'left out, and the hold told all the same'}`, async () => {
    const { server, holds } = open();
    server.reply = () => pageOf('e');
    await holds.look();
    server.reply = () => ['told', '50'];
    await holds.tell({ ...told, tenant: 'x'.repeat(length) });
    const read = parseEntry(keyOf(ALICE), `50 h o ${server.calls.at(-1)?.words[4]}`, LATEST);
    assert.ok(read?.state === 'held');
    assert.equal(read.tenant?.length, isKept ? length : undefined);
  });
}

const TEN_YEARS_MS = 10 * 365 * 86_400_000;
const record = { id: ALICE, rule: 'operator', why: '', heldAtMs: 7, version: 2, state: 'held' } as const;
const told = { record, tenant: undefined, version: 0, seen: 0, known: 0, isNew: true };

for (const [what, page, answer] of [
  ['another word', pageOf('e'), ['what']],
  ['no version', pageOf('e'), ['told']],
  ['a version that nothing can be newer than', pageOf('e'), ['told', String(1_000 + TEN_YEARS_MS + 1)]],
  ['no time', ['ok', 'e', 'NaN'], undefined],
  ['a place in the order that is none', pageOf('e', 'key', 'inf', '1 h r {}'), undefined],
] as const) {
  test(`an answer with ${what} is a failure`, async () => {
    const { server, holds } = open();
    const failure = { code: 'shared_holds_unavailable', message: 'malformed' };
    server.reply = () => page;
    if (answer === undefined) return assert.rejects(holds.look(), failure);
    await holds.look();
    server.reply = () => answer;
    return assert.rejects(holds.tell(told), failure);
  });
}

test('an entry ten years ahead of the clock of the server is the last that is believed', async () => {
  const { server, holds } = open();
  const text = (version: number): string => `${version} h r ${JSON.stringify(BODY)}`;
  const [last, beyond] = [text(1_000 + TEN_YEARS_MS), text(1_001 + TEN_YEARS_MS)];
  server.reply = () => pageOf('e', keyOf(ALICE), '1', last, keyOf(ALICE), '2', beyond);
  const page = await holds.look();
  assert.deepEqual([page.entries.length, page.malformed], [1, 1]);
});

test('a server that always has more is not read for ever', async () => {
  const { server, holds } = open();
  const full = Array.from({ length: 100 }, () => ['k', '7', '']).flat();
  server.reply = () => pageOf('e', ...full);
  assert.equal((await holds.look()).malformed, 2_500);
  assert.equal(server.calls.length, 25);
});
