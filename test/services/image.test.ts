import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

// No container engine runs here: bubblewrap starts the root filesystem of the image as the compose file and the chart do
// it, read-only, without capabilities, as user 65532.
const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'sallyport-image-'));
const rootfs = join(dir, 'rootfs');
const URL_OF_GATEWAY = 'https://127.0.0.1:8443';
/** What the image may weigh, as it is pulled and on disk; of the latter Node.js alone is 116 MB. */
const MAX_PULLED_BYTES = 60e6;
const MAX_DISK_BYTES = 131e6;

before(() => {
  run(join(root, 'deploy/image/rootfs.sh'), [rootfs]);
});
after(() => rmSync(dir, { recursive: true, force: true }));

function run(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${words.join(' ')}: ${String(error)} ${stdout}${stderr}`);
  return stdout;
}

const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
/** The words behind an instruction of the Dockerfile, as it starts a program. */
const wordsOf = (instruction: string): string[] => {
  const found = new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(dockerfile)?.[1];
  assert.ok(found !== undefined, instruction);
  return JSON.parse(found) as string[];
};
const HEALTH = wordsOf('HEALTHCHECK .*CMD');

function contained(state: string, command: readonly string[]): ChildProcess {
  const words = [
    ...['--unshare-all', '--share-net', '--uid', '65532', '--gid', '65532', '--cap-drop', 'ALL', '--die-with-parent'],
    ...['--ro-bind', rootfs, '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp'],
    ...['--bind', state, '/var/lib/sallyport', '--chdir', '/etc/sallyport', '--clearenv'],
    ...['--setenv', 'SALLYPORT_STATE_DIR', '/var/lib/sallyport/state', '--setenv', 'HOME', '/var/lib/sallyport'],
  ];
  return spawn('bwrap', [...words, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', (code) => resolve(code)));

/** Resolves with the line by which `serve` says that it is ready: asking until then would take the processor from it. */
function saysReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let out = '';
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${out}`)));
    child.stdout?.on('data', (part: Buffer) => {
      out += part.toString();
      if (out.includes('"event":"ready"')) resolve();
    });
  });
}

function statusOf(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request(`${URL_OF_GATEWAY}${path}`, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

test('the image is small, and has no shell and nothing that a user could be', (t) => {
  const files = globSync('**/*', { cwd: rootfs, withFileTypes: true }).filter((entry) => entry.isFile());
  const disk = Number(run('du', ['-s', '--apparent-size', '-B1', rootfs]).split('\t')[0]);
  const pulled = Number(run('sh', ['-c', `tar -C '${rootfs}' -c . | gzip -6 | wc -c`]));
  t.diagnostic(`pulled ${(pulled / 1e6).toFixed(1)} MB, on disk ${(disk / 1e6).toFixed(1)} MB, ${files.length} files`);
  assert.ok(pulled < MAX_PULLED_BYTES, `pulled ${pulled}`);
  assert.ok(disk < MAX_DISK_BYTES, `on disk ${disk}`);
  const programs = files.map(({ name, parentPath }) => join(parentPath, name).slice(rootfs.length));
  assert.deepEqual(
    programs.filter((path) => /^\/(usr\/)?s?bin\//.test(path)),
    ['/usr/bin/node'],
  );
  assert.equal(readFileSync(join(rootfs, 'etc/passwd'), 'utf8').trim().split('\n').length, 1);
  assert.equal(run('find', [rootfs, '-perm', '/6000']), '', 'nothing changes its user');
});

test('it starts read-only without capabilities, is healthy, and ends on TERM', async (t) => {
  const state = join(dir, 'state');
  mkdirSync(state);
  const command = [...wordsOf('ENTRYPOINT'), ...wordsOf('CMD')];
  for (const start of ['first', 'second']) {
    const from = performance.now();
    const child = contained(state, command);
    const ended = exitOf(child);
    await saysReady(child);
    assert.equal(await statusOf('/readyz'), 200);
    t.diagnostic(`${start} start: ready after ${Math.round(performance.now() - from)} ms`);
    assert.equal(await exitOf(contained(state, HEALTH)), 0, 'the health check');
    assert.equal(await statusOf('/v1/models'), 401);
    const key = contained(state, [...wordsOf('ENTRYPOINT'), 'keys', 'create', '--name', start]);
    assert.equal(await exitOf(key), 0, 'a command beside it, as by docker exec');
    // bubblewrap itself would die of the signal; what counts is the gateway, its child.
    const [gateway] = run('pgrep', ['--full', '--newest', '^/usr/bin/node .*/app/src/main.js serve'])
      .trim()
      .split('\n');
    process.kill(Number(gateway), 'SIGTERM');
    assert.equal(await ended, 0);
  }
  assert.notEqual(await exitOf(contained(state, HEALTH)), 0, 'nobody is there any more');
  assert.ok(existsSync(join(state, 'state/ca.pem')));
});

test('the compose file lets nobody reach vLLM, and takes from the gateway what it does not need', () => {
  const { services, networks, secrets, configs } = parse(
    readFileSync(join(root, 'deploy/compose.yaml'), 'utf8'),
  ) as Record<string, Record<string, Record<string, unknown>>>;
  const { gateway, vllm } = services ?? {};
  assert.equal(vllm?.['ports'], undefined);
  assert.deepEqual(vllm?.['networks'], ['models']);
  assert.deepEqual(networks?.['models'], { internal: true });
  assert.deepEqual(gateway?.['ports'], ['8443:8443']);
  assert.equal(gateway?.['read_only'], true);
  assert.deepEqual(gateway?.['cap_drop'], ['ALL']);
  assert.deepEqual(gateway?.['security_opt'], ['no-new-privileges:true']);
  assert.deepEqual(Object.keys(secrets ?? {}), ['vllm-api-key']);
  // Copied into the container, as inline text is, it could not be laid into a read-only root.
  assert.deepEqual(configs, { 'sallyport.yaml': { file: './compose.sallyport.yaml' } });
  assert.match(dockerfile, /^USER 65532:65532$/m);
  assert.match(dockerfile, /^VOLUME \/var\/lib\/sallyport$/m);
});
