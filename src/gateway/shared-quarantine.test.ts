import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { settableClock } from '../../test/support/clock.ts';
import { createModelHolds, type ModelHoldsServer } from '../../test/support/model-holds.ts';
import { holdChange, releaseChange } from '../directory/quarantines.ts';
import type { QuarantineRecord, RecordChange } from '../directory/records.ts';
import type { SharedNote } from '../directory/shared-holds.ts';
import { VersionConflict } from '../directory/store.ts';
import type { AuditRecord } from '../kernel/record.ts';
import { keepQuarantine, type QuarantineDeps, type WishedFinding } from './quarantine.ts';
import { shareQuarantine, type SharedQuarantine } from './shared-quarantine.ts';

type Rules = ReturnType<QuarantineDeps['config']>;

/** Long enough for two looks. */
const PASS_MS = 900;
const DAY = 86_400_000;
const ALICE = 'subject:https://issuer.example alice';
const clockOf = () => settableClock(1_700_000_000_000);

async function turns(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** One instance, with a directory and notes that outlive its process. */
async function instanceOf(
  server: ModelHoldsServer,
  clock: ReturnType<typeof clockOf>,
  name: string,
  rules: Partial<Rules> = {},
) {
  const quarantines = new Map<string, QuarantineRecord>();
  const notes = new Map<string, SharedNote>();
  const noted: AuditRecord[] = [];
  const said: string[] = [];
  const facts: unknown[] = [];
  const commits: string[] = [];
  const config: Rules = { mode: 'quarantine', exempt: [], maxQuarantined: 100, ...rules };
  let isBroken = false;
  let sharing: SharedQuarantine | undefined;
  let starts = 0;
  async function commit(changes: readonly RecordChange[]): Promise<void> {
    // The store answers in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (isBroken) throw new Error('the disk is full');
    for (const change of changes) {
      if (change.kind === 'quarantine' && change.record.id === self.unwritable) throw new VersionConflict('no');
    }
    if (changes.length > 0) self.writes++;
    for (const change of changes) {
      if (change.kind !== 'quarantine') continue;
      const { id, state, version } = change.record;
      if ((quarantines.get(id)?.version ?? 0) !== change.expectedVersion) throw new Error('another change came first');
      assert.equal(version, change.expectedVersion + 1);
      quarantines.set(id, change.record);
      commits.push(`${state} ${id}`);
    }
  }
  async function commitOwn(changes: readonly RecordChange[]): Promise<void> {
    await commit(changes);
    sharing?.changed();
  }
  const log = {
    info: (event: string, about: unknown) => void (said.push(event), facts.push(about)),
    warn: (event: string, about: unknown) => void (said.push(event), facts.push(about)),
    error: (event: string, about: unknown) => void (said.push(event), facts.push(about)),
  };
  const directory = { quarantines, apiKeys: new Map(), tenants: new Map() };
  const self = {
    ...{
      quarantines,
      notes,
      noted,
      said,
      facts,
      commits,
      config,
      directory,
      keeper: keeperOf(),
      way: server.connect(`${name}:0`),
    },
    isShared: false,
    /** What cannot be written, and how often anything was. */
    unwritable: '',
    writes: 0,
    isHeld: (id: string): boolean => quarantines.get(id)?.state === 'held',
    async open() {
      const process = `${name}:${starts++}`;
      self.keeper = keeperOf();
      self.way = server.connect(process);
      sharing = shareQuarantine({
        ...{ holds: self.way, directory, keeper: self.keeper, process, clock, log },
        async commit(changes, news) {
          await commit(changes);
          for (const [id, note] of news) notes.set(id, note);
        },
        onShared: (isShared) => void (self.isShared = isShared),
        notes: [...notes],
      });
      return sharing;
    },
    async start() {
      (await self.open()).begin();
      await turns();
    },
    sharing: (): SharedQuarantine => sharing ?? assert.fail('not open'),
    async stop() {
      const closing = sharing?.close();
      sharing = undefined;
      await turns();
      await closing;
    },
    /** @param isHasty does not wait for what comes of it */
    async hold(id: string, rule = 'operator', isHasty = false) {
      await commitOwn([holdChange(directory, { id, rule, why: 'because', heldAtMs: clock.nowMs() })]);
      if (!isHasty) await turns();
    },
    async release(id: string, isHasty = false) {
      const record = quarantines.get(id);
      assert.ok(record);
      await commitOwn([releaseChange(record)]);
      if (!isHasty) await turns();
    },
    async find(subject: string, tenant = 'acme') {
      const facts = { timeMs: clock.nowMs(), rule: 'stolen-key', subject, tenant, score: 1, why: 'because' };
      await self.keeper.take([
        { kind: 'finding', ...facts, requestId: undefined, mayHold: true } satisfies WishedFinding,
      ]);
      await turns();
    },
    break: (is: boolean) => void (isBroken = is),
  };
  function keeperOf() {
    return keepQuarantine({
      ...{ config: () => config, directory, commit: commitOwn, note: (record: AuditRecord) => void noted.push(record) },
      ...{ nowMs: () => clock.nowMs(), rules: ['stolen-key'], log },
    });
  }
  await self.start();
  return self;
}

async function pass(clock: ReturnType<typeof clockOf>, ms = PASS_MS): Promise<void> {
  for (let left = ms; left > 0; left -= 450) {
    clock.advance(Math.min(left, 450));
    await turns();
  }
}

async function setUp(rules: readonly Partial<Rules>[] = [{}, {}]) {
  const clock = clockOf();
  const server = createModelHolds(() => clock.nowMs());
  const all = [];
  for (const [i, one] of rules.entries()) all.push(await instanceOf(server, clock, `node-${i}`, one));
  const [a, b] = all;
  assert.ok(a && b);
  return { clock, server, all, a, b, pass: (ms?: number) => pass(clock, ms) };
}

test('what one holds the other holds within a look, and nobody tells it again', async () => {
  const { clock, server, a, b, pass } = await setUp();
  await a.hold(ALICE);
  clock.advance(400);
  await turns();
  assert.deepEqual([b.isHeld(ALICE), b.quarantines.get(ALICE)?.rule], [true, 'operator']);
  await pass(5_000);
  assert.deepEqual([server.told, a.commits, b.commits], [['change held'], [`held ${ALICE}`], [`held ${ALICE}`]]);
  await b.release(ALICE);
  await pass();
  assert.equal(a.isHeld(ALICE), false);
  await pass(5_000);
  assert.deepEqual(server.told, ['change held', 'change released']);
});

test('the record of it says where it came from, and it is no finding here', async () => {
  const { a, b, pass } = await setUp();
  await a.find(ALICE);
  await pass();
  assert.deepEqual(b.noted, [
    {
      kind: 'hold',
      timeMs: 1_700_000_000_450,
      activity: 'quarantine',
      subject: ALICE,
      tenant: 'acme',
      reason: 'stolen-key',
      untilMs: undefined,
      from: 'node-0:0',
    },
  ]);
  assert.deepEqual([b.said, b.keeper.list()], [['held_elsewhere'], []]);
  await a.release(ALICE);
  await pass();
  const last = b.noted.at(-1);
  assert.ok(last?.kind === 'hold');
  assert.deepEqual([last.activity, last.from], ['release', 'node-0:0']);
});

for (const [what, rules] of [
  ['only observes', { mode: 'observe' }],
  ['looks for nothing', { mode: 'off' }],
  ['exempts it', { exempt: [ALICE] }],
] as const) {
  test(`an instance that ${what} follows no hold by a rule, and one by an operator`, async () => {
    const { a, b, pass } = await setUp([{}, rules]);
    await a.find(ALICE);
    await pass();
    assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE), b.noted], [true, false, []]);
    await a.hold(ALICE);
    await pass();
    assert.deepEqual([b.isHeld(ALICE), b.quarantines.get(ALICE)?.rule], [true, 'operator']);
  });
}

