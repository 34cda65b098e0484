import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { planOf } from './sandbox.ts';

let dir: string;
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-plan-'));
  for (const name of ['ca.pem', 'own.pem', 'own.key', 'gpu.pem', 'gpu.key', 'secret', '42', 'sallyport.yaml'])
    writeFileSync(join(dir, name), name === 'secret' ? 'k'.repeat(40) : '', { mode: 0o600 });
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** What may be read and written under the plan of `serve` with a configuration. */
function planned(yaml: string, env: Record<string, string> = {}) {
  const file = join(dir, 'sallyport.yaml');
  writeFileSync(file, yaml);
  const plan = planOf(['serve', '--state-dir', join(dir, 'state'), '--config', file], env);
  const of = (flag: string) => plan.flags.filter((one) => one.startsWith(flag)).map((one) => one.slice(flag.length));
  const loaded = loadConfig({ file, env });
  return {
    reads: of('--allow-fs-read='),
    writes: of('--allow-fs-write='),
    hook: plan.hook,
    named: loaded.ok ? loaded.filesNamed : undefined,
  };
}

const upstream = 'upstreams: [{ url: "https://gpu:8000", apiKey: "${file:secret}", tls: ';
for (const [what, yaml, env] of [
  ['nothing', '', {}],
  ['the pair of the listeners', 'listen: { tls: { mode: files, certFile: own.pem, keyFile: ./own.key } }', {}],
  ['the CA of clients', 'listen: { tls: { clientCaFile: ca.pem } }', {}],
  ['files of an upstream', `${upstream}{ caFile: ca.pem, certFile: gpu.pem, keyFile: gpu.key } }]`, {}],
  ['a file by a reference', 'listen: { tls: { clientCaFile: "${env:CA}" } }', { CA: 'ca.pem' }],
  ['a file by a variable', '', { SALLYPORT__LISTEN__TLS__CLIENT_CA_FILE: 'ca.pem' }],
  ['the root key', 'keyring: { rootKey: "file:own.key" }', {}],
  ['a passphrase', 'keyring: { rootKey: "passphrase:file:./own.key" }', {}],
  ['the root key by a variable', '', { SALLYPORT__KEYRING__ROOT_KEY: 'file:own.key' }],
  ['a file whose name reads as a number', '', { SALLYPORT__LISTEN__TLS__CLIENT_CA_FILE: '42' }],
] as const) {
  test(`the plan lets be read what the configuration names: ${what}`, () => {
    const { reads, named } = planned(yaml, env);
    assert.ok(named !== undefined, 'the configuration is right');
    for (const file of named) assert.ok(reads.includes(file), file);
    assert.ok(reads.every((path) => path.startsWith('/')));
  });
}

test('of a certificate the folder may be read, where what swaps it puts the next one', () => {
  const { reads } = planned('listen: { tls: { mode: files, certFile: own.pem, keyFile: own.key } }');
  assert.ok(reads.includes(`${dir}/*`));
  assert.ok(!planned('listen: { tls: { clientCaFile: ca.pem } }').reads.includes(`${dir}/*`));
});

test("a credential of systemd's folder may be read, and nothing else of it", () => {
  const { reads } = planned('keyring: { rootKey: "credential:secret" }', { CREDENTIALS_DIRECTORY: dir });
  assert.ok(reads.includes(join(dir, 'secret')));
  assert.ok(!reads.includes(`${dir}/*`) && !reads.includes(join(dir, 'own.key')));
});

test('nothing is written outside the state directory but the folder for records of DNS-01, in that mode alone', () => {
  const acme = (mode: string, challenge: string, hook: string) =>
    planned(
      `listen: { tls: { mode: ${mode}, acme: { names: [a.example], challenge: ${challenge}, hook: "${hook}" } } }`,
    );
  const state = [join(dir, 'state'), `${join(dir, 'state')}/*`];
  assert.deepEqual(acme('acme', 'dns-01', 'drop:/srv/records').writes, [...state, '/srv/records/*']);
  assert.deepEqual(acme('acme', 'http-01', 'drop:/srv/records').writes, state);
  assert.deepEqual(acme('self-signed', 'dns-01', 'drop:/srv/records').writes, state);
  assert.equal(acme('acme', 'dns-01', '/opt/hook').hook, '/opt/hook');
  assert.equal(acme('acme', 'http-01', '/opt/hook').hook, undefined);
  assert.equal(acme('acme', 'dns-01', 'hook').hook, undefined, 'a program that the configuration may not name');
});

test('a path of an option that there is not is not let be read', () => {
  const { reads } = planned('models: { aliases: { shadowFile: /etc/shadow } }\nlisten: { keyFile: /etc/shadow }');
  assert.ok(!reads.includes('/etc/shadow'));
});

test('a configuration that cannot be read is left to the gateway to refuse', () => {
  assert.deepEqual(planned('listen: [').writes, [join(dir, 'state'), `${join(dir, 'state')}/*`]);
});
