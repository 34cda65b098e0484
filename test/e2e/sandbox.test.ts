import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
let stateDir: string;
before(() => {
  // Nothing that the tests are run with stands before what a user starts.
  delete process.env['NODE_OPTIONS'];
  dir = mkdtempSync(join(tmpdir(), 'sallyport-sandbox-'));
  stateDir = join(dir, 'state');
  writeFileSync(join(dir, 'secret.txt'), 'secret');
});
after(() => rmSync(dir, { recursive: true, force: true }));

function flagsOf(words: readonly string[]): string[] {
  const plan = spawnSync(process.execPath, [join(root, 'src/cli/sandbox.ts'), ...words], { encoding: 'utf8' });
  assert.equal(plan.status, 0, plan.stderr);
  return (JSON.parse(plan.stdout) as { flags: string[] }).flags;
}

test('under the flags of the started product reading outside, spawning, eval and ATTACH fail, in workers too', () => {
  const flags = flagsOf(['serve', '--state-dir', stateDir]);
  const probe = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=SecurityWarning',
      ...flags,
      join(root, 'test/support/sandbox-probe.ts'),
      stateDir,
      dir,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(probe.status, 0, probe.stderr);
  assert.deepEqual(JSON.parse(probe.stdout), {
    readOutside: 'denied',
    readPasswords: 'denied',
    writeOutside: 'denied',
    writePackage: 'denied',
    spawn: 'denied',
    eval: 'denied',
    newFunction: 'denied',
    attach: 'denied',
    addOn: 'denied',
    readOwn: 'allowed',
    writeState: 'allowed',
    workerRead: 'denied',
    workerEval: 'denied',
  });
});

test('the started product runs with exactly those flags', async () => {
  const words = [
    'serve',
    '--state-dir',
    stateDir,
    '--listen',
    '127.0.0.1:0',
    '--admin-listen',
    '127.0.0.1:0',
    '--workers',
    '1',
    '--log-format',
    'json',
  ];
  const expected = flagsOf(words);
  const child = spawn(process.execPath, [join(root, 'bin/sallyport.mjs'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (part: Buffer) => part.includes('"event":"ready"') && resolve());
      child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    });
    const commandLine = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0');
    for (const flag of expected) assert.ok(commandLine.includes(flag), flag);
    for (const flag of ['--permission', '--disallow-code-generation-from-strings']) assert.ok(expected.includes(flag));
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});
