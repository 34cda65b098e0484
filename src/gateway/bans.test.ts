import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settableClock } from '../../test/support/clock.ts';
import { createBanMemory } from '../adapters/memory/ban-cells.ts';
import { createBans } from '../adapters/memory/bans.ts';
import { loadConfig } from '../config/load.ts';
import type { BanRecord } from '../directory/records.ts';
import { OFFENCE_RULES, REMEMBERED_FOR_MS } from '../limits/bans.ts';
import { addressJudge, keepBans, neverBanned } from './bans.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

function configOf(overrides: object = {}) {
  const loaded = loadConfig({ env: {}, overrides });
  return loaded.ok ? loaded.config : assert.fail();
}

/** A keeper whose wall clock can be set apart from the monotonic one. */
function setUp({ stored = [], overrides = {} }: { stored?: BanRecord[]; overrides?: object } = {}) {
  const monotonic = settableClock(5_000_000);
  let wallMs = NOW;
  const clock = { ...monotonic, nowMs: () => wallMs };
  const book = createBans(createBanMemory(64, 's', clock.monotonicMs()), 0, () => ({
    firstMs: 60_000,
    maxMs: 600_000,
  }));
  const kept: BanRecord[] = [];
  const lines: string[] = [];
  const config = configOf(overrides);
  const keeper = keepBans(stored, {
    onBan: () => undefined,
    book,
    store: {
      noteBans(bans) {
        kept.push(...bans);
        return Promise.resolve();
      },
    },
    config: () => config,
    clock,
    log: { warn: (event, facts) => void lines.push(JSON.stringify({ event, ...facts })) },
  });
  keeper.stop();
  const ban = (network: string) => {
    for (let i = 0; i < OFFENCE_RULES.smuggling.most; i++) book.offend(network, 'smuggling', clock.monotonicMs());
  };
  return {
    ...{ keeper, book, clock, kept, lines, ban, config },
    advance: (ms: number): void => {
      monotonic.advance(ms);
      wallMs += ms;
    },
    setWall: (ms: number) => void (wallMs = ms),
  };
}

const record = (change: Partial<BanRecord> = {}): BanRecord => ({
  ...{ network: '192.0.2.7', reason: 'scan', number: 2, startedAtMs: NOW - 60_000, untilMs: NOW + 60_000 },
  ...change,
});

test('a ban that began is logged and kept once, with its times', () => {
  const { keeper, kept, lines, ban } = setUp();
  ban('192.0.2.7');
  keeper.look();
  keeper.look();
  assert.deepEqual(lines, [
    '{"event":"ban","address":"192.0.2.7","reason":"smuggling","number":1,"until":"2030-01-01T00:01:00.000Z"}',
  ]);
  assert.deepEqual(kept, [
    { network: '192.0.2.7', reason: 'smuggling', number: 1, startedAtMs: NOW, untilMs: NOW + 60_000 },
  ]);
});

test('a clock that is set back an hour or forward a day neither lifts nor lengthens a ban', () => {
  for (const wallMs of [NOW - 3_600_000, NOW + 86_400_000]) {
    const { keeper, setWall, advance, ban } = setUp();
    ban('192.0.2.7');
    setWall(wallMs);
    assert.equal(keeper.desk.list()[0]?.untilMs, wallMs + 60_000);
    advance(59_900);
    assert.equal(keeper.desk.list().length, 1);
    advance(100);
    assert.deepEqual(keeper.desk.list(), []);
  }
});

test('what is left of a ban that was kept is in force again, and its number goes on', () => {
  const { keeper, advance, book, clock, ban } = setUp({ stored: [record()] });
  assert.deepEqual(keeper.desk.list(), [record()]);
  advance(60_000);
  assert.deepEqual(keeper.desk.list(), []);
  ban('192.0.2.7');
  assert.equal(book.find('192.0.2.7', clock.monotonicMs())?.number, 3);
});

