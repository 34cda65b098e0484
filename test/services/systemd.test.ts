import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemdUnit, USUAL_PLACES } from '../../src/cli/systemd-unit.ts';

// No systemd runs here: its own tools judge the unit, and bubblewrap stands for the confinement.
const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'sallyport-unit-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function run(command: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${words.join(' ')}: ${stdout}${stderr}`);
  return stdout + stderr;
}

for (const { port, most } of [
  { port: 8443, most: 1.2 },
  // The capability for the port, and no user namespace of its own: a namespace would make the capability void.
  { port: 443, most: 1.5 },
]) {
  test(`the unit for port ${port} is correct, and its exposure is ${most} at most`, () => {
    const file = join(dir, `on-${port}`, 'sallyport.service');
    mkdirSync(dirname(file));
    writeFileSync(file, systemdUnit({ ...USUAL_PLACES, command: process.execPath, port }));
    assert.equal(run('systemd-analyze', ['verify', file]), '');
    const said = run('systemd-analyze', ['security', '--offline=true', file]);
    const exposure = Number(/Overall exposure level for sallyport\.service: ([0-9.]+)/.exec(said)?.[1]);
    assert.ok(exposure > 0 && exposure <= most, said);
  });
}

/** The names of a set of system calls, its subsets among them. */
function systemCalls(set: string): Set<string> {
  const words = run('systemd-analyze', ['--no-pager', 'syscall-filter', set])
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Set(words.flatMap((word) => (word.startsWith('@') ? [...systemCalls(word)] : [word])));
}

/** Refused by the unit without harm: what asked goes on without. */
const SOFT = new Set([
  'setrlimit',
  'sched_setaffinity',
  'setpriority',
  'set_mempolicy',
  'mbind',
  'pkey_alloc',
  'io_uring_setup',
]);

test('confined as the unit does it, the product serves, and asks the kernel for nothing that the unit refuses', async () => {
  cpSync(root, join(dir, 'app'), {
    recursive: true,
    filter: (path) => !/\/(\.git|test|bench)$/.test(path),
    verbatimSymlinks: true,
  });
  mkdirSync(join(dir, 'state'));
  writeFileSync(join(dir, 'sallyport.yaml'), 'listen: { host: 127.0.0.1, port: 0 }\nadmin: { port: 0 }\nworkers: 2\n');
  const trace = join(dir, 'state', 'trace');
  const confined = [
    ...['--unshare-all', '--share-net', '--uid', '61234', '--gid', '61234', '--cap-drop', 'ALL', '--die-with-parent'],
    ...[
      '--ro-bind',
      '/',
      '/',
      '--tmpfs',
      '/home',
      '--tmpfs',
      '/root',
      '--tmpfs',
      '/tmp',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
    ],
    ...['--tmpfs', '/opt', '--ro-bind', join(dir, 'app'), '/opt/sallyport'],
    ...['--tmpfs', '/mnt', '--dir', '/mnt/state', '--bind', join(dir, 'state'), '/mnt/state'],
    ...['--ro-bind', join(dir, 'sallyport.yaml'), '/mnt/sallyport.yaml'],
  ];
  const node = process.execPath.replace(root, '/opt/sallyport/');
  const child = spawn(
    'bwrap',
    [
      ...confined,
      ...['strace', '-f', '-qq', '-o', '/mnt/state/trace'],
      ...[node, '/opt/sallyport/bin/sallyport.mjs', 'serve', '--config', '/mnt/sallyport.yaml'],
      ...['--state-dir', '/mnt/state', '--log-format', 'json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    let out = '';
    const url = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${out}`)));
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        const ready = /"event":"ready","public":"([^"]+)"/.exec(out)?.[1];
        if (ready !== undefined) resolve(ready);
      });
    });
    assert.match(run('curl', ['-sk', '-m', '10', `${url}/readyz`]), /"status":"ready"/);
    assert.match(run('curl', ['-sk', '-m', '10', `${url}/v1/models`]), /missing_credential/);
  } finally {
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
  }
  const refused = new Set([...systemCalls('@privileged'), ...systemCalls('@resources')]);
  const allowed = systemCalls('@system-service');
  const asked = new Set(
    readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap((line) => /^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)/.exec(line)?.[1] ?? []),
  );
  assert.ok(asked.size > 30, [...asked].join(' '));
  const beyond = [...asked].filter((name) => (!allowed.has(name) || refused.has(name)) && !SOFT.has(name));
  assert.deepEqual(beyond, []);
});

test('root administers the running gateway of another user by its socket, and makes no file there', async () => {
  const state = join(dir, 'service-state');
  mkdirSync(state);
  run('chown', ['nobody', state]);
  run('chmod', ['755', dir]);
  const app = join(dir, 'app');
  const node = process.execPath.replace(root, `${app}/`);
  const launcher = join(app, 'bin/sallyport.mjs');
  const child = spawn(
    'setpriv',
    [
      ...['--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', node, launcher, 'serve', '--workers', '1'],
      ...['--state-dir', state, '--listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--log-format', 'json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: dir },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const command = (...words: string[]) =>
    spawnSync(node, [launcher, ...words, '--state-dir', state], { encoding: 'utf8' });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      child.stdout.on('data', (part: Buffer) => {
        if (part.toString().includes('"event":"ready"')) resolve();
      });
    });
    assert.equal(command('keys', 'create', '--name', 'by-root').status, 0);
    assert.match(command('keys', 'list').stdout, /by-root/);
    assert.doesNotMatch(command('doctor').stdout, /file_of_another|file_open_to_others/);
    assert.equal(run('find', [state, '-user', 'root']), '');
  } finally {
    child.kill();
    await ended;
  }
  const stopped = command('keys', 'list');
  assert.equal(stopped.status, 1);
  assert.match(stopped.stderr, /no gateway runs on it/);
  assert.equal(run('find', [state, '-user', 'root']), '');
});
