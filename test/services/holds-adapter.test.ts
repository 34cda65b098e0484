import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { connectTo } from '../../src/adapters/valkey/connection.ts';
import { createValkeyHolds, HOLDS_SOURCE } from '../../src/adapters/valkey/holds.ts';
import type { QuarantineRecord } from '../../src/directory/records.ts';
import type { SharedWord } from '../../src/directory/shared-holds.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createModelHolds } from '../support/model-holds.ts';
import { startTestServer } from '../support/valkey.ts';
import { PROGRAM } from './valkey/fleet.ts';

/** What is shared of holds on a real server, whose time is that of the tests. */
const server = await startTestServer(PROGRAM);
after(() => server[Symbol.asyncDispose]());

const CLOCK = '{sallyport}:clock';
const DAY = 86_400_000;
const START_MS = 1_800_000_000_000;
let nowMs = START_MS;

function sourceWith(most: number): string {
  const source = HOLDS_SOURCE.replace(
    "  local time = redis.call('TIME')\n",
    `  local ms = tonumber(redis.call('GET', '${CLOCK}'))\n  local time = { math.floor(ms / 1000), (ms % 1000) * 1000 }\n`,
  ).replaceAll(/local (MOST|MOST_GONE) = 1000/g, `local $1 = ${most}`);
  assert.ok(source.includes(CLOCK) && source.split(` = ${most}\n`).length > 2);
  return source;
}

async function setTime(ms: number): Promise<void> {
  nowMs = ms;
  await server.command('SET', CLOCK, String(ms));
}

async function empty(): Promise<void> {
  await server.command('FLUSHALL');
  await setTime(nowMs);
}

/** One that has looked once, as everybody does before telling. */
async function open(name: string, most = 1_000, url = server.url) {
  const holds = createValkeyHolds({
    ...{ connect: connectTo(url, sourceWith(most)), clock: systemClock },
    ...{ process: name, from: name, newId: () => crypto.randomUUID() },
  });
  await holds.look();
  holds.again();
  return holds;
}

const recordOf = (id: string, more: Partial<QuarantineRecord> = {}): QuarantineRecord => ({
  ...{ id: `subject:https://issuer.example ${id}`, rule: 'stolen-key', why: 'ß "because"', heldAtMs: 7 },
  ...{ state: 'held', version: 1, ...more },
});
const word = (record: QuarantineRecord, more: Partial<SharedWord> = {}): SharedWord => ({
  ...{ record, tenant: 'acme', version: 0, seen: more.version ?? 0, isNew: true, known: 0, ...more },
});

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      by: fc.nat(1),
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      rule: fc.constantFrom('operator', 'stolen-key'),
      state: fc.constantFrom('held' as const, 'released' as const),
      isNew: fc.boolean(),
      // Of the versions that were heard, which one.
      at: fc.nat(12),
    }),
  },
  { weight: 4, arbitrary: fc.record({ look: fc.nat(1), isAnew: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ passMs: fc.constantFrom(1, DAY / 2, DAY) }) },
  { weight: 1, arbitrary: fc.record({ lose: fc.constant(true) }) },
);

test('whatever is told in whatever order, the server answers as the model does', async () => {
  await empty();
  const real = [await open('one', 3), await open('two', 3)];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await empty();
      for (const one of real) one.again();
      const model = createModelHolds(() => nowMs, 3, real[0]?.keyOf);
      const models = [model.connect('one'), model.connect('two')];
      const versions = [0, nowMs - DAY, nowMs];
      for (const one of steps) {
        if ('passMs' in one) await setTime(nowMs + one.passMs);
        else if ('lose' in one) {
          await empty();
          model.lose();
        } else if ('look' in one) {
          const [it, like] = [real[one.look], models[one.look]];
          assert.ok(it && like);
          if (one.isAnew) for (const both of [it, like]) both.again();
          assert.deepEqual(await it.look(), await like.look());
        } else {
          const [it, like] = [real[one.by], models[one.by]];
          assert.ok(it && like);
          const { id, rule, state, isNew } = one;
          // What was never told is not told again.
          const version = Math.max(isNew ? 0 : 1, versions[one.at % versions.length] ?? 0);
          const told = word(recordOf(id, { rule, state }), { version, isNew, known: versions.at(-1) ?? 0 });
          const answer = await it.tell(told);
          assert.deepEqual(answer, await like.tell(told));
          if ('version' in answer) versions.push(answer.version);
        }
      }
    }),
    { numRuns: 200 },
  );
  for (const one of real) one.close();
});

test('what many have told comes page by page, each once, and then what is new alone', async () => {
  await empty();
  const [one, two] = [await open('one'), await open('two')];
  for (let i = 0; i < 250; i++) await one.tell(word(recordOf(`user-${i}`)));
  const page = await two.look();
  assert.deepEqual([page.isWhole, page.malformed, page.entries.length], [true, 0, 250]);
  assert.equal(new Set(page.entries.map(({ key }) => key)).size, 250);
  await one.tell(word(recordOf('user-7', { rule: 'operator' })));
  const next = await two.look();
  assert.deepEqual([next.isWhole, next.entries.length], [false, 1]);
  assert.deepEqual((await two.look()).entries, []);
  one.close();
  two.close();
});