test('what others hold fills no more places than what is found here, which is told once; a place that comes free is taken', async () => {
  const { a, b, pass } = await setUp([{}, { maxQuarantined: 2 }]);
  const ids = ['a', 'b', 'c'].map((sub) => `subject:https://issuer.example ${sub}`);
  for (const id of ids) await a.find(id);
  await pass(10_000);
  assert.deepEqual(ids.map(b.isHeld), [true, true, false]);
  assert.equal(b.said.filter((event) => event === 'quarantine_full').length, 1);
  assert.equal(b.keeper.figures().notHeld, 1);
  await a.hold(`${ids[0]} by hand`);
  await b.release(ids[0] ?? '');
  await pass(10_000);
  assert.deepEqual(ids.map(b.isHeld), [false, true, true]);
  assert.equal(b.isHeld(`${ids[0]} by hand`), true);
});

test('of the places of an instance one tenant has half, wherever it was found', async () => {
  const { a, b, pass } = await setUp([{}, { maxQuarantined: 4 }]);
  b.directory.tenants.set('acme', {}).set('other', {});
  const of = (sub: string): string => `subject:https://issuer.example ${sub}`;
  for (const sub of ['a', 'b']) await a.find(of(sub));
  await pass();
  await b.find(of('c'));
  await b.find(of('d'), 'other');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((sub) => b.isHeld(of(sub))),
    [true, true, false, true],
  );
});

