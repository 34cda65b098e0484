import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { SecretPlace } from '../../kernel/root-key-source.ts';
import { openRootKeyFiles } from './root-key.ts';

const dirs: string[] = [];
let dir: string;
beforeEach(() => {
  dirs.push((dir = mkdtempSync(join(tmpdir(), 'sallyport-root-'))));
  mkdirSync(join(dir, 'keys'));
});
after(() => {
  for (const one of dirs) rmSync(one, { recursive: true, force: true });
});

const key = randomBytes(32);
const files = (env: Record<string, string> = {}) => openRootKeyFiles({ path: dir }, env);

function at(content: Uint8Array | string, mode = 0o600): SecretPlace & { kind: 'file' } {
  const file = join(dir, 'given');
  rmSync(file, { force: true });
  writeFileSync(file, content, { mode });
  return { kind: 'file', file };
}

for (const [form, content] of [
  ['32 bytes', key],
  ['base64', key.toString('base64')],
  ['base64 with a line end', `${key.toString('base64')}\n`],
  ['base64url', key.toString('base64url')],
] as const)
  test(`a root key in a file is taken as ${form}`, () => {
    assert.deepEqual(Buffer.from(files().keyAt(at(content))), key);
  });

for (const [what, content] of [
  ['an empty file', ''],
  ['31 bytes', key.subarray(1)],
  ['33 bytes', Buffer.concat([key, Buffer.from([200])])],
  ['a text of 32 letters', 'abcdefghijklmnopqrstuvwxyz012345'],
  ['hexadecimal digits', key.toString('hex')],
  ['24 bytes in base64', key.subarray(8).toString('base64')],
  ['base64 with something behind it', `${key.toString('base64')} x`],
  ['a large file', Buffer.alloc(100_000, 200)],
] as const)
  test(`${what} is no root key, and the mistake does not show it`, () => {
    assert.throws(
      () => files().keyAt(at(content)),
      ({ code, message }: Error & { code: string }) => {
        assert.equal(code, 'root_key');
        assert.match(message, /given/);
        assert.ok(content.length === 0 || !message.includes(Buffer.from(content).toString('latin1').slice(0, 12)));
        return true;
      },
    );
  });

test('a file that others may read is refused, with the line that mends it', () => {
  assert.throws(() => files().keyAt(at(key, 0o640)), { code: 'root_key', message: /chmod 600/ });
  files().writeOwn(key);
  chmodSync(join(dir, 'keys', 'root.key'), 0o644);
  assert.throws(() => files().own(), { code: 'root_key', message: /chmod 600/ });
});

test('a path that leads nowhere, to a folder or to a device is refused', () => {
  assert.throws(() => files().keyAt({ kind: 'file', file: join(dir, 'nope') }), {
    code: 'root_key',
    message: /no file/,
  });
  for (const file of [dir, '/dev/zero'])
    assert.throws(() => files().keyAt({ kind: 'file', file }), { code: 'root_key' });
});

test('a variable holds base64 alone, and one that is not set is said', () => {
  const place = { kind: 'env', name: 'ROOT' } as const;
  assert.deepEqual(Buffer.from(files({ ROOT: key.toString('base64') }).keyAt(place)), key);
  assert.throws(() => files({ ROOT: key.toString('latin1') }).keyAt(place), { message: /env:ROOT holds no root key/ });
  assert.throws(() => files().keyAt(place), { message: /env:ROOT is not set/ });
});

test("a credential is read from systemd's folder, and without one the way to it is said", () => {
  writeFileSync(join(dir, 'root'), key, { mode: 0o400 });
  const place = { kind: 'credential', name: 'root' } as const;
  assert.deepEqual(Buffer.from(files({ CREDENTIALS_DIRECTORY: dir }).keyAt(place)), key);
  assert.throws(() => files().keyAt(place), { message: /LoadCredential=root:/ });
});

test('a passphrase loses the line end of its file and nothing else, and is long enough', () => {
  assert.equal(files().passphraseAt(at(' correct horse battery \r\n')), ' correct horse battery ');
  assert.throws(() => files().passphraseAt(at('fifteen letters')), { code: 'root_key', message: /at least 16/ });
  assert.equal(files().passphraseAt(at('sixteen letters!')), 'sixteen letters!');
  assert.throws(() => files().passphraseAt(at(Buffer.alloc(40, 0xff))), { code: 'root_key' });
  assert.equal(files({ P: 'correct horse battery' }).passphraseAt({ kind: 'env', name: 'P' }), 'correct horse battery');
});

test('the own root key is written for this user alone; the next one takes its place in one step', () => {
  const it = files();
  assert.equal(it.own(), undefined);
  it.writeOwn(key);
  const next = randomBytes(32);
  it.writeNext(next);
  assert.deepEqual(Buffer.from(it.own() ?? assert.fail()), key);
  for (const name of readdirSync(join(dir, 'keys')))
    assert.equal(statSync(join(dir, 'keys', name)).mode & 0o777, 0o600);
  it.promoteNext();
  assert.deepEqual(Buffer.from(it.own() ?? assert.fail()), next);
  assert.equal(it.next(), undefined);
  it.writeNext(key);
  it.dropNext();
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['root.key']);
});

test('a damaged own root key is refused, and stays as it is', () => {
  const file = join(dir, 'keys', 'root.key');
  for (const text of ['', '\n', 'AAAA']) {
    writeFileSync(file, text, { mode: 0o600 });
    assert.throws(() => files().own(), { code: 'root_key', message: /damaged: restore/ });
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});