test('of what is released the name does not stay, and after a day nothing', async () => {
  await empty();
  const one = await open('one');
  const told = await one.tell(word(recordOf('alice')));
  assert.ok(told.kind === 'told');
  assert.match(await server.command('HVALS', '{sallyport}:holds'), /alice/);
  await one.tell(word(recordOf('alice', { state: 'released', version: 2 }), { version: told.version }));
  assert.doesNotMatch(await server.command('HVALS', '{sallyport}:holds'), /alice|issuer/);
  await setTime(nowMs + DAY + 10);
  await one.look();
  for (const key of ['', ':order', ':gone'])
    assert.equal(await server.command('EXISTS', `{sallyport}:holds${key}`), ':0');
  one.close();
});

test('there is room for 1,000 that are held, and for as many that are released, of which the oldest goes', async () => {
  await empty();
  const one = await open('one', 20);
  const id = (i: number): string => `user-${i}`;
  const release = (i: number) =>
    one.tell(word(recordOf(id(i), { state: 'released', version: 2 }), { version: nowMs + DAY }));
  const hold = (i: number) => one.tell(word(recordOf(id(i))));
  for (let i = 0; i < 20; i++) assert.equal((await hold(i)).kind, 'told');
  assert.deepEqual(await hold(20), { kind: 'full' });
  for (let i = 0; i < 20; i++) {
    assert.equal((await release(i)).kind, 'told');
    assert.equal((await hold(20 + i)).kind, 'told');
    await setTime(nowMs + 1);
  }
  // Not all instances may have heard of the oldest one yet.
  assert.deepEqual(await release(20), { kind: 'full' });
  await setTime(nowMs + 600_000);
  assert.equal((await release(20)).kind, 'told');
  const states = new Map((await one.look()).entries.map(({ key, state }) => [key, state]));
  assert.deepEqual(
    [0, 1, 20, 21].map((i) => states.get(one.keyOf(recordOf(id(i)).id))),
    [undefined, 'released', 'released', 'held'],
  );
  assert.equal(states.size, 39);
  one.close();
});

for (const [what, ...commands] of [
  ['what it knows of them all', ['DEL', ':meta']],
  ['all entries', ['DEL', '']],
  ['their order', ['DEL', ':order']],
  ['one entry', ['HDEL', '', 'KEY']],
  ['an entry to something else', ['HSET', '', 'KEY', 'x']],
  ['an entry to something huge', ['HSET', '', 'KEY', `1 h r ${'x'.repeat(20_000)}`]],
  ['its order to arrivals that never were', ['ZADD', ':order', '9000000000000000', 'zzz']],
  ['its order to parts of arrivals', ['ZADD', ':order', '0.5', 'KEY']],
  ['its order to no number', ['ZADD', ':order', 'inf', 'KEY']],
  ['its highest version to one that nothing is newer than', ['HSET', ':meta', 'top', '9000000000000000']],
  ['its count of arrivals to one that is not exact', ['HSET', ':meta', 'seq', '9999999999999999']],
  ['its numbers to words', ['HSET', ':meta', 'seq', 'many']],
] as const) {
  test(`a server that has lost ${what} is told all of it again`, async () => {
    await empty();
    const [one, two] = [await open('one'), await open('two')];
    const told = await one.tell(word(recordOf('alice')));
    await one.tell(word(recordOf('bob')));
    await two.look();
    for (const [command, end, ...words] of commands) {
      const given = words.map((text) => (text === 'KEY' ? one.keyOf(recordOf('alice').id) : text));
      await server.command(command, `{sallyport}:holds${end}`, ...given);
    }
    const joins = await open('three');
    joins.close();
    const page = await two.look();
    assert.deepEqual([page.isWhole, page.malformed, page.entries], [true, 0, []]);
    assert.ok(told.kind === 'told');
    await one.look();
    await one.tell(word(recordOf('alice'), { version: told.version, isNew: false }));
    assert.equal((await two.look()).entries[0]?.version, told.version);
    one.close();
    two.close();
  });
}

for (const [what, ...rules] of [
  ['a user with the rights that the reference names', '+@read', '+@write', '+@scripting', '+@connection', '+time'],
  ['a user who may not add functions, by a script', '+@all', '-function'],
]) {
  test(`${what} shares holds`, async () => {
    await empty();
    await server.command('ACL', 'SETUSER', 'gateway', 'reset', 'on', '>secret', '~{sallyport}:*', ...rules);
    const one = await open('one', 1_000, server.url.replace('redis://', 'valkey://gateway:secret@'));
    assert.equal((await one.tell(word(recordOf('alice')))).kind, 'told');
    assert.equal((await one.look()).entries.length, 1);
    one.close();
  });
}

test('what somebody else has written there is left out, and nothing falls over it', async () => {
  await empty();
  const one = await open('one');
  await one.tell(word(recordOf('alice')));
  for (const [i, text] of ['1 h r {}', '99 h o {"id":"key:Ab12Cd"}', '1 r o x'].entries()) {
    await server.command('HSET', '{sallyport}:holds', `forged-${i}`, text);
    await server.command('ZADD', '{sallyport}:holds:order', '1', `forged-${i}`);
  }
  const page = await one.look();
  assert.deepEqual([page.entries.length, page.malformed], [1, 3]);
  await server.command('SET', '{sallyport}:holds', 'no hash');
  one.again();
  await assert.rejects(one.look(), { message: 'WRONGTYPE' });
  one.close();
});
