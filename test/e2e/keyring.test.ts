import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { KeyringShown } from '../../src/admin/keyring.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { fetchVia, PUBLIC_URL } from '../support/oauth.ts';
import { startProduct, type Product } from '../support/product.ts';

const CLIENT = 'clients create --name n --grants client_credentials --scopes inference:chat --json';
type Client = { client_id: string; client_secret: string };

async function tokenOf(it: Pick<TestGateway, 'port'>, { client_id, client_secret }: Client): Promise<string> {
  const answer = await fetchVia(it)(`${PUBLIC_URL}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  return token ?? assert.fail(`no token, ${answer.status}`);
}

const shown = (out: string): KeyringShown => JSON.parse(out) as KeyringShown;

suite('in front of a running gateway', () => {
  test('nothing of the keyring is there until a token is asked for', async () => {
    await using it = await startTestGateway({ plain: true, config: { listen: { publicUrl: PUBLIC_URL } } });
    const rootKey = join(it.stateDir, 'keys', 'root.key');
    const { key } = await it.issue();
    assert.equal((await ask(it, { key })).status, 200);
    const status = await sallyport(it.stateDir, 'keyring status');
    assert.equal(status.exit, 0, status.err);
    assert.match(status.out, /root key +auto\nid +-\ndata keys +0\nall open +nothing is encrypted yet\n/);
    const rotation = await sallyport(it.stateDir, 'keyring rotate');
    assert.deepEqual([rotation.exit, /Nothing is encrypted yet/.test(rotation.err)], [1, true]);
    assert.ok(!existsSync(rootKey));
    await tokenOf(it, JSON.parse((await sallyport(it.stateDir, CLIENT)).out) as Client);
    assert.equal(statSync(rootKey).mode & 0o777, 0o600);
  });

  test('a rotation under traffic: tokens of before count, and new ones are given all the while', async () => {
    await using it = await startTestGateway({ plain: true, config: { listen: { publicUrl: PUBLIC_URL } } });
    const client = JSON.parse((await sallyport(it.stateDir, CLIENT)).out) as Client;
    const before = await tokenOf(it, client);
    const rootKey = () => readFileSync(join(it.stateDir, 'keys', 'root.key'), 'utf8');
    const [keyBefore, first] = [rootKey(), shown((await sallyport(it.stateDir, 'keyring status --json')).out)];
    assert.deepEqual([first.allOpen, first.problem, first.source], [true, null, 'auto']);
    const [rotated, ...during] = await Promise.all([
      sallyport(it.stateDir, 'keyring rotate --data-keys --json'),
      ...Array.from({ length: 5 }, () => tokenOf(it, client)),
    ]);
    assert.equal(rotated.exit, 0, rotated.err);
    const second = shown(rotated.out);
    assert.deepEqual([second.allOpen, second.problem], [true, null]);
    assert.notEqual(second.rootKeyId, first.rootKeyId);
    assert.notEqual(rootKey(), keyBefore);
    const currents = second.dataKeys.filter(({ current }) => current).map(({ purpose }) => purpose);
    assert.deepEqual(new Set(currents), new Set(first.dataKeys.map(({ purpose }) => purpose)));
    assert.equal(second.dataKeys.length, 2 * first.dataKeys.length);
    for (const token of [before, ...during, await tokenOf(it, client)])
      assert.equal((await ask(it, { key: token })).status, 200);
    const all = `${rotated.out}${rotated.err}${it.log.join('\n')}`;
    for (const key of [keyBefore, rootKey()]) assert.ok(!all.includes(key.trim()));
    assert.ok(it.log.some((line) => line.includes('keyring.rotate') && line.includes(String(second.rootKeyId))));
  });

  test('a new root key is taken by the Unix socket alone', async () => {
    await using it = await startTestGateway({ plain: true });
    const { key } = await it.issue({ scopes: ['admin:read', 'admin:write'] });
    const newRoot = { source: 'file:/x', key: randomBytes(32).toString('base64') };
    const answer = await fetch(`${it.gateway.adminUrl}/api/v1/keyring/rotate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ newRoot }),
    });
    const problem = (await answer.json()) as Record<string, string>;
    assert.deepEqual([answer.status, problem['code'], problem['param']], [400, 'invalid_field', 'newRoot']);
  });
});