for (const { name, stored, leftMs, number } of [
  { name: 'that ended before is remembered', stored: record({ untilMs: NOW - 1_000 }), leftMs: 0, number: 3 },
  {
    name: 'that ended more than a day ago is forgotten',
    stored: record({ startedAtMs: NOW - 2 * REMEMBERED_FOR_MS, untilMs: NOW - REMEMBERED_FOR_MS - 1 }),
    leftMs: 0,
    number: 1,
  },
  {
    name: 'is no longer than it was for a clock that was set back meanwhile',
    stored: record({ startedAtMs: NOW + 3_600_000, untilMs: NOW + 3_660_000 }),
    leftMs: 60_000,
    number: 3,
  },
  { name: 'of a reason of a later version is left out', stored: record({ reason: 'later' }), leftMs: 0, number: 1 },
])
  test(`a ban that was kept and ${name}`, () => {
    const { keeper, advance, book, clock, ban } = setUp({ stored: [stored] });
    assert.equal((keeper.desk.list()[0]?.untilMs ?? NOW) - NOW, leftMs);
    advance(leftMs);
    ban('192.0.2.7');
    assert.equal(book.find('192.0.2.7', clock.monotonicMs())?.number, number);
  });

test('a lifted ban is told of before it ends, and forgotten by the store', () => {
  const { keeper, kept, lines, ban } = setUp();
  ban('192.0.2.7');
  assert.equal(keeper.desk.lift('192.0.2.7')?.network, '192.0.2.7');
  assert.equal(lines.length, 1);
  assert.equal(kept.at(-1)?.untilMs, 0);
  assert.equal(keeper.desk.lift('192.0.2.7'), undefined);
});

test('a person bans an address for a time, which is counted apart', () => {
  const { keeper, advance } = setUp();
  const made = keeper.desk.add('2001:db8:0:1::/64', 3_600_000);
  assert.ok(!('code' in made) && made.reason === 'operator' && made.untilMs === NOW + 3_600_000);
  assert.deepEqual(keeper.figures(), {
    begun: { failures: 0, scan: 0, smuggling: 0, operator: 1 },
    inForce: 1,
    lost: 0,
  });
  advance(3_600_000);
  assert.equal(keeper.figures().inForce, 0);
});

for (const [name, network, overrides] of [
  ['this machine', '127.0.0.1', {}],
  ['a trusted proxy', '192.0.2.1', { listen: { trustedProxies: ['192.0.2.1'] } }],
  ['what network.bans.allow lists', '192.0.2.1', { network: { bans: { allow: ['192.0.2.0/24'] } } }],
  ['anybody while bans are off', '192.0.2.1', { network: { bans: { enabled: false } } }],
] as const)
  test(`nobody bans ${name}`, () => {
    const { keeper, config } = setUp({ overrides });
    const refused = keeper.desk.add(network, 1_000);
    assert.ok('code' in refused && refused.code === 'conflict' && refused.param === 'address');
    assert.equal(neverBanned(config)(network), true);
    assert.equal(neverBanned(config)('198.51.100.1'), name.startsWith('anybody'));
  });

test('bans that hold for nobody any more are not listed', () => {
  assert.deepEqual(
    setUp({ stored: [record()], overrides: { network: { bans: { enabled: false } } } }).keeper.desk.list(),
    [],
  );
});

test('the lists and bans of the public listener hold on the admin listener', () => {
  const overrides = { network: { allow: ['192.0.2.0/24'], deny: ['192.0.2.66'], bans: { allow: ['192.0.2.9'] } } };
  const { book, clock, config } = setUp({ stored: [record(), record({ network: '192.0.2.9' })], overrides });
  const judge = addressJudge(config, book, clock);
  for (const [address, code] of [
    ['192.0.2.1', undefined],
    ['::ffff:192.0.2.1', undefined],
    ['198.51.100.1', 'ip_denied'],
    ['192.0.2.66', 'ip_denied'],
    ['192.0.2.7', 'ip_denied'],
    ['::ffff:192.0.2.7', 'ip_denied'],
    ['192.0.2.9', undefined],
  ] as const) {
    assert.equal(judge(address)?.code, code, address);
  }
});
