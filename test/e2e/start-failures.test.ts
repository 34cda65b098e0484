import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTestGateway } from '../support/gateway.ts';

const launcher = fileURLToPath(new URL('../../bin/sallyport.mjs', import.meta.url));
let dir: string;
before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-start-'))));
after(() => rmSync(dir, { recursive: true, force: true }));

const NO_PORTS = ['--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];

function serve(stateDir: string, ...words: string[]): { code: number | null; text: string } {
  const result = spawnSync(
    process.execPath,
    [launcher, 'serve', '--state-dir', join(dir, stateDir), ...NO_PORTS, ...words],
    { encoding: 'utf8', timeout: 20_000 },
  );
  return { code: result.status, text: result.stderr };
}

/** One line that says the way out, and no stack. */
function assertExplained(result: { code: number | null; text: string }, wayOut: RegExp): void {
  assert.equal(result.code, 1, result.text);
  assert.match(result.text, wayOut);
  assert.doesNotMatch(result.text, /\n\s+at /);
}

test('a port in use is said, with the way out', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  assertExplained(serve('port', '--listen', `127.0.0.1:${port}`), /in use.*--listen/);
  assertExplained(serve('port', '--admin-listen', `127.0.0.1:${port}`), /admin.*--admin-listen/);
  await new Promise((resolve) => taken.close(resolve));
});

test('a corrupt database is said, with the way out, and is not touched', () => {
  mkdirSync(join(dir, 'corrupt'), { mode: 0o700 });
  writeFileSync(join(dir, 'corrupt', 'sallyport.db'), 'this is no database'.repeat(100));
  assertExplained(serve('corrupt'), /sallyport\.db.*(restore|move)/);
});

test('another instance on the same state directory is said, with the way out', async () => {
  await using first = await startTestGateway({ plain: true });
  assertExplained(serve(relative(dir, first.stateDir)), /another.*(process|instance).*--state-dir/);
});

test('a key file that others can read is said, with the way out', () => {
  mkdirSync(join(dir, 'open', 'keys'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, 'open', 'keys', 'api-keys.key'), `${Buffer.alloc(32).toString('base64')}\n`);
  chmodSync(join(dir, 'open', 'keys', 'api-keys.key'), 0o644);
  assertExplained(serve('open'), /chmod 600/);
});

test('a damaged key of the digests stops the start: no new one is made', () => {
  mkdirSync(join(dir, 'damaged', 'keys'), { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, 'damaged', 'keys', 'api-keys.key'), 'short\n', { mode: 0o600 });
  assertExplained(serve('damaged'), /damaged.*backup/);
});

test('a state directory that cannot be made is said, with the way out', () => {
  writeFileSync(join(dir, 'a-file'), '');
  assertExplained(serve('a-file/state'), /--state-dir/);
});

test('all mistakes of the configuration come at once, each with its path, before a port opens', () => {
  const file = join(dir, 'wrong.yaml');
  writeFileSync(
    file,
    'listen: { prot: 1, timeouts: { head: soon } }\nupstreams: [ { name: a, url: "http://10.0.0.1:8000" } ]\n',
  );
  const result = serve('config', '--config', file);
  assertExplained(result, /listen\.prot/);
  assert.match(result.text, /listen\.timeouts\.head/);
  assert.match(result.text, /upstreams\[0\]/);
});

test('wrong usage ends with 2 and the nearest word', () => {
  const run = (...words: string[]) => spawnSync(process.execPath, [launcher, ...words], { encoding: 'utf8' });
  const typo = run('sreve');
  assert.equal(typo.status, 2);
  assert.match(typo.stderr, /"serve"/);
  const flag = run('serve', '--upstraem', 'x');
  assert.equal(flag.status, 2);
  assert.match(flag.stderr, /--upstream/);
  const later = run('pentest', 'http://x');
  assert.equal(later.status, 2);
  assert.match(later.stderr, /not in this version/);
});