test('an instance that begins to quarantine follows what is held already', async () => {
  const { a, b, pass } = await setUp([{}, { mode: 'observe' }]);
  await a.find(ALICE);
  await pass();
  Object.assign(b.config, { mode: 'quarantine' });
  await pass(5_000);
  assert.equal(b.isHeld(ALICE), true);
});

test('a key that this directory does not know is not held', async () => {
  const { a, b, pass } = await setUp();
  b.directory.apiKeys.set('Known1', {});
  await a.hold('key:Ab12Cd');
  await a.hold('key:Known1');
  await pass();
  assert.deepEqual([b.isHeld('key:Ab12Cd'), b.isHeld('key:Known1')], [false, true]);
});

test('what is done while the server is away is told when it is back, and the line says once that it is away', async () => {
  const { a, b, pass } = await setUp();
  a.way.isCut = true;
  await a.hold(ALICE);
  await pass(10_000);
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [true, false]);
  assert.deepEqual(a.said, ['quarantine_unshared']);
  a.way.isCut = false;
  await pass();
  assert.equal(b.isHeld(ALICE), true);
  assert.deepEqual(a.said, ['quarantine_unshared', 'quarantine_shared']);
});

test('a server that is slow once is not called away', async () => {
  const { a, pass } = await setUp();
  a.way.isCut = true;
  await pass(1_000);
  a.way.isCut = false;
  await pass();
  assert.deepEqual(a.said, []);
});

for (const [what, away, back] of [
  [
    'cut off',
    async (b: Awaited<ReturnType<typeof setUp>>['b']) => void (b.way.isCut = true),
    async (b: Awaited<ReturnType<typeof setUp>>['b']) => void (b.way.isCut = false),
  ],
  [
    'not running',
    async (b: Awaited<ReturnType<typeof setUp>>['b']) => b.stop(),
    async (b: Awaited<ReturnType<typeof setUp>>['b']) => b.start(),
  ],
] as const) {
  test(`a release reaches an instance that was ${what}, and its old hold undoes it not`, async () => {
    const { a, b, server, pass } = await setUp();
    await a.hold(ALICE);
    await pass();
    await away(b);
    await a.release(ALICE);
    await pass(3_600_000 / 100);
    await back(b);
    await pass();
    assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, false]);
    assert.deepEqual(server.told, ['change held', 'change released']);
  });

  test(`nor where the server has lost its data while it was ${what}, whoever comes first`, async () => {
    for (const isFirst of [true, false]) {
      const { a, b, server, pass } = await setUp();
      await a.hold(ALICE);
      await pass();
      await away(b);
      await a.release(ALICE);
      await pass();
      a.way.isCut = true;
      server.lose();
      if (isFirst) a.way.isCut = false;
      await pass();
      await back(b);
      await pass();
      a.way.isCut = false;
      await pass();
      assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, false]);
    }
  });

  test(`a hold of before that nobody has released is there again after the server has lost it, also for who was ${what}`, async () => {
    const { a, b, server, all, clock, pass } = await setUp();
    await a.hold(ALICE);
    await pass();
    await away(b);
    server.lose();
    await back(b);
    await pass();
    assert.equal(server.entries.size, 1);
    const third = await instanceOf(server, clock, 'node-9');
    await pass();
    assert.ok([...all, third].every((one) => one.isHeld(ALICE)));
  });
}