test('from the own file to one outside and to a passphrase, through restarts in the sandbox; the old source is refused', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-keyring-'));
  const [state, outside] = [join(dir, 'state'), join(dir, 'outside')];
  const PASSPHRASE = 'correct horse battery staple';
  const start = (source: string) =>
    startProduct(['--workers', '1', '--tls', 'off'], state, { SALLYPORT__KEYRING__ROOT_KEY: source });
  /** Runs a command with the source that the configuration names then. */
  const run = async (source: string, line: string) => {
    const ran = await sallyport(state, line, {
      env: { SALLYPORT_STATE_DIR: state, SALLYPORT__KEYRING__ROOT_KEY: source, PASSPHRASE },
    });
    assert.equal(ran.exit, 0, ran.err);
    return ran;
  };
  const kidsWith = async (source: string) =>
    (JSON.parse((await run(source, 'signing-keys list --json')).out) as { kid: string }[]).map(({ kid }) => kid).sort();
  let running: Product | undefined;
  try {
    writeFileSync(outside, randomBytes(32), { mode: 0o600 });
    running = await start('auto');
    const kids = await kidsWith('auto');
    // The sandbox does not let the running gateway read that file: the command does.
    const rotated = shown((await run('auto', `keyring rotate --new-root file:${outside} --json`)).out);
    assert.deepEqual([rotated.source, rotated.configured], [`file:${outside}`, 'auto']);
    assert.match(rotated.problem ?? '', /set keyring.rootKey to it/);
    assert.equal(await running.end(), 0);

    await assert.rejects(start('auto'), {
      message: `serve ended with 1: the root key of keyring.rootKey (auto) is not the one that this state directory is encrypted with: that one came from file:${outside}: set keyring.rootKey to it, or restore a backup\n`,
    });
    running = await start(`file:${outside}`);
    assert.deepEqual(await kidsWith('anything else: it is the gateway that has the keys'), kids);
    assert.equal(await running.end(), 0);

    // Without a gateway, and to a passphrase.
    const moved = await run(`file:${outside}`, 'keyring rotate --new-root passphrase:env:PASSPHRASE');
    assert.match(moved.err, /Now set keyring.rootKey: passphrase:env:PASSPHRASE in the configuration/);
    assert.deepEqual(await kidsWith('passphrase:env:PASSPHRASE'), kids);
    const status = await sallyport(state, 'keyring status');
    assert.deepEqual([status.exit, /NO/.test(status.out)], [1, true]);
    assert.match(status.err, /came from passphrase:env:PASSPHRASE: set keyring.rootKey to it/);
  } finally {
    running?.child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});

test('a source that cannot be used is refused at the start, before anything is encrypted', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-keyring-'));
  try {
    await assert.rejects(startProduct(['--tls', 'off'], dir, { SALLYPORT__KEYRING__ROOT_KEY: 'env:NO_SUCH' }), {
      message: /^serve ended with 1: env:NO_SUCH is not set: [^\n]+\n$/,
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

for (const [words, message] of [
  ['keyring', /sallyport keyring status\|rotate/],
  ['keyring statsu', /Did you mean "status"/],
  ['keyring rotate --new-root flie:/x', /Did you mean file:…\?/],
  ['keyring rotate --new-root', /new-root/],
] as const)
  test(`${words} is wrong usage, with the nearest valid word`, async () => {
    const { exit, err } = await sallyport('/nowhere', words);
    assert.equal(exit, 2);
    assert.match(err, message);
  });
