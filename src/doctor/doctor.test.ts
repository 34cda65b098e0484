import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownAdvisories } from '../vllm/advisories/index.ts';
import { activePatches } from '../vllm/patches/patch.ts';
import { patches } from '../vllm/patches/index.ts';
import { diagnose } from './doctor.ts';
import type { Answer, Installation, Machine } from './installation.ts';

const NOW_MS = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;

const here: Installation = {
  upstreams: [
    {
      name: 'main',
      url: 'http://127.0.0.1:8000',
      version: undefined,
      patchesFor: (release) => activePatches(patches, release, [], 'auto'),
    },
  ],
  listen: { host: '0.0.0.0', port: 8443 },
  tls: 'files',
  publicUrl: 'https://llm.example.org',
  ownCaPem: undefined,
  trustedProxies: [],
  privateFiles: ['/state', '/state/keys'],
  rootKey: { source: 'file:/etc/sallyport/root.key', isBesideData: false, isMade: true },
  advisories: [],
};

const answer = (status: number, text = '', dateMs: number | undefined = NOW_MS): Answer => ({ status, text, dateMs });

/** A machine on which all is well; a test makes one thing worse. */
function machine(worse: Partial<Machine> & { paths?: Record<string, Answer | undefined> } = {}): Machine {
  const paths: Record<string, Answer | undefined> = {
    '/v1/models': answer(200),
    '/version': answer(200, '{"version":"0.33.0"}'),
    '/_simulator/requests': answer(404),
    '/is_sleeping': answer(404),
    '/start_profile': answer(404),
    '/v1/models without key': answer(401),
    ...worse.paths,
  };
  return {
    nowMs: () => NOW_MS,
    addresses: () => ['192.0.2.7', '2001:db8::7'],
    accepts: () => Promise.resolve(false),
    askUpstream: (_, path, withKey) =>
      Promise.resolve(paths[withKey || path !== '/v1/models' ? path : `${path} without key`]),
    ask: (url) => Promise.resolve(url.endsWith('/readyz') ? answer(200) : undefined),
    certificate: () =>
      Promise.resolve({ notAfterMs: NOW_MS + 60 * DAY_MS, covers: () => true, isIssuedBy: () => true }),
    resolve: () => Promise.resolve(['192.0.2.7']),
    facts: () => ({ mode: 0o700, isOwn: true }),
    ...worse,
  };
}

test('a whole installation is well, with nothing to say', async () => {
  assert.deepEqual(await diagnose(here, machine()), { ok: true, findings: [] });
});

const remote = { ...here, upstreams: here.upstreams.map((one) => ({ ...one, url: 'https://gpu-1:8000' })) };
const ready = (url: string) => url.endsWith('/readyz');