test('a release lets go what was held when it was asked for, and nothing that has been held since', async () => {
  const { a, b, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  b.way.isCut = true;
  await b.release(ALICE);
  await a.release(ALICE);
  await a.hold(ALICE);
  await pass();
  b.way.isCut = false;
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [true, true]);
});

test('a hold of ours that was not told yet is newer than a release of what was held before', async () => {
  const { a, b, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  b.way.isCut = true;
  await b.release(ALICE);
  await b.hold(ALICE);
  await a.release(ALICE);
  await pass();
  b.way.isCut = false;
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [true, true]);
});

test('what was told without an answer is known as told, so that its release reaches the others', async () => {
  const { a, b, pass } = await setUp();
  a.way.losesAnswer = true;
  await a.hold(ALICE);
  await pass();
  assert.equal(b.isHeld(ALICE), true);
  await a.release(ALICE);
  a.way.isCut = false;
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, false]);
});

test('a release is not lost that is made while what the other holds is being heard', async () => {
  const { a, b, pass } = await setUp();
  await a.hold(ALICE);
  await a.hold(`${ALICE} and others`);
  // It looks at once, hears of both, and still works off the second when the first is released.
  await b.hold(ALICE, 'operator', true);
  await b.release(ALICE);
  await pass();
  assert.equal(a.isHeld(ALICE), b.isHeld(ALICE));
});

test('what was held and released while the server was away is told once, and leaves nothing there', async () => {
  const { a, server, pass } = await setUp();
  a.way.isCut = true;
  await a.hold(ALICE);
  await a.release(ALICE);
  await pass();
  a.way.isCut = false;
  await pass(10_000);
  assert.deepEqual([server.told, server.entries.size], [['change released'], 0]);
});

test('who was away for longer than a release is remembered keeps what it holds, and holds nobody else', async () => {
  const { a, b, pass, clock } = await setUp();
  await a.hold(ALICE);
  await pass();
  await b.stop();
  await a.release(ALICE);
  clock.advance(DAY);
  await pass();
  await b.start();
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, true]);
});

test('what an operator holds once more stays held, whoever was cut off and releases what was held before', async () => {
  const { a, b, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  a.way.isCut = true;
  await a.release(ALICE);
  await b.hold(ALICE);
  await pass();
  a.way.isCut = false;
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [true, true]);
});

for (const [how, losses] of [
  ['', 1],
  [', nor one that it loses once more before whoever has held it is back', 2],
] as const) {
  test(`a release of what was held before undoes no hold that the server has lost${how}`, async () => {
    const { a, b, server, pass } = await setUp();
    await a.hold(ALICE);
    await pass();
    a.way.isCut = true;
    await b.release(ALICE);
    await b.hold(ALICE);
    await pass();
    b.way.isCut = true;
    server.lose();
    await a.release(ALICE);
    a.way.isCut = false;
    await pass();
    for (let loss = 1; loss < losses; loss++) {
      server.lose();
      await pass();
    }
    b.way.isCut = false;
    await pass();
    assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [true, true]);
  });
}

test('a release that could not be written at once is followed later, and comes back as a hold nowhere', async () => {
  const { a, b, server, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  b.break(true);
  await a.release(ALICE);
  await pass();
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, true]);
  await b.stop();
  b.break(false);
  await b.start();
  await pass(5_000);
  assert.deepEqual([a.isHeld(ALICE), b.isHeld(ALICE)], [false, false]);
  assert.deepEqual(server.told, ['change held', 'change released']);
});

