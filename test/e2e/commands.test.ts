import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { openStateDir } from '../../src/adapters/files/state-dir.ts';
import { takeStateLock } from '../../src/adapters/sqlite/lock.ts';
import { withAdmin } from '../../src/cli/admin-client.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { loadAllCommands } from '../../src/cli/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { startTestIssuer } from '../support/issuer.ts';
import { API_KEY_PATTERN } from '../../src/directory/api-key.ts';
import { sallyport, type Ran } from '../support/command.ts';
import { ask } from '../support/http.ts';
import { startTestGateway } from '../support/gateway.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-commands-'));
after(() => rmSync(root, { recursive: true, force: true }));

let nextDir = 0;
const newDir = (): string => {
  const dir = join(root, `state-${nextDir++}`);
  mkdirSync(dir);
  return dir;
};

const idIn = ({ out }: Ran): string => String(JSON.parse(out).id);

suite('keys', () => {
  test('create prints the key once, says that it is shown once, and what was left open', async () => {
    const { exit, out, err } = await sallyport(newDir(), 'keys create --name team');
    assert.equal(exit, 0);
    assert.equal(out.match(/sp_[0-9A-Za-z]{6}_[0-9A-Za-z]{38}/g)?.length, 1);
    assert.match(out, /^The key is shown this once: keep it now\.$/m);
    assert.equal(err, 'Without --models the key may use all models of the tenant default.\n');
  });

  test('create --json prints one JSON value with the names of the contract', async () => {
    const line =
      'keys create --name team --scopes inference:chat,completions,models:read --models a,b --rpm 5 --concurrency none --expires 30d --allow-ip 10.0.0.0/8 192.0.2.7 --json';
    const { exit, out, err } = await sallyport(newDir(), line);
    assert.deepEqual([exit, err], [0, '']);
    const made = JSON.parse(out);
    assert.match(made.key, API_KEY_PATTERN);
    assert.deepEqual(Object.keys(made).slice(0, 2), ['id', 'key']);
    assert.deepEqual(
      [made.name, made.tenant, made.scopes, made.models, made.rpm, made.concurrency, made.allowIp],
      [
        'team',
        'default',
        ['inference:chat', 'inference:completions', 'models:read'],
        ['a', 'b'],
        5,
        'none',
        ['10.0.0.0/8', '192.0.2.7/32'],
      ],
    );
    assert.equal(Date.parse(made.expiresAt) - Date.parse(made.createdAt), 30 * 86_400_000);
  });

  test('list, show, disable, enable, rotate, revoke and delete work without a gateway', async () => {
    const dir = newDir();
    const id = idIn(await sallyport(dir, 'keys create --name team --json'));
    const stateAfter = async (line: string): Promise<string> =>
      JSON.parse((await sallyport(dir, `${line} --json`)).out).state;
    assert.match((await sallyport(dir, 'keys list')).out, new RegExp(`^ID .*\n${id} +team +default +active`));
    assert.equal(await stateAfter(`keys show ${id}`), 'active');
    assert.equal(await stateAfter(`keys disable ${id}`), 'disabled');
    assert.equal(await stateAfter(`keys enable ${id}`), 'active');
    const rotated = await sallyport(dir, `keys rotate ${id} --overlap 24h --json`);
    assert.match(JSON.parse(rotated.out).key, new RegExp(`^sp_${id}_`));
    assert.match(rotated.err, /^The value before is accepted until /);
    assert.deepEqual(await sallyport(dir, `keys revoke ${id}`), { exit: 0, out: `revoked ${id} (team)\n`, err: '' });
    const enabled = await sallyport(dir, `keys enable ${id}`);
    assert.deepEqual([enabled.exit, enabled.out], [1, '']);
    assert.match(enabled.err, /cannot be undone/);
    assert.equal(await stateAfter(`keys delete ${id}`), 'deleted');
    assert.deepEqual(JSON.parse((await sallyport(dir, 'keys list --json')).out), []);
    assert.match((await sallyport(dir, 'keys list')).out, /^There are no API keys\. Create one: /);
  });

  test('edit changes what is named and leaves the rest', async () => {
    const dir = newDir();
    const id = idIn(await sallyport(dir, 'keys create --name team --rpm 60 --json'));
    const line = `keys edit ${id} --expires 30d --allow-ip 192.0.2.0/24 198.51.100.7 --json`;
    const edited = JSON.parse((await sallyport(dir, line)).out);
    assert.deepEqual(
      [edited.name, edited.rpm, edited.allowIp, edited.expiresAt === null],
      ['team', 60, ['192.0.2.0/24', '198.51.100.7/32'], false],
    );
    assert.deepEqual(await sallyport(dir, `keys edit ${id} --name crew`), {
      ...{ exit: 0, out: `changed ${id} (crew)\n`, err: '' },
    });
  });

  test('a review says what is to be mended, and what has been since', async () => {
    const dir = newDir();
    const id = idIn(await sallyport(dir, 'keys create --name team --json'));
    const first = await sallyport(dir, 'review --json');
    assert.equal(first.exit, 0);
    assert.deepEqual(
      JSON.parse(first.out).findings.map(({ id: check, subject }: Record<string, string>) => [check, subject]),
      [['key-without-expiry', `api-keys/${id}`]],
    );
    // As somebody may have typed it: it turns round the line of whoever looks.
    await sallyport(dir, `keys edit ${id} --name a\u202eb`);
    assert.match((await sallyport(dir, 'review')).out, /\(a b\) never expires/);
    await sallyport(dir, `keys edit ${id} --expires 30d`);
    const second = await sallyport(dir, 'review');
    assert.match(second.out, /^GONE +API key .* never expires\..*\nwell: 0 findings, 0 new and 1 gone since r_/);
    assert.match((await sallyport(dir, 'review --last --format markdown')).out, /^# Review r_/);
    assert.equal(JSON.parse((await sallyport(dir, 'review --last --format sarif')).out).version, '2.1.0');
    assert.equal((await sallyport(dir, 'review --schedule weekly')).out, 'reviews run by themselves: weekly\n');
    const told = await sallyport(dir, `incident ${id}`);
    assert.match(told.out, new RegExp(`create api-keys/${id} by command`));
    assert.equal((await sallyport(dir, 'incident Zz99Zz')).exit, 1);
    const recorded = (await sallyport(dir, 'audit-log search --kind change')).out;
    assert.equal(recorded.match(/ reviews\/r_/g)?.length, 3, recorded);
  });

  test('take the whole key in place of its id', async () => {
    const dir = newDir();
    const { id, key } = JSON.parse((await sallyport(dir, 'keys create --name team --json')).out);
    assert.equal(idIn(await sallyport(dir, `keys show ${key} --json`)), id);
  });

  for (const [line, exit, err] of [
    ['keys', 2, /^Say what to do: sallyport keys create\|import\|list\|/],
    ['keys crate --name x', 2, /Did you mean "create"\?/],
    ['keys import --name x', 2, /^--value-stdin is missing/],
    ['keys create --name x --on-behalf-of x-user', 2, /^--on-behalf-of: Give header: and the name/],
    ['keys create --name x --on-behalf-of header:authorization', 2, /^--on-behalf-of: Give header: and the name/],
    ['keys create', 2, /^--name is missing/],
    ['keys create --name x --scope models:read', 2, /Did you mean --scopes\?/],
    [
      'keys create --name x --scopes models:raed',
      2,
      /^--scopes: There is no scope "models:raed"\. Did you mean models:read\?/,
    ],
    ['keys create --name x --scopes models:read,', 2, /^--scopes has an empty word/],
    ['keys create --name x --rpm many', 2, /^--rpm is a whole number, or none/],
    ['keys create --name x --rpm 0', 2, /^--rpm: /],
    ['keys create --name x --allow-ip home', 2, /^--allow-ip: /],
    ['keys create --name x --expires soon', 2, /^--expires: /],
    ['keys create --name x y', 2, /"y" is one word too many/],
    ['keys create --name x --tpm five', 2, /^--tpm is a whole number, or none/],
    [
      'keys create --name x --budget-tokens 5',
      2,
      /^--budget-tokens is a number of tokens in a time, such as 1000000\/day/,
    ],
    ['keys create --name x --cap n', 2, /^--cap n: give a cap with its number, such as --cap n=8/],
    ['keys create --name x --cap m=8', 2, /^--cap/],
    ['keys create --name x --grant fields:all', 2, /^--grant/],
    ['keys create --name x --tenant acme', 1, /^--tenant: .*sallyport tenants create acme$/m],
    ['keys edit', 2, /^Give one ID: /],
    ['keys edit Ab12Cd', 2, /^Nothing to change: /],
    ['keys edit Ab12Cd --rpm 5', 1, /^There is no API key with this id/],
    ['clients edit c_x', 2, /^Nothing to change: /],
    ['clients edit c_x --rpm 5', 1, /^There is no client with this id/],
    ['review --schedule hourly', 2, /^--schedule is one of: none, daily/],
    ['review --format pdf', 2, /^--format is one of: /],
    ['incident', 2, /^KEY\|IP\|REQUEST is missing/],
    ['incident Ab12Cd --format pdf', 2, /^--format is one of: text, json, html/],
    ['incident Ab12Cd --since never', 2, /^--since takes a time/],
    ['review --last', 1, /^There was no review yet/],
    ['keys show', 2, /^ID is missing: sallyport keys show ID/],
    ['keys show a b', 2, /"b" is one word too many/],
    ['keys revoke nothing', 1, /^There is no API key with this id\. See: sallyport keys list/],
    ['tenants create A', 2, /^--name: /],
    ['tenants create', 2, /^Give one name/],
    ['tenants show defualt', 1, /Did you mean default\?/],
    ['config chekc', 2, /Did you mean "check"\?/],
    ['routes all', 2, /"all" is one word too many/],
    ['advisories import', 2, /^FILE is missing: sallyport advisories import FILE/],
    ['advisories import nothing.json', 1, /^nothing\.json cannot be read as JSON/],
    ['advisories imprt', 2, /"imprt" is one word too many/],
    ['simulate --listen 8000', 2, /^--listen is HOST:PORT/],
    ['simulate --answer-tokens 0', 2, /^--answer-tokens is a whole number from 1 to /],
    ['upstreams', 1, /^No gateway runs on this state directory/],
  ] as const) {
    test(`${line}: exit ${exit}, nothing on stdout`, async () => {
      const ran = await sallyport(newDir(), line);
      assert.deepEqual([ran.exit, ran.out], [exit, ''], ran.err);
      assert.match(ran.err, err);
    });
  }
});

test('explain takes an address that is one, and calls any other wrong usage', async () => {
  const wrong = await sallyport(newDir(), 'explain --key Ab12cd --address localhost');
  assert.deepEqual([wrong.exit, wrong.out], [2, '']);
  assert.match(wrong.err, /^--address takes an IP address/);
  assert.equal((await sallyport(newDir(), 'explain --key Ab12cd --address 2001:db8::1')).exit, 1, 'no gateway runs');
});

test('tenants are created, listed, shown, disabled and enabled', async () => {
  const dir = newDir();
  assert.deepEqual(await sallyport(dir, 'tenants create acme --models a,b'), {
    exit: 0,
    out: 'created acme\n',
    err: '',
  });
  assert.match((await sallyport(dir, 'tenants show acme')).out, /^models +a,b$/m);
  assert.equal(JSON.parse((await sallyport(dir, 'tenants disable acme --json')).out).state, 'disabled');
  assert.equal((await sallyport(dir, 'tenants enable acme')).out, 'enabled acme\n');
  const list = JSON.parse((await sallyport(dir, 'tenants list --json')).out);
  assert.deepEqual(list.map(({ id }: { id: string }) => id).sort(), ['acme', 'default']);
  assert.equal((await sallyport(dir, 'tenants create acme')).exit, 1);
});

suite('with a running gateway', () => {
  test('a change goes through its socket and holds from the next request on', async () => {
    await using it = await startTestGateway({ workers: 2, plain: true });
    const made = await sallyport(it.stateDir, 'keys create --name live --json');
    const { id, key } = JSON.parse(made.out);
    const models = () => ask(it, { method: 'GET', path: '/v1/models', key });
    assert.equal((await models()).status, 200);
    await sallyport(it.stateDir, `keys revoke ${id}`);
    for (let i = 0; i < 8; i += 1) assert.equal((await models()).code, 'revoked_credential');
    assert.ok(it.log.some((line) => line.includes('"actor":"socket","action":"api-keys.revoke"')));
    const upstreams = await sallyport(it.stateDir, 'upstreams --json');
    assert.deepEqual(JSON.parse(upstreams.out)[0].models, ['tiny']);
    assert.match((await sallyport(it.stateDir, 'upstreams')).out, /^NAME .*\nsimulator +up /);
  });

  test('a state directory whose socket has a name over 107 bytes works, too', async () => {
    const dir = join(newDir(), 'x'.repeat(120));
    const loaded = loadConfig({
      env: {},
      overrides: { listen: { host: '127.0.0.1', port: 0, tls: { mode: 'off' } }, admin: { port: 0 }, workers: 1 },
    });
    assert.ok(loaded.ok);
    const none = () => undefined;
    const log = { info: none, warn: none, error: none, raw: none, dropped: () => 0, flush: none };
    const stateDir = openStateDir(dir);
    const gateway = await startGateway({ config: loaded.config, stateDir, log, logFormat: 'json' });
    const { exit, out } = await sallyport(dir, 'upstreams --json');
    await gateway.stop();
    assert.equal(exit, 0);
    assert.equal(JSON.parse(out)[0].name, 'main');
  });
});

suite('the state directory', () => {
  test('that another process holds is waited for', async () => {
    const dir = newDir();
    const lock = takeStateLock(openStateDir(dir).lock);
    const running = sallyport(dir, 'keys list --json');
    setImmediate(() => lock?.release());
    assert.equal((await running).exit, 0);
  });

  test('that another process holds for good is refused with the way out', async () => {
    const dir = newDir();
    const lock = takeStateLock(openStateDir(dir).lock);
    const flags = parseFlags(['--state-dir', dir], {});
    const io = { out: () => undefined, err: () => undefined, env: {}, isTerminal: false };
    await assert.rejects(
      withAdmin(flags, io, () => Promise.resolve(), 0),
      /Another process holds .*: wait until/,
    );
    lock?.release();
  });

  test('whose database is damaged is refused in one line with the way out', async () => {
    const dir = newDir();
    writeFileSync(join(dir, 'sallyport.db'), 'x'.repeat(4096));
    const { exit, out, err } = await sallyport(dir, 'keys list');
    assert.deepEqual([exit, out], [1, '']);
    assert.match(err, /^\S*sallyport\.db cannot be used \(.*\): .*restore it from a backup[^\n]*\n$/);
  });
});

suite('config', () => {
  const write = (text: string): string => {
    const file = join(newDir(), 'sallyport.yaml');
    writeFileSync(file, text);
    return file;
  };

  test('check tells all mistakes at once, exit 1', async () => {
    const file = write('listen: { port: 99999 }\nworkerz: 2\n');
    const { exit, out, err } = await sallyport(newDir(), `config check --config ${file}`);
    assert.deepEqual([exit, out], [1, '']);
    assert.match(err, /has 2 mistakes/);
    assert.match(err, /Did you mean workers\?/);
    const json = await sallyport(newDir(), `config check --config ${file} --json`);
    assert.equal(json.exit, 1);
    assert.deepEqual(JSON.parse(json.out).mistakes.length, 2);
  });

  test('check of a good file is exit 0, and print masks secrets', async () => {
    const file = write('upstreams: [{ name: main, url: "http://127.0.0.1:1", apiKey: abcdefgh }]\n');
    assert.equal((await sallyport(newDir(), `config check --config ${file}`)).exit, 0);
    const { out } = await sallyport(newDir(), `config print --config ${file} --json`);
    assert.equal(JSON.parse(out).upstreams[0].apiKey, '********');
    assert.match((await sallyport(newDir(), `config print --config ${file}`)).out, /^listen:\n/);
  });

  test('schema is the JSON Schema of the file', async () => {
    const { out } = await sallyport(newDir(), 'config schema');
    assert.ok(JSON.parse(out).properties.upstreams);
  });
});

suite('init', () => {
  test('--yes writes a configuration that is in order, and two keys that are shown once', async () => {
    const dir = newDir();
    const file = join(newDir(), 'sallyport.yaml');
    const line = `init --yes --config ${file} --upstream http://127.0.0.1:1234 --listen 127.0.0.1:8999 --json`;
    const { exit, out } = await sallyport(dir, line);
    assert.equal(exit, 0);
    const made = JSON.parse(out);
    assert.deepEqual([made.config, made.stateDir], [file, dir]);
    assert.match(made.key.key, API_KEY_PATTERN);
    assert.deepEqual(made.admin.scopes, ['admin:read', 'admin:write', 'audit:read', 'metrics:read']);
    const loaded = loadConfig({ file, env: {} });
    assert.ok(loaded.ok);
    assert.deepEqual([loaded.config.listen.port, loaded.config.upstreams[0]?.url], [8999, 'http://127.0.0.1:1234']);
    assert.equal(JSON.parse((await sallyport(dir, 'keys list --json')).out).length, 2);
  });

  test('everything that it writes as a comment is valid where it stands', async () => {
    const file = join(newDir(), 'sallyport.yaml');
    await sallyport(newDir(), `init --yes --config ${file}`);
    const lines = readFileSync(file, 'utf8').split('\n');
    // Uncommented: all but the sentences, which begin with a capital letter, and the certificate files, which do not exist.
    const text = lines
      .filter((line) => !/^ *# ([A-Z]|tls:|  (mode|certFile|keyFile))/.test(line))
      .map((line) => line.replace(/^( *)# /, '$1'))
      .join('\n');
    const loaded = loadConfig({ file: 'x.yaml', env: {}, files: { read: () => text, stat: () => undefined, uid: 0 } });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.equal(loaded.config.listen.publicUrl, 'https://llm.example.com');
  });

  test('never replaces a file without --force', async () => {
    const dir = newDir();
    const file = join(newDir(), 'sallyport.yaml');
    writeFileSync(file, 'workers: 3\n');
    const { exit, out, err } = await sallyport(dir, `init --yes --config ${file}`);
    assert.deepEqual([exit, out], [1, '']);
    assert.match(err, /is there already.*--force/);
    assert.equal(readFileSync(file, 'utf8'), 'workers: 3\n');
    assert.equal(existsSync(join(dir, 'sallyport.db')), false);
    assert.equal((await sallyport(dir, `init --yes --force --config ${file}`)).exit, 0);
    assert.notEqual(readFileSync(file, 'utf8'), 'workers: 3\n');
  });

  test('writes nothing where an answer is wrong', async () => {
    const file = join(newDir(), 'sallyport.yaml');
    const { exit, err } = await sallyport(newDir(), `init --yes --config ${file} --upstream ftp://x`);
    assert.equal(exit, 2);
    assert.match(err, /upstreams\[0\]\.url/);
    assert.equal(existsSync(file), false);
  });

  test('asks what no flag says, and takes an empty answer for the default', async () => {
    const file = join(newDir(), 'sallyport.yaml');
    const asked: string[] = [];
    const answers = ['http://127.0.0.1:7777', 'https://llm.example.org', '', '', 'mine'];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(answers.shift() ?? '');
    };
    const { out } = await sallyport(newDir(), `init --config ${file} --json`, { ask });
    assert.equal(asked.length, 6);
    assert.match(asked[2] ?? '', /\[acme\]/);
    assert.match(asked[3] ?? '', /\[0\.0\.0\.0:443\]/);
    assert.equal(JSON.parse(out).key.name, 'mine');
    const loaded = loadConfig({ file, env: {} });
    assert.ok(loaded.ok && loaded.config.upstreams[0]?.url === 'http://127.0.0.1:7777');
    assert.equal(loaded.config.listen.tls.mode, 'acme');
  });

  test('takes an identity provider that answers, says what its tokens need, and refuses one that is none', async () => {
    await using issuer = await startTestIssuer(() => '');
    const file = join(newDir(), 'sallyport.yaml');
    const line = `init --yes --config ${file} --public-url https://llm.example.org --issuer`;
    const wrong = await sallyport(newDir(), `${line} ${issuer.url}/realms/none`);
    assert.equal(wrong.exit, 1);
    assert.match(wrong.err, /The identity provider cannot be used: .*answered 404.*--issuer/);
    assert.ok(!existsSync(file));
    const { exit, out, err } = await sallyport(newDir(), `${line} ${issuer.url}`);
    assert.equal(exit, 0, err);
    assert.match(out, /aud +https:\/\/llm\.example\.org\n/);
    const loaded = loadConfig({ file, env: {} });
    assert.ok(loaded.ok && loaded.config.authentication.issuers[0]?.issuer === issuer.url);
  });

  test('asks a CA where a flag names one, on the port that the URL has', async () => {
    const file = join(newDir(), 'sallyport.yaml');
    const line = `init --yes --config ${file} --public-url https://llm.example.org --acme-email ops@example.org`;
    const { exit, out } = await sallyport(newDir(), `${line} --acme-challenge http-01`);
    assert.equal(exit, 0);
    assert.match(out, /DNS: llm\.example\.org leads to this machine/);
    assert.ok(!out.includes('\u001b'));
    const loaded = loadConfig({ file, env: {} });
    assert.ok(loaded.ok);
    const { port, tls } = loaded.config.listen;
    assert.deepEqual([port, tls.mode, tls.acme.email, tls.acme.challenge], [443, 'acme', 'ops@example.org', 'http-01']);
    // What it has as a comment is valid where it stands, too.
    const text = readFileSync(file, 'utf8').replace('# directory:', 'directory:');
    const files = { read: () => text, stat: () => undefined, uid: 0 };
    assert.ok(loadConfig({ file: 'x.yaml', env: {}, files }).ok);
  });

  test('colours its words on a terminal, and says the next commands with the id of the key', async () => {
    const line = `init --yes --config ${join(newDir(), 'sallyport.yaml')}`;
    const { out } = await sallyport(newDir(), line, { isTerminal: true });
    assert.match(out.replaceAll('\u001b', '^'), /\^\[36msallyport connect curl --key [0-9A-Za-z]{6} /);
  });

  for (const { name, flags, says } of [
    { name: 'a CA without a name to certify', flags: '--tls acme', says: /listen\.publicUrl/ },
    { name: 'a mode that it cannot write', flags: '--tls files', says: /self-signed or acme/ },
    { name: 'flags for a CA beside one of its own', flags: '--tls self-signed --acme-email a@b.c', says: /leave out/ },
  ]) {
    test(`refuses ${name}`, async () => {
      const file = join(newDir(), 'sallyport.yaml');
      const { exit, err } = await sallyport(newDir(), `init --yes --config ${file} ${flags}`);
      assert.equal(exit, 2);
      assert.match(err, says);
      assert.equal(existsSync(file), false);
    });
  }
});

test('routes --json lists every route with the fields of the contract', async () => {
  const all = JSON.parse((await sallyport(newDir(), 'routes --json')).out);
  assert.deepEqual(Object.keys(all[0]), ['id', 'methods', 'path', 'class', 'scope', 'open', 'openable', 'why']);
  assert.match(
    (await sallyport(newDir(), 'routes')).out,
    /^STATE +METHODS +PATH +CLASS +SCOPE +WHY\nopen +POST +\/v1\/chat/,
  );
});

test('simulate answers as vLLM does until it is told to stop', async () => {
  const started = Promise.withResolvers<string>();
  const line = 'simulate --listen 127.0.0.1:0 --model one two --answer-tokens 2 --chunk-interval-ms 0 --json';
  const running = sallyport(newDir(), line, { out: started.resolve });
  const { url, models } = JSON.parse(await started.promise);
  assert.deepEqual(models, ['one', 'two']);
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  assert.deepEqual(
    data.map(({ id }) => id),
    ['one', 'two'],
  );
  assert.equal((await fetch(`${url}/_simulator/requests`)).status, 200);
  process.emit('SIGTERM');
  assert.equal((await running).exit, 0);
});

suite('the process', () => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts', ...words], {
      encoding: 'utf8',
      env: { ...process.env, SALLYPORT_STATE_DIR: newDir() },
    });

  test('prints JSON on stdout, diagnostics on stderr, and exits with the code of the command', () => {
    const made = run('keys', 'create', '--name', 'x', '--json');
    assert.equal(made.status, 0);
    assert.match(JSON.parse(made.stdout).key, API_KEY_PATTERN);
    assert.match(made.stderr, /^Without --models/);
    const wrong = run('keys', 'crate', '--json');
    assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  });

  test('has a help with an example for each command, without colour', async () => {
    const { stdout, status } = run('keys', 'create', '--help');
    assert.equal(status, 0);
    assert.match(stdout, /^Example: sallyport keys create /m);
    for (const { name, help } of await loadAllCommands()) {
      assert.match(help, new RegExp(`^sallyport ${name}`));
      assert.match(help, /^Example: sallyport /m);
      assert.ok(!help.includes('\u001b'));
    }
  });
});

test('the launcher stays as long as what it started, passes TERM on, and gives back its exit code', async () => {
  const launcher = spawn('node', ['bin/sallyport.mjs', 'simulate', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(launcher.stdout, 'data');
  launcher.kill('SIGTERM');
  assert.deepEqual(await once(launcher, 'exit'), [0, null]);
});

suite('firewall', () => {
  const print = (form: string, env: Readonly<Record<string, string>>) =>
    sallyport(newDir(), `firewall print --${form}`, { env });
  for (const { form, port } of [
    { form: 'nft', port: '8000' },
    { form: 'iptables', port: '5557' },
    { form: 'ufw', port: '9443' },
  ]) {
    test(`print --${form} leaves out port ${port} where callers reach the gateway by it, and says so`, async () => {
      const env = { SALLYPORT__LISTEN__HOST: '203.0.113.5', SALLYPORT__LISTEN__PORT: port };
      const { exit, out, err } = await print(form, env);
      assert.equal(exit, 0, err);
      assert.doesNotMatch(out, new RegExp(`\\b${port}\\b`));
      assert.match(err, new RegExp(`^Port ${port} is listen\\.port, too`));
      const usual = await print(form, {});
      assert.match(usual.out, new RegExp(`\\b${port}\\b`));
      assert.equal(usual.err, '');
    });
  }
});

suite('doctor', () => {
  for (const { source, found } of [
    { source: 'auto', found: 'low' },
    { source: 'file:DIR/keys/mine', found: 'low' },
    { source: 'env:ROOT_KEY', found: undefined },
  ]) {
    test(`with keyring.rootKey: ${source} a root key beside the data is ${found ?? 'not found'}, and its mode counts`, async () => {
      const dir = newDir();
      mkdirSync(join(dir, 'keys'), { recursive: true });
      for (const name of ['root.key', 'mine']) writeFileSync(join(dir, 'keys', name), '', { mode: 0o600 });
      chmodSync(join(dir, 'keys', 'root.key'), 0o640);
      const env = { SALLYPORT_STATE_DIR: dir, SALLYPORT__KEYRING__ROOT_KEY: source.replace('DIR', dir) };
      const { out } = await sallyport(dir, 'doctor --json', { env });
      const { findings } = JSON.parse(out) as { findings: { id: string; severity: string; what: string }[] };
      assert.equal(findings.find(({ id }) => id === 'root_key_beside_data')?.severity, found);
      assert.ok(findings.some(({ id, what }) => id === 'file_open_to_others' && what.includes('keys/root.key')));
    });
  }

  for (const { text, isFound } of [
    { text: 'upstreams:\n  - name: main\n    apiKey: a-secret', isFound: true },
    { text: 'upstreams: [{ name: main, apiKey: a-secret }]', isFound: true },
    { text: 'upstreams: [{ name: main, "apiKey": "a-secret" }]', isFound: true },
    { text: 'upstreams: [{ name: main, apiKey: "${env:NONE:-}" }]', isFound: false },
    { text: 'upstreams: [{ name: main, apiKey: "" }] # apiKey: a-secret', isFound: false },
  ]) {
    test(`a configuration that others can read is ${isFound ? '' : 'not '}told of for: ${JSON.stringify(text)}`, async () => {
      const dir = newDir();
      const file = join(dir, 'sallyport.yaml');
      writeFileSync(file, `listen: { port: 0 }\n${text}\n`, { mode: 0o644 });
      const { out } = await sallyport(dir, `doctor --json --config ${file}`);
      const { findings } = JSON.parse(out) as { findings: { id: string; what: string }[] };
      assert.equal(
        findings.some(({ id, what }) => id === 'file_open_to_others' && what.startsWith(file)),
        isFound,
      );
    });
  }
});