for (const { name, installation = here, worse = {}, found, ok, what } of [
  {
    name: 'vLLM answers on an outer address, even with 401',
    worse: {
      ask: (url: string) =>
        Promise.resolve(ready(url) ? answer(200) : url.includes('192.0.2.7') ? answer(401) : undefined),
    },
    found: ['vllm_reachable_around'],
    ok: false,
    what: /http:\/\/192\.0\.2\.7:8000/,
  },
  {
    name: 'vLLM answers on an outer IPv6 address',
    worse: {
      ask: (url: string) =>
        Promise.resolve(
          ready(url) ? answer(200) : url.includes('[2001:db8::7]:8000/version') ? answer(200) : undefined,
        ),
    },
    found: ['vllm_reachable_around'],
    ok: false,
  },
  {
    name: 'vLLM here is asked on an outer address, where others reach it, too',
    installation: { ...here, upstreams: here.upstreams.map((one) => ({ ...one, url: 'http://192.0.2.7:8000' })) },
    worse: {
      ask: (url: string) => Promise.resolve(ready(url) || url.includes('192.0.2.7:8000') ? answer(200) : undefined),
    },
    found: ['vllm_reachable_around'],
    ok: false,
  },
  {
    name: 'a side port is open on an outer address',
    worse: { accepts: (host: string, port: number) => Promise.resolve(host === '192.0.2.7' && port === 5557) },
    found: ['side_port_open'],
    ok: false,
    what: /192\.0\.2\.7:5557 \(this machine\).*KV event publisher/,
  },
  {
    name: 'a side port is open on the machine of an upstream elsewhere',
    installation: remote,
    worse: { accepts: (host: string, port: number) => Promise.resolve(host === 'gpu-1' && port === 29500) },
    found: ['side_port_open'],
    ok: false,
    what: /gpu-1:29500 \(main\)/,
  },
  {
    name: 'vLLM does not answer',
    worse: { paths: { '/v1/models': undefined } },
    found: ['vllm_unreachable'],
    ok: true,
  },
  {
    name: 'vLLM refuses our key',
    worse: { paths: { '/v1/models': answer(401) } },
    found: ['vllm_key_refused'],
    ok: false,
  },
  {
    name: 'vLLM here asks for no key',
    worse: { paths: { '/v1/models without key': answer(200) } },
    found: ['vllm_without_key'],
    ok: true,
  },
  {
    name: 'vLLM elsewhere asks for no key',
    installation: remote,
    worse: { paths: { '/v1/models without key': answer(200) } },
    found: ['vllm_without_key'],
    ok: false,
  },
  {
    name: 'the simulator with all its routes',
    worse: { paths: { '/_simulator/requests': answer(200), '/is_sleeping': answer(200) } },
    found: ['simulator'],
    ok: true,
  },
  { name: 'development mode', worse: { paths: { '/is_sleeping': answer(200) } }, found: ['vllm_dev_mode'], ok: false },
  { name: 'the profiler', worse: { paths: { '/start_profile': answer(405) } }, found: ['vllm_profiler'], ok: true },
  {
    name: 'an unknown release',
    worse: { paths: { '/version': answer(500) } },
    found: ['vllm_version_unknown'],
    ok: true,
  },
  {
    name: 'holes that nothing stops',
    installation: { ...here, advisories: knownAdvisories },
    worse: { paths: { '/version': answer(200, '{"version":"0.6.0"}') } },
    found: ['advisory_exposed'],
    ok: true,
    what: /not stopped here/,
  },
  {
    name: 'a clock a minute and more ahead',
    worse: { nowMs: () => NOW_MS + 61_000 },
    found: ['clock_off'],
    ok: true,
    what: /61 s ahead of/,
  },
  {
    name: 'a state directory that others may enter',
    worse: { facts: (file: string) => ({ mode: file === '/state' ? 0o750 : 0o700, isOwn: true }) },
    found: ['file_open_to_others'],
    ok: false,
    what: /\/state has mode 0750/,
  },
  {
    name: "another user's files",
    worse: { facts: () => ({ mode: 0o600, isOwn: false }) },
    found: ['file_of_another', 'file_of_another'],
    ok: false,
  },
  {
    name: 'the root key lies beside what it encrypts',
    installation: { ...here, rootKey: { source: 'auto', isBesideData: true, isMade: true } },
    found: ['root_key_beside_data'],
    ok: true,
    what: /keyring\.rootKey: auto.* opens all that is encrypted/,
  },
  {
    name: 'the root key is to be made beside what it encrypts',
    installation: { ...here, rootKey: { source: 'auto', isBesideData: true, isMade: false } },
    found: ['root_key_beside_data'],
    ok: true,
    what: /will lie in the state directory/,
  },
  { name: 'no gateway', worse: { ask: () => Promise.resolve(undefined) }, found: ['gateway_down'], ok: true },
  {
    name: 'a certificate that ends within 14 days',
    worse: {
      certificate: () =>
        Promise.resolve({ notAfterMs: NOW_MS + 13 * DAY_MS, covers: () => true, isIssuedBy: () => true }),
    },
    found: ['certificate_ends'],
    ok: false,
    what: /ends in 13 days/,
  },
  {
    name: 'a certificate for other names',
    worse: {
      certificate: () =>
        Promise.resolve({ notAfterMs: NOW_MS + 90 * DAY_MS, covers: () => false, isIssuedBy: () => true }),
    },
    found: ['certificate_name'],
    ok: false,
  },
  {
    name: 'a self-signed certificate',
    installation: { ...here, tls: 'self-signed' as const },
    found: ['certificate_self_signed'],
    ok: true,
  },
  {
    name: 'a certificate of its own CA while another CA is asked',
    installation: { ...here, tls: 'acme' as const, ownCaPem: 'own' },
    found: ['certificate_not_issued'],
    ok: false,
  },
  { name: 'no publicUrl', installation: { ...here, publicUrl: undefined }, found: ['public_url_unset'], ok: true },
  {
    name: 'a name that does not resolve',
    worse: { resolve: () => Promise.resolve([]) },
    found: ['name_unresolved'],
    ok: true,
  },
  {
    name: 'a name that does not resolve with ACME',
    installation: { ...here, tls: 'acme' as const },
    worse: { resolve: () => Promise.resolve([]) },
    found: ['name_unresolved'],
    ok: false,
  },
  {
    name: 'proxies that are the whole world',
    installation: { ...here, trustedProxies: ['0.0.0.0/0', '10.0.0.0/8'] },
    found: ['trusts_the_world'],
    ok: false,
  },
] as const) {
  test(`alone ${name} is found, with its mend`, async () => {
    const diagnosis = await diagnose(installation, machine(worse));
    assert.deepEqual(
      diagnosis.findings.map(({ id }) => id),
      found,
    );
    assert.equal(diagnosis.ok, ok);
    for (const one of diagnosis.findings) assert.ok(one.mend.length > 10);
    if (what !== undefined) assert.match(diagnosis.findings[0]?.what ?? '', what);
  });
}

test('the worst stands first', async () => {
  const { findings } = await diagnose(
    { ...here, publicUrl: undefined },
    machine({ ask: () => Promise.resolve(answer(200)), facts: () => ({ mode: 0o777, isOwn: true }) }),
  );
  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['critical', 'critical', 'high', 'high', 'low'],
  );
});