test('an operator who holds what is being followed at that moment is heard by those that follow no rule', async () => {
  for (let turn = 0; turn < 8; turn++) {
    const { all, clock, pass } = await setUp([{}, { mode: 'observe' }, {}]);
    const [a, b, c] = all;
    assert.ok(a && b && c);
    // While one is being written the next waits.
    await a.find(`${ALICE} first`);
    await a.find(ALICE);
    clock.advance(400);
    for (let i = 0; i < turn; i++) await new Promise((resolve) => setImmediate(resolve));
    const isRefused = await c.hold(ALICE, 'operator', true).then(
      () => false,
      () => true,
    );
    await pass(3_000);
    assert.equal(c.quarantines.get(ALICE)?.rule, isRefused ? 'stolen-key' : 'operator');
    assert.equal(b.isHeld(ALICE), !isRefused);
  }
});

test('what the server will not take up again is not offered to it all the time', async () => {
  const { a, server, clock, pass } = await setUp();
  for (let i = 0; i < 20; i++) await a.hold(`${ALICE} ${i}`, 'operator', true);
  await pass();
  await a.stop();
  const other = await instanceOf(server, clock, 'node-9');
  await pass();
  for (let i = 0; i < 20; i++) await other.release(`${ALICE} ${i}`, true);
  await pass();
  clock.advance(DAY);
  await pass();
  assert.equal(server.entries.size, 0);
  await a.start();
  server.told.length = 0;
  await pass(60_000);
  assert.ok(server.told.length <= 20, `told ${server.told.length} times`);
});

