import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { settableClock } from '../../../test/support/clock.ts';
import { createFakeCa, type FakeCa } from '../../../test/support/fake-ca.ts';
import type { TlsMaterial } from '../tls/material.ts';
import { certificateId } from './certificate-request.ts';
import { openAcmeSource, type AcmeSource } from './source.ts';

const NAME = 'llm.example.org';
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** A CA in memory, a state directory, and sources on it, one after the other as after restarts. */
async function setUp(context: TestContext) {
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-acme-'));
  context.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const clock = settableClock();
  const ca: FakeCa = await createFakeCa(() => clock.nowMs());
  const materials: TlsMaterial[] = [];
  const problems: string[] = [];
  const progress: string[] = [];
  const opened: AcmeSource[] = [];
  let withdrawn = 0;

  async function open(names: readonly string[] = [NAME]) {
    const source = await openAcmeSource(
      { acme: { directory: ca.directory, names, challenge: 'http-01', httpPort: 80, email: 'ops@example.org' } },
      {
        stateDir,
        names: ['localhost'],
        acmeNames: names,
        clock,
        exchange: ca.exchange,
        solver: {
          open: () => Promise.resolve(),
          present(answers) {
            ca.seen = answers;
            return Promise.resolve();
          },
          withdraw() {
            withdrawn++;
            ca.seen = [];
            return Promise.resolve();
          },
          stop: () => undefined,
        },
        resolve: () => Promise.resolve(['203.0.113.9']),
        ownAddresses: ['10.0.0.5'],
        port: 8443,
        random: () => 0,
        onMaterial: (material) => materials.push(material),
        onProblem: (why) => problems.push(why),
        onProgress: (what) => progress.push(what),
      },
    );
    context.after(() => source.stop());
    opened.push(source);
    return source;
  }

  /** Lets everything that is under way come to its end. */
  async function settle(): Promise<void> {
    for (const source of opened) await source.idle();
  }
  return { ca, clock, materials, problems, progress, open, settle, stateDir, withdrawn: () => withdrawn };
}

const serialOf = ({ certPem }: TlsMaterial): string => new X509Certificate(certPem).serialNumber;
const issuerOf = ({ certPem }: TlsMaterial): string => new X509Certificate(certPem).issuer;

test('it starts with a certificate of its own and swaps to that of the CA', async (context) => {
  const it = await setUp(context);
  const source = await it.open();
  assert.match(issuerOf(source.material), /Sallyport CA/);
  assert.equal(it.ca.asked.length, 0);
  source.start();
  await it.settle();
  assert.deepEqual(it.problems, []);
  assert.equal(it.materials.length, 1);
  const [material = assert.fail()] = it.materials;
  assert.equal(issuerOf(material), 'CN=Fake CA');
  assert.equal(new X509Certificate(material.certPem).subjectAltName, `DNS:${NAME}`);
  assert.equal(it.withdrawn(), 1);
});

test('keys and certificate lie in files that nobody else can read', async (context) => {
  const it = await setUp(context);
  (await it.open()).start();
  await it.settle();
  const dir = join(it.stateDir, 'keys', 'acme', 'ca.test-dir');
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(dir).sort(), ['account.key', 'attempts.json', 'certificate.pem']);
  for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name);
});

test('after a restart the stored certificate serves at once and the CA is not asked for one', async (context) => {
  const it = await setUp(context);
  const first = await it.open();
  first.start();
  await it.settle();
  first.stop();
  const again = await it.open();
  assert.equal(serialOf(again.material), serialOf(it.materials[0] ?? assert.fail()));
  again.start();
  await it.settle();
  assert.equal(it.ca.orders.length, 1);
});

test('other names in the configuration bring another certificate', async (context) => {
  const it = await setUp(context);
  const first = await it.open();
  first.start();
  await it.settle();
  first.stop();
  (await it.open([NAME, 'api.example.org'])).start();
  await it.settle();
  assert.equal(it.ca.orders.length, 2);
  assert.equal(new X509Certificate(it.materials[1]?.certPem ?? '').subjectAltName, `DNS:${NAME}, DNS:api.example.org`);
});

test('a certificate is renewed after two thirds of its life, by the same account', async (context) => {
  const it = await setUp(context);
  (await it.open()).start();
  await it.settle();
  for (let day = 0; day < 59; day++) {
    it.clock.advance(DAY);
    await it.settle();
  }
  assert.equal(it.ca.orders.length, 1);
  for (let day = 59; day < 66; day++) {
    it.clock.advance(DAY);
    await it.settle();
  }
  assert.equal(it.materials.length, 2);
  assert.equal(it.ca.asked.filter((line) => line === 'POST /account').length, 1);
});

test('a window of the CA is followed, and the order says which certificate it replaces', async (context) => {
  const it = await setUp(context);
  it.ca.window = { startMs: it.clock.nowMs() + DAY, endMs: it.clock.nowMs() + DAY + HOUR };
  const source = await it.open();
  source.start();
  await it.settle();
  source.check();
  await it.settle();
  assert.equal(it.ca.orders.length, 1);
  it.clock.advance(DAY + HOUR);
  await it.settle();
  assert.equal(it.ca.orders.length, 2);
  assert.equal(it.ca.orders[1]?.replaces, certificateId(it.materials[0]?.certPem ?? ''));
});

test('a nonce that is refused is followed by another one', async (context) => {
  const it = await setUp(context);
  it.ca.badNonces = 5;
  (await it.open()).start();
  await it.settle();
  assert.equal(it.materials.length, 1);
});

