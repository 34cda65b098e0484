import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Clock } from '../../kernel/clock.ts';
import { TlsFileError, type TlsMaterial } from './material.ts';
import { LEAF_LIFE_MS } from './renewal.ts';
import { createCa, createLeaf, type CertificateAndKey } from './self-signed.ts';
import { openTlsSource } from './source.ts';
import { readPair, watchPair, type CertificateWatch } from './watch.ts';

const NOW_MS = Date.now();
const root = mkdtempSync(join(tmpdir(), 'sallyport-watch-'));
after(() => rmSync(root, { recursive: true }));

let pairs: CertificateAndKey[];
let count = 0;
let dir: string;
before(async () => {
  const ca = await createCa(NOW_MS);
  pairs = await Promise.all([1, 2].map(() => createLeaf(ca, ['localhost'], NOW_MS)));
});
beforeEach(() => {
  dir = join(root, String((count += 1)));
  mkdirSync(dir);
});

const files = () => ({ certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') });
const pair = (i: number): CertificateAndKey => pairs[i] ?? assert.fail();

function write({ certPem, keyPem }: Partial<CertificateAndKey>, into = dir): void {
  if (certPem !== undefined) writeFileSync(join(into, 'tls.crt'), certPem);
  if (keyPem !== undefined) writeFileSync(join(into, 'tls.key'), keyPem, { mode: 0o600 });
}

/** A clock that stands still until it is told to go on. */
function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = NOW_MS;
  let timers: { at: number; run: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(ms, run) {
      const timer = { at: nowMs + ms, run };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((one) => one !== timer)), refresh: () => assert.fail() };
    },
    advance(ms) {
      nowMs += ms;
      const due = timers.filter((one) => one.at <= nowMs);
      timers = timers.filter((one) => one.at > nowMs);
      for (const timer of due) timer.run();
    },
  };
}

function start(): { clock: ReturnType<typeof manualClock>; heard: string[]; watch: CertificateWatch } {
  const clock = manualClock();
  const heard: string[] = [];
  const watch = watchPair(files(), readPair(files(), NOW_MS), clock, {
    onMaterial: (material: TlsMaterial) =>
      heard.push(`pair ${pairs.findIndex((one) => one.certPem === material.certPem)}`),
    onProblem: (message) => heard.push(message),
  });
  return { clock, heard, watch };
}

test('a new pair is taken at the next look, and only once', () => {
  write(pair(0));
  const { clock, heard } = start();
  clock.advance(5000);
  assert.deepEqual(heard, []);
  write(pair(1));
  clock.advance(4999);
  assert.deepEqual(heard, []);
  clock.advance(1);
  clock.advance(5000);
  assert.deepEqual(heard, ['pair 1']);
});

test('a certificate that is written before its key waits for it without a word', () => {
  write(pair(0));
  const { clock, heard } = start();
  write({ certPem: pair(1).certPem });
  clock.advance(5000);
  write({ keyPem: pair(1).keyPem });
  clock.advance(5000);
  assert.deepEqual(heard, ['pair 1']);
});

test('a pair that does not fit keeps the old one and is reported once', () => {
  write(pair(0));
  const { clock, heard } = start();
  write({ certPem: pair(1).certPem });
  for (let i = 0; i < 5; i += 1) clock.advance(5000);
  assert.deepEqual(heard, ['the private key does not belong to the first certificate of the file']);
  write(pair(1));
  clock.advance(5000);
  assert.equal(heard.at(-1), 'pair 1');
});

test('files that vanish keep the old pair', () => {
  write(pair(0));
  const { clock, heard } = start();
  rmSync(files().keyFile);
  clock.advance(5000);
  clock.advance(5000);
  assert.deepEqual(heard, [`there is no file ${files().keyFile}`]);
});

test('a swapped directory link is seen', () => {
  for (const i of [0, 1]) {
    mkdirSync(join(dir, `v${i}`));
    write(pair(i), join(dir, `v${i}`));
  }
  symlinkSync('v0', join(dir, 'data'));
  symlinkSync('data/tls.crt', join(dir, 'tls.crt'));
  symlinkSync('data/tls.key', join(dir, 'tls.key'));
  const { clock, heard } = start();
  symlinkSync('v1', join(dir, 'next'));
  renameSync(join(dir, 'next'), join(dir, 'data'));
  clock.advance(5000);
  assert.deepEqual(heard, ['pair 1']);
});

test('a reload looks at once, and says what is wrong at once', () => {
  write(pair(0));
  const { heard, watch } = start();
  watch.check();
  assert.deepEqual(heard, []);
  write(pair(1));
  watch.check();
  write({ keyPem: 'x' });
  watch.check();
  assert.deepEqual(heard, ['pair 1', 'the key file holds no PEM private key without passphrase']);
});

test('a watch that was stopped looks no more', () => {
  write(pair(0));
  const { clock, heard, watch } = start();
  watch.stop();
  write(pair(1));
  clock.advance(60_000);
  assert.deepEqual(heard, []);
});

for (const [name, spoil, message] of [
  ['no certificate', () => write({ certPem: 'x' }), /holds no PEM certificate$/],
  ['no key', () => write({ keyPem: 'x' }), /holds no PEM private key without passphrase$/],
  ['a foreign key', () => write({ keyPem: pair(1).keyPem }), /does not belong to the first certificate/],
  ['a missing certificate file', () => rmSync(files().certFile), /^there is no file/],
  ['a key that others can read', () => chmodSync(files().keyFile, 0o640), /chmod 600/],
  [
    'rubbish in the chain',
    () => write({ certPem: `${pair(0).certPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` }),
    /chain is broken/,
  ],
] as const)
  test(`${name} is refused in one line that quotes nothing`, () => {
    write(pair(0));
    spoil();
    assert.throws(
      () => readPair(files(), NOW_MS),
      (error) => {
        assert.ok(error instanceof TlsFileError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n|BEGIN/);
        return true;
      },
    );
  });

test('a certificate that is over is refused, and accepted 1 s before', () => {
  write(pair(0));
  const endMs = Math.floor((NOW_MS + LEAF_LIFE_MS) / 1000) * 1000;
  readPair(files(), endMs - 1000);
  assert.throws(() => readPair(files(), endMs), /the certificate ended on/);
});

const own = {
  mode: 'self-signed',
  certFile: undefined,
  keyFile: undefined,
  acme: { names: [], challenge: 'tls-alpn-01', httpPort: 80 },
} as const;

test('the self-signed pair is renewed while the gateway runs', async () => {
  const clock = manualClock();
  const renewed = Promise.withResolvers<TlsMaterial>();
  const deps = {
    stateDir: dir,
    names: ['localhost'],
    clock,
    onMaterial: renewed.resolve,
    onProblem: () => assert.fail(),
  };
  const source = await openTlsSource(own, deps);
  assert.ok(source?.caFile !== undefined);
  clock.advance(3_600_000);
  clock.advance((LEAF_LIFE_MS * 2) / 3);
  const next = await renewed.promise;
  assert.notEqual(next.certPem, source.material.certPem);
  assert.equal(next.caPem, source.material.caPem);
  source.stop();
});

test('without TLS there is no certificate', async () => {
  const deps = {
    stateDir: dir,
    names: [],
    clock: manualClock(),
    onMaterial: () => assert.fail(),
    onProblem: () => assert.fail(),
  };
  assert.equal(await openTlsSource({ ...own, mode: 'off' }, deps), undefined);
});