test('a release that counts for nothing is not said to be known', async () => {
  const { a, b, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  await a.release(ALICE);
  await a.hold(ALICE);
  // Of which b has not heard yet.
  await b.release(ALICE, true);
  const told = b.sharing().isTold(ALICE);
  await pass(1_000);
  assert.deepEqual([await told, b.isHeld(ALICE), a.isHeld(ALICE)], [false, true, true]);
});

test('an end waits a second for a server that is silent', async () => {
  const { a, clock } = await setUp();
  a.way.close = () => void (a.way.isCut = true);
  let say = (): void => undefined;
  a.way.look = () => new Promise((_, reject) => (say = () => reject(new Error('closed'))));
  clock.advance(400);
  await turns();
  let isClosed = false;
  const closing = a
    .sharing()
    .close()
    .then(() => (isClosed = true));
  await turns();
  assert.deepEqual([isClosed, a.way.isCut], [false, false]);
  clock.advance(1_000);
  await turns();
  assert.equal(a.way.isCut, true);
  say();
  await closing;
});

test('one that cannot be written keeps no other from being held or let go, and the line says what it is', async () => {
  const { a, b, pass } = await setUp();
  const ids = ['a', 'b', 'c', 'd'].map((sub) => `subject:https://issuer.example ${sub}`);
  await a.hold(ids[3] ?? '');
  await pass();
  b.unwritable = ids[1] ?? '';
  b.way.isCut = true;
  for (const id of ids.slice(0, 3)) await a.hold(id);
  await a.release(ids[3] ?? '');
  b.way.isCut = false;
  await pass(3_000);
  assert.deepEqual(ids.map(b.isHeld), [true, false, true, false]);
  assert.deepEqual([b.said.at(-1), b.facts.at(-1)], ['quarantine_unshared', { why: 'version_conflict' }]);
  assert.equal(b.isShared, false);
  b.unwritable = '';
  await pass();
  assert.deepEqual([b.isHeld(ids[1] ?? ''), b.isShared], [true, true]);
});

test('an instance that starts holds what is held elsewhere before it lets anybody in, all in one write', async () => {
  const { a, server, clock, pass } = await setUp();
  const ids = Array.from({ length: 300 }, (_, i) => `subject:https://issuer.example ${i}`);
  for (const id of ids) await a.hold(id, 'operator', true);
  await pass();
  const third = await instanceOf(server, clock, 'node-9');
  await third.stop();
  third.quarantines.clear();
  third.notes.clear();
  third.writes = 0;
  const sharing = await third.open();
  await sharing.catchUp();
  assert.ok(ids.every(third.isHeld));
  assert.equal(third.writes, 1);
  sharing.begin();
  await pass();
  await a.release(ids[0] ?? '');
  await pass();
  assert.equal(third.isHeld(ids[0] ?? ''), false);
});

test('a start does not wait for a server that is silent, and hears of it all once it answers', async () => {
  const { a, server, clock, pass } = await setUp();
  await a.hold(ALICE);
  const third = await instanceOf(server, clock, 'node-9');
  await third.stop();
  third.quarantines.clear();
  third.notes.clear();
  const sharing = await third.open();
  const look = third.way.look.bind(third.way);
  let answer = (): void => undefined;
  third.way.look = async () => {
    await new Promise<void>((resolve) => (answer = resolve));
    return look();
  };
  const done = sharing.catchUp();
  await turns();
  clock.advance(2_500);
  await done;
  assert.equal(third.isHeld(ALICE), false);
  third.way.look = look;
  sharing.begin();
  await pass();
  await a.hold(`${ALICE} too`);
  // What it says at last is heard by nobody any more, and must not seem to be known.
  answer();
  await pass();
  assert.deepEqual([third.isHeld(ALICE), third.isHeld(`${ALICE} too`)], [true, true]);
});

test('an operator is told whether the others can know of it', async () => {
  const { a, clock, pass } = await setUp();
  const isTold = async (ms: number): Promise<boolean> => {
    const told = a.sharing().isTold(ALICE);
    await pass(ms);
    return told;
  };
  await a.hold(ALICE, 'operator', true);
  assert.equal(await isTold(450), true);
  a.way.isCut = true;
  await a.release(ALICE, true);
  const before = clock.monotonicMs();
  assert.equal(await isTold(1_000), false);
  assert.ok(clock.monotonicMs() - before <= 1_000);
  assert.deepEqual([a.sharing().untold(), await pass(3_000), a.isShared], [1, undefined, false]);
  a.way.isCut = false;
  await pass();
  assert.deepEqual([a.sharing().untold(), a.isShared], [0, true]);
});

test('what was not followed is not held in the moment in which it is heard that it was released', async () => {
  const { a, b, clock, pass } = await setUp([{}, { maxQuarantined: 1 }]);
  const [x, s] = ['x', 's'].map((sub) => `subject:https://issuer.example ${sub}`);
  assert.ok(x && s);
  await a.find(x);
  await a.find(s);
  await pass();
  assert.deepEqual([b.isHeld(x), b.isHeld(s)], [true, false]);
  await a.release(s, true);
  await b.release(x, true);
  await turns();
  clock.advance(10_000);
  await turns();
  assert.deepEqual(
    b.commits.filter((line) => line.endsWith(s)),
    [],
  );
});

test('an operator who has held what a rule holds elsewhere has the say there, and it takes no place', async () => {
  const { a, b, pass } = await setUp([{}, { maxQuarantined: 1 }]);
  b.way.isCut = true;
  await a.hold(ALICE);
  await b.find(ALICE);
  await pass();
  b.way.isCut = false;
  await pass();
  assert.deepEqual([a.quarantines.get(ALICE)?.rule, b.quarantines.get(ALICE)?.rule], ['operator', 'operator']);
  const other = `${ALICE} too`;
  await a.find(other);
  await pass();
  assert.equal(b.isHeld(other), true);
});

test('a place that an operator elsewhere makes free is taken by what was found here and found none', async () => {
  const { a, b, pass } = await setUp([{}, { maxQuarantined: 1 }]);
  const other = `${ALICE} too`;
  b.way.isCut = true;
  await b.find(ALICE);
  await b.find(other);
  assert.deepEqual([b.isHeld(ALICE), b.isHeld(other)], [true, false]);
  await a.hold(ALICE);
  await pass();
  b.way.isCut = false;
  await pass(3_000);
  assert.deepEqual([b.quarantines.get(ALICE)?.rule, b.isHeld(other)], ['operator', true]);
});

test('where there is no place for more, each is not asked for, and what waits is told once there is one', async () => {
  const clock = clockOf();
  const server = createModelHolds(() => clock.nowMs(), 3);
  const a = await instanceOf(server, clock, 'node-0');
  for (let i = 0; i < 20; i++) await a.hold(`subject:https://issuer.example ${i}`, 'operator', true);
  await pass(clock);
  assert.deepEqual([server.entries.size, a.sharing().untold()], [3, 17]);
  server.told.length = 0;
  await a.hold(ALICE);
  await pass(clock);
  assert.ok(server.told.length < 5, `told ${server.told.length} times`);
  const b = await instanceOf(server, clock, 'node-1');
  await pass(clock);
  await b.release('subject:https://issuer.example 0');
  await pass(clock, 10_000);
  assert.equal([...server.entries.values()].filter(({ state }) => state === 'held').length, 3);
  assert.equal(a.said.filter((event) => event === 'shared_quarantine_full').length, 1);
});

test('what the server has lost without a trace is told again within minutes', async () => {
  const { a, server, pass } = await setUp();
  await a.hold(ALICE);
  await pass();
  server.forgetSilently();
  await pass(5_000);
  assert.equal(server.entries.size, 0);
  await pass(350_000);
  assert.equal(server.entries.size, 1);
});

test('a change that could not be written is tried again, and is not told as one of ours', async () => {
  const { a, b, server, pass } = await setUp();
  b.break(true);
  await a.hold(ALICE);
  await pass(3_000);
  assert.equal(b.isHeld(ALICE), false);
  await a.release(ALICE);
  await a.hold(ALICE);
  b.break(false);
  await pass();
  assert.equal(b.isHeld(ALICE), true);
  assert.deepEqual(server.told, ['change held', 'change released', 'change held']);
});

const at = fc.nat(2);
const who = fc.nat(1).map((i) => `subject:https://issuer.example ${i}`);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      at,
      who,
      rule: fc.constantFrom('operator', 'stolen-key'),
      isHasty: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), at, who, isHasty: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('cut' as const, 'mend' as const, 'restart' as const, 'answer' as const, 'spoil' as const),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
);

