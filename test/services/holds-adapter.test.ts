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
  ).replace('local MOST = 1000', `local MOST = ${most}`);
  assert.ok(source.includes(CLOCK) && source.includes(`local MOST = ${most}`));
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
  ...{ record, tenant: 'acme', version: 0, isNew: true, known: 0, ...more },
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

test('there is room for 1,000; then the oldest of what is released goes, and nothing that is held', async () => {
  await empty();
  const one = await open('one');
  for (let i = 0; i < 1_000; i++) await one.tell(word(recordOf(`user-${i}`)));
  assert.deepEqual(await one.tell(word(recordOf('one-more'))), { kind: 'full' });
  const version = nowMs + DAY;
  await one.tell(word(recordOf('user-3', { state: 'released', version: 2 }), { version }));
  await one.tell(word(recordOf('user-5', { state: 'released', version: 2 }), { version }));
  assert.equal((await one.tell(word(recordOf('one-more')))).kind, 'told');
  const states = new Map((await one.look()).entries.map(({ key, state }) => [key, state]));
  assert.equal(states.size, 1_000);
  assert.equal(states.get(one.keyOf(recordOf('user-3').id)), undefined);
  assert.equal(states.get(one.keyOf(recordOf('user-5').id)), 'released');
  one.close();
});

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
  for (const [i, text] of ['', 'x', '1 h r {}', '99 h o {"id":"key:Ab12Cd"}'].entries()) {
    await server.command('HSET', '{sallyport}:holds', `forged-${i}`, text);
    await server.command('ZADD', '{sallyport}:holds:order', String(1_000 + i), `forged-${i}`);
  }
  const page = await one.look();
  assert.deepEqual([page.entries.length, page.malformed], [1, 4]);
  await server.command('SET', '{sallyport}:holds', 'no hash');
  one.again();
  await assert.rejects(one.look(), { message: 'WRONGTYPE' });
  one.close();
});