test('a challenge that the CA cannot see is said with its mend, taken back, and tried again after a minute', async (context) => {
  const it = await setUp(context);
  it.ca.challengeFault = { type: 'connection', detail: 'refused\u001b[31m' };
  (await it.open()).start();
  await it.settle();
  assert.equal(it.materials.length, 0);
  assert.equal(it.withdrawn(), 1);
  assert.equal(it.problems.length, 1);
  assert.match(
    it.problems[0] ?? '',
    /llm\.example\.org: the CA cannot reach this gateway \(refused \[31m\): let the internet reach port 80/,
  );
  assert.match(it.problems[0] ?? '', /leads to 203\.0\.113\.9, which is no address of this machine/);
  it.ca.challengeFault = undefined;
  it.clock.advance(MINUTE - 1);
  await it.settle();
  assert.equal(it.ca.orders.length, 1);
  it.clock.advance(1_001);
  await it.settle();
  assert.equal(it.materials.length, 1);
});

test('a restart does not make the CA be asked before the time that a failure has set', async (context) => {
  const it = await setUp(context);
  it.ca.challengeFault = { type: 'dns', detail: 'NXDOMAIN' };
  for (let i = 0; i < 20; i++) {
    const source = await it.open();
    source.start();
    await it.settle();
    source.stop();
  }
  assert.equal(it.ca.orders.length, 1);
  assert.match(it.problems[0] ?? '', /the CA cannot resolve the name \(NXDOMAIN\): set an A or AAAA record/);
});

test('a rate limit is said with its time, and kept', async (context) => {
  const it = await setUp(context);
  it.ca.fault = (path) =>
    path === '/order' ? { status: 429, type: 'rateLimited', detail: 'too many', retryAfter: '7200' } : undefined;
  (await it.open()).start();
  await it.settle();
  assert.match(it.problems[0] ?? '', /rate limit is reached \(too many\)\. It may be asked again in 2 hours/);
  it.ca.fault = () => undefined;
  it.clock.advance(2 * HOUR - 2_000);
  await it.settle();
  assert.equal(it.ca.orders.length, 0);
  it.clock.advance(4_000);
  await it.settle();
  assert.equal(it.materials.length, 1);
});

for (const [offMs, words] of [
  [61_000, /clock of this machine is 61 s ahead of the CA's: set it/],
  [-61_000, /clock of this machine is 61 s behind the CA's: set it/],
  [59_000, undefined],
] as const) {
  test(`a clock that is ${offMs / 1000} s off is ${words === undefined ? 'not ' : ''}said`, async (context) => {
    const it = await setUp(context);
    it.ca.date = () => new Date(it.clock.nowMs() - offMs);
    (await it.open()).start();
    await it.settle();
    assert.equal(it.problems.length, words === undefined ? 0 : 1);
    if (words !== undefined) assert.match(it.problems[0] ?? '', words);
  });
}

test('a certificate that the CA knows as replaced already is followed by an order without that word', async (context) => {
  const it = await setUp(context);
  it.ca.window = { startMs: it.clock.nowMs() + DAY, endMs: it.clock.nowMs() + DAY };
  (await it.open()).start();
  await it.settle();
  let refusals = 0;
  it.ca.fault = (path) =>
    path === '/order' && refusals++ === 0 ? { status: 409, type: 'alreadyReplaced', detail: 'it was' } : undefined;
  it.clock.advance(DAY + HOUR);
  await it.settle();
  assert.equal(it.ca.orders.length, 2);
  assert.equal(it.ca.orders[1]?.replaces, undefined);
  assert.deepEqual(it.problems, []);
});

test('an account key that others can read is refused with its mend', async (context) => {
  const it = await setUp(context);
  (await it.open()).stop();
  const file = join(it.stateDir, 'keys', 'acme', 'ca.test-dir', 'account.key');
  chmodSync(file, 0o644);
  await assert.rejects(it.open(), /account\.key can be read by others: chmod 600/);
});

test('an account key that was damaged is not replaced', async (context) => {
  const it = await setUp(context);
  (await it.open()).stop();
  const file = join(it.stateDir, 'keys', 'acme', 'ca.test-dir', 'account.key');
  const before = readFileSync(file);
  writeFileSync(file, before.subarray(0, 40), { mode: 0o600 });
  await assert.rejects(it.open(), /account\.key is damaged/);
  assert.equal(readFileSync(file).length, 40);
});

test('a certificate for another key than the one that was made here is not served', async (context) => {
  const it = await setUp(context);
  const { exchange } = it.ca;
  const other = await setUp(context);
  (await other.open()).start();
  await other.settle();
  Object.assign(it.ca, {
    exchange: async (...args: Parameters<typeof exchange>) => {
      const response = await exchange(...args);
      return args[0].url.includes('/certificate/') ? { ...response, text: other.materials[0]?.certPem } : response;
    },
  });
  (await it.open()).start();
  await it.settle();
  assert.equal(it.materials.length, 0);
  assert.match(it.problems[0] ?? '', /the private key does not belong/);
});

test('a CA that names a URL in the clear, or is none, is refused with a hint', async (context) => {
  const it = await setUp(context);
  Object.assign(it.ca, {
    exchange: () =>
      Promise.resolve({
        status: 200,
        header: () => undefined,
        text: JSON.stringify({ newNonce: 'http://ca.test/n', newAccount: 'https://c/a', newOrder: 'https://c/o' }),
      }),
  });
  (await it.open()).start();
  await it.settle();
  assert.match(it.problems[0] ?? '', /what RFC 8555 does not know: is listen\.tls\.acme\.directory/);
});