test('whatever happens, all hold the same once the server is back, and a release that all heard stays one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { all, server, clock, pass } = await setUp([{}, {}, {}]);
      // Where another change came first, an operator is told so.
      const tried = (change: Promise<void>): Promise<void> =>
        change.catch((error: Error) => assert.match(error.message, /came first|disk is full/));
      for (const one of steps) {
        const it = 'at' in one ? all[one.at] : undefined;
        if (one.do === 'hold' && it?.isHeld(one.who) === false) await tried(it.hold(one.who, one.rule, one.isHasty));
        else if (one.do === 'release' && it?.isHeld(one.who) === true) await tried(it.release(one.who, one.isHasty));
        else if (one.do === 'cut' && it) it.way.isCut = true;
        else if (one.do === 'mend' && it) it.way.isCut = false;
        else if (one.do === 'spoil' && it) it.break(true);
        else if (one.do === 'answer' && it) it.way.losesAnswer = true;
        else if (one.do === 'restart' && it) {
          await it.stop();
          await it.start();
        } else if (one.do === 'lose') server.lose();
        else if (one.do === 'tick') clock.advance(450);
        else if (one.do === 'pass') await pass();
      }
      const mend = async (): Promise<void> => {
        for (const one of all) {
          Object.assign(one.way, { isCut: false, losesAnswer: false });
          one.break(false);
        }
        await pass(3_000);
      };
      await mend();
      const states = (): string[] =>
        all.map(({ quarantines }) =>
          [...quarantines.values()]
            .filter(({ state }) => state === 'held')
            .map(({ id }) => id)
            .toSorted()
            .join(),
        );
      assert.equal(new Set(states()).size, 1, states().join(' | '));
      // Nothing moves any more, nor after the server has lost its data and each has come again.
      const before = states();
      server.lose();
      for (const one of all) {
        await one.stop();
        await one.start();
        await pass();
      }
      assert.deepEqual(states(), before);
      for (const one of all) for (const id of one.quarantines.keys()) if (one.isHeld(id)) await one.release(id);
      await pass(2_000);
      assert.deepEqual(states(), ['', '', '']);
      for (const one of all) await one.stop();
    }),
    { numRuns: 200 },
  );
});
