import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { loadConfig, renderMistakes, type Mistake } from './load.ts';
import type { ConfigFiles, FileFacts } from './named-files.ts';
import { printConfig } from './print.ts';
import { publicUrlOf, type Config } from './schema.ts';

const SECRET = 'sk-very-secret-value';
const DEFAULTS = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'defaults.fixture.yaml'), 'utf8');

interface Setting {
  yaml?: string;
  env?: Record<string, string>;
  overrides?: object;
  /** Other files by absolute path: text and facts. */
  files?: Record<string, { text: string } & Partial<FileFacts>>;
}

function load({ yaml, env = {}, overrides = {}, files = {} }: Setting = {}) {
  const all: NonNullable<Setting['files']> = {
    ...files,
    ...(yaml === undefined ? {} : { '/etc/sallyport/sallyport.yaml': { text: yaml } }),
  };
  const system: ConfigFiles = {
    read: (file) => all[file]?.text,
    stat: (file) => (all[file] === undefined ? undefined : { isFile: true, mode: 0o600, uid: 1000, ...all[file] }),
    uid: 1000,
  };
  const file = yaml === undefined ? undefined : '/etc/sallyport/sallyport.yaml';
  return loadConfig({ file, env, overrides, files: system });
}

function configOf(setting?: Setting): Config {
  const loaded = load(setting);
  return loaded.ok ? loaded.config : assert.fail(renderMistakes(loaded.mistakes));
}

function mistakesOf(setting: Setting): readonly Mistake[] {
  const loaded = load(setting);
  return loaded.ok ? assert.fail('it was accepted') : loaded.mistakes;
}

const onlyMistake = (setting: Setting): Mistake => {
  const mistakes = mistakesOf(setting);
  assert.equal(mistakes.length, 1, renderMistakes(mistakes));
  return mistakes[0] ?? assert.fail();
};

test('no file, an empty file, empty sections and every default written out are the same', () => {
  const config = configOf();
  for (const yaml of ['', '# nothing\n', 'listen:\nupstreams:\n', DEFAULTS])
    assert.deepEqual(configOf({ yaml }), config);
});

test('durations come out as milliseconds in names that end in Ms, sizes as bytes', () => {
  const { listen, shutdown, upstreams, validation } = configOf();
  assert.deepEqual(listen.timeouts, { headMs: 10_000, bodyMs: 30_000, idleMs: 60_000, writeMs: 60_000 });
  assert.deepEqual(upstreams[0]?.timeouts, {
    connectMs: 5000,
    firstByteMs: 300_000,
    betweenChunksMs: 300_000,
    totalMs: 1_800_000,
  });
  assert.deepEqual([listen.sseKeepAliveMs, shutdown.graceMs], [15_000, 30_000]);
  assert.deepEqual(
    [listen.minBodyRate, listen.maxHeadBytes, listen.maxBufferedBytes, validation.maxBodyBytes],
    [1024, 16_384, 268_435_456, 8_388_608],
  );
});

test('the command line wins over the environment, and that over the file', () => {
  const yaml = 'listen: { port: 1, host: 127.0.0.1, maxHeaders: 99 }';
  const env = { SALLYPORT__LISTEN__PORT: '2', SALLYPORT__LISTEN__MAX_HEADERS: '88' };
  const { listen } = configOf({ yaml, env, overrides: { listen: { port: 3, host: undefined } } });
  assert.deepEqual([listen.port, listen.maxHeaders, listen.host], [3, 88, '127.0.0.1']);
});

test('a list on the command line replaces the list, so that no key goes to an upstream it was not meant for', () => {
  const yaml = `upstreams: [{ name: a, url: "https://a", apiKey: ${SECRET} }]`;
  const { upstreams } = configOf({ yaml, overrides: { upstreams: [{ url: 'https://b' }] } });
  assert.deepEqual(
    upstreams.map(({ name, url, apiKey }) => [name, url, apiKey]),
    [['main', 'https://b', undefined]],
  );
});

test('list items go by number in the environment, beside those of the file', () => {
  const env = {
    SALLYPORT__UPSTREAMS__1__NAME: 'b',
    SALLYPORT__UPSTREAMS__0__URL: 'https://x',
    SALLYPORT__UPSTREAMS__1__MODELS: '[m, n]',
  };
  const { upstreams } = configOf({ yaml: 'upstreams: [{ name: a }]', env });
  assert.deepEqual(
    upstreams.map(({ name, url, models }) => [name, url, models]),
    [
      ['a', 'https://x', ['*']],
      ['b', 'http://127.0.0.1:8000', ['m', 'n']],
    ],
  );
});

test('a text option takes the characters of its variable, whatever they would be in YAML', () => {
  for (const value of ['0123', '1e5', 'true', '@x', '%x', '"quoted"x', '*alias', '[', SECRET])
    assert.equal(configOf({ env: { SALLYPORT__UPSTREAMS__0__API_KEY: value } }).upstreams[0]?.apiKey, value);
});

test('an empty variable is as good as none', () => {
  assert.equal(configOf({ env: { SALLYPORT__LISTEN__PUBLIC_URL: '', SALLYPORT__LISTEN__PORT: '' } }).listen.port, 8443);
});

test('every upstream without a key of its own gets VLLM_API_KEY', () => {
  const yaml = 'upstreams: [{ name: a }, { name: b, apiKey: own }, { name: c, apiKey: "" }]';
  const { upstreams } = configOf({ yaml, env: { VLLM_API_KEY: SECRET } });
  assert.deepEqual(
    upstreams.map((one) => one.apiKey),
    [SECRET, 'own', undefined],
  );
  assert.equal(configOf({ env: { VLLM_API_KEY: SECRET } }).upstreams[0]?.apiKey, SECRET);
});

test('references are replaced inside texts, once, and take the type of their option', () => {
  const env = { HOST: '127.0.0.1', PORT: '9000', EMPTY: '', LOOP: '${env:HOST}', ON: 'false' };
  const yaml = `
listen: { host: "\${env:HOST}", port: "\${env:PORT}", publicUrl: "https://\${env:NAME:-llm}.example.org:\${env:PORT}" }
authentication: { apiKeys: { enabled: "\${env:ON}" } }
upstreams: [{ apiKey: "\${env:EMPTY:-d}\${file:key}\${file:/abs/key}", models: ["\${env:LOOP}"] }]`;
  const files = { '/etc/sallyport/key': { text: 'one\n\n' }, '/abs/key': { text: 'two\r\n' } };
  const mistake = onlyMistake({ yaml, env, files });
  assert.deepEqual(
    [mistake.path, mistake.hint],
    ['upstreams[0].apiKey', 'Give a key of visible ASCII characters.'],
    'one newline goes',
  );

  const loaded = load({ yaml, env, files: { ...files, '/etc/sallyport/key': { text: 'one\n' } } });
  assert.ok(loaded.ok);
  assert.equal(loaded.config.upstreams[0]?.apiKey, 'donetwo');
  assert.deepEqual([loaded.config.listen.port, loaded.config.authentication.apiKeys.enabled], [9000, false]);
  assert.equal(loaded.config.listen.publicUrl, 'https://llm.example.org:9000');
  assert.deepEqual(loaded.config.upstreams[0]?.models, ['${env:HOST}'], 'what came in is not looked at again');
  assert.deepEqual(loaded.filesNamed, ['/etc/sallyport/sallyport.yaml', '/etc/sallyport/key', '/abs/key']);
});

for (const [value, found] of [
  ['${env:NOT_SET}', '${env:NOT_SET} is not set'],
  ['${file:none}', '/etc/sallyport/none cannot be read'],
  ['${vault:x}', 'a reference that is not known'],
  ['${env:}', 'a reference that is not known'],
] as const)
  test(`the reference ${value} is a mistake, said once, with where it stands`, () => {
    const mistake = onlyMistake({ yaml: `admin: {}\nlisten: { publicUrl: "${value}" }` });
    assert.deepEqual([mistake.path, mistake.found, mistake.from], ['listen.publicUrl', found, 'sallyport.yaml:2']);
  });

test('file names start from the directory of the configuration, and are named for the sandbox', () => {
  const yaml = 'listen: { tls: { mode: files, certFile: tls/cert.pem, keyFile: /keys/key.pem } }';
  const files = { '/etc/sallyport/tls/cert.pem': { text: 'c', mode: 0o644, uid: 7 }, '/keys/key.pem': { text: 'k' } };
  const loaded = load({ yaml, files });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.filesNamed, [
    '/etc/sallyport/sallyport.yaml',
    '/etc/sallyport/tls/cert.pem',
    '/keys/key.pem',
  ]);
  assert.equal(loaded.config.listen.tls.certFile, '/etc/sallyport/tls/cert.pem');
});

const withKey = (facts: Partial<FileFacts>): Setting => ({
  yaml: 'listen: { tls: { mode: files, certFile: c, keyFile: k } }',
  files: { '/etc/sallyport/c': { text: 'c' }, '/etc/sallyport/k': { text: 'k', ...facts } },
});
for (const mode of [0o400, 0o600, 0o700])
  test(`a secret file may have mode ${mode.toString(8)}`, () => void configOf(withKey({ mode })));
for (const mode of [0o640, 0o604, 0o620, 0o601])
  test(`a secret file must not have mode ${mode.toString(8)}`, () => {
    const { path, hint } = onlyMistake(withKey({ mode }));
    assert.deepEqual([path, hint], ['listen.tls.keyFile', 'Others can read this secret: chmod 600 /etc/sallyport/k']);
  });
test('a secret file belongs to this user or root', () => {
  configOf(withKey({ uid: 0 }));
  assert.match(onlyMistake(withKey({ uid: 1001 })).hint, /chown 1000 \/etc\/sallyport\/k/);
});
for (const mode of [0o440, 0o640])
  test(`a secret file of root may have mode ${mode.toString(8)}: a group was let in on purpose`, () => {
    configOf(withKey({ mode, uid: 0 }));
  });
for (const mode of [0o444, 0o660, 0o604])
  test(`a secret file of root must not have mode ${mode.toString(8)}`, () => {
    assert.match(onlyMistake(withKey({ mode, uid: 0 })).hint, /Others can read this secret/);
  });
test('a secret by reference is held to the same', () => {
  const yaml = 'upstreams: [{ apiKey: "${file:k}" }]';
  const files = { '/etc/sallyport/k': { text: SECRET, mode: 0o644 } };
  assert.match(onlyMistake({ yaml, files }).hint, /chmod 600/);
  configOf({ yaml: 'upstreams: [{ name: "${file:k}" }]', files });
});
test('a file that is absent, or a directory, is a mistake', () => {
  const yaml = 'upstreams: [{ url: "https://x", tls: { caFile: /ca } }]';
  assert.match(onlyMistake({ yaml }).found, /no such file/);
  assert.match(onlyMistake({ yaml, files: { '/ca': { text: '', isFile: false } } }).found, /no file/);
});

test('all mistakes come at once, each with path, hint and who said it', () => {
  const yaml = `
listen:
  prot: 1
  timeouts: { head: 10 }
upstreams:
  - { name: a, url: "http://10.0.0.1:8000" }
  - { name: a, url: "ftp://x" }
dlp: { rules: [1] }
maxBodyBytes: 3
`;
  const env = { SALLYPORT__WORKERS: '65', SALLYPORT__LISTEN__PUBLIC_URI: 'x', SALLYPORT__lower: '1' };
  const mistakes = mistakesOf({ yaml, env, overrides: { admin: { port: 70_000 } } });
  const said = mistakes.map(({ path, from }) => `${path} ${from ?? '-'}`).sort();
  assert.deepEqual(said, [
    'SALLYPORT__lower -',
    'admin.port command line',
    'dlp.rules[0] sallyport.yaml:8',
    'listen.prot sallyport.yaml:3',
    'listen.publicUri SALLYPORT__LISTEN__PUBLIC_URI',
    'listen.timeouts.head sallyport.yaml:4',
    'maxBodyBytes sallyport.yaml:9',
    'upstreams[0].url sallyport.yaml:6',
    'upstreams[1].name sallyport.yaml:7',
    'upstreams[1].url sallyport.yaml:7',
    'workers SALLYPORT__WORKERS',
  ]);
});

for (const [setting, hint] of [
  [{ yaml: 'listen: { prot: 1 }' }, 'Did you mean listen.port?'],
  [{ yaml: 'listen: { max_headers: 1 }' }, 'Did you mean listen.maxHeaders?'],
  [{ yaml: 'upstream: []' }, 'Did you mean upstreams?'],
  [{ yaml: 'upstreams: [{ ulr: x }]' }, 'Did you mean upstreams[0].url?'],
  [{ yaml: 'maxBodyBytes: 1MiB' }, 'It belongs at validation.maxBodyBytes.'],
  [{ yaml: 'apiKey: x' }, 'It belongs at upstreams[0].apiKey.'],
  [{ yaml: 'admin: { zzzzzzzz: 1 }' }, 'Remove it, or give one of: host, port.'],
  [{ yaml: 'models: { aliases: { a: b, b: c } }' }, 'b is an alias itself: give the name that vLLM serves.'],
  [{ yaml: 'models: { aliases: { a: a } }' }, 'a is an alias itself: give the name that vLLM serves.'],
  [{ yaml: '__proto__: { listen: 1 }' }, /^Remove it/],
  [{ env: { SALLYPORT__LISTEN__PROT: '1' } }, 'Did you mean SALLYPORT__LISTEN__PORT?'],
  [{ env: { SALLYPORT__UPSTREAMS__0__API_KEI: SECRET } }, 'Did you mean SALLYPORT__UPSTREAMS__0__API_KEY?'],
  [{ env: { SALLYPORT__UPSTREAMS__1__URL: 'https://x' } }, /without gaps/],
  [{ overrides: { listen: { prot: 1 } } }, 'Did you mean listen.port?'],
] as const)
  test(`${JSON.stringify(setting)} is answered with ${String(hint)}`, () => {
    const mistake = onlyMistake(setting);
    if (typeof hint === 'string') assert.equal(mistake.hint, hint);
    else assert.match(mistake.hint, hint);
  });

for (const [yaml, at] of [
  ['listen: { port: 1, port: 2 }', ':1:'],
  ['listen:\n  port: 1\nlisten: {}\n', ':3:'],
  [`upstreams:\n  - apiKey: "${SECRET}\n`, ':'],
  ['a: [', ':'],
  ['listen:\n\tport: 1', ':2:'],
  ['a: *b', ':1:'],
  ['a: !secret x', ':1:'],
  ['a: 1\n---\nb: 2', ':'],
] as const)
  test(`the broken YAML ${JSON.stringify(yaml)} is answered with its place and nothing of its text`, () => {
    const mistakes = mistakesOf({ yaml });
    assert.ok(mistakes[0]?.path.startsWith(`sallyport.yaml${at}`));
    assert.ok(!renderMistakes(mistakes).includes(SECRET));
  });

test('a text or list in place of the whole is a mistake', () => {
  for (const yaml of ['hello', '[1]', '8']) assert.equal(onlyMistake({ yaml }).found, 'no map of options');
});

test('aliases that grow without bound are refused', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`);
  assert.equal(onlyMistake({ yaml: `a0: &a0 [x]\n${levels.join('\n')}` }).found, 'too many aliases');
});

test('a configuration file that cannot be read is one mistake', () => {
  const loaded = loadConfig({
    file: '/none.yaml',
    env: {},
    files: { read: () => undefined, stat: () => undefined, uid: 0 },
  });
  assert.ok(!loaded.ok && loaded.mistakes.length === 1 && loaded.mistakes[0]?.path === '/none.yaml');
});

for (const setting of [
  { yaml: `upstreams: [{ apiKey: { a: ${SECRET} } }]` },
  { yaml: `upstreams: [{ apiKey: ["${SECRET}"] }]` },
  { yaml: `upstreams: [{ apiKey: "${SECRET} x" }]` },
  { yaml: `upstreams: [{ apiKei: ${SECRET} }]` },
  { yaml: `upstreams: [{ url: "https://u:${SECRET}@x" }]` },
  { yaml: 'listen: { host: "${env:S} x" }', env: { S: SECRET } },
  { yaml: 'listen: { publicUrl: "${file:s}" }', files: { '/etc/sallyport/s': { text: SECRET } } },
  { yaml: 'network: { deny: ["${env:S}"] }', env: { S: SECRET } },
  { env: { SALLYPORT__UPSTREAMS__0__API_KEY: `${SECRET}\u0000` } },
  { yaml: `authorizationServer: { federation: { clientSecret: ${SECRET} } }` },
] as Setting[])
  test(`no mistake repeats the secret in ${JSON.stringify(setting)}`, () => {
    const mistakes = mistakesOf(setting);
    assert.ok(mistakes.length > 0 && !JSON.stringify(mistakes).includes(SECRET), renderMistakes(mistakes));
  });

test('a mistake cannot act on the terminal that shows it', () => {
  const text = renderMistakes(mistakesOf({ yaml: '"a\\e[2Jb\\u202e": 1\nlisten: { host: "\\e]0;x\\a" }' }));
  assert.doesNotMatch(text, /(?!\n)[\p{Cc}\u202e]/u);
});

test('the printed configuration has no secret, and read again is the same', () => {
  const yaml = `
listen: { port: 1, timeouts: { head: 250ms }, maxHeadBytes: 20000, hosts: [A.example] }
upstreams: [{ apiKey: ${SECRET}, url: "unix:/run/vllm.sock" }, { name: b }]
limits: { default: { concurrency: none } }`;
  const config = configOf({ yaml });
  const printed = printConfig(config);
  assert.ok(!printed.includes(SECRET));
  assert.match(printed, /apiKey: "\*{8}"/);
  assert.deepEqual(configOf({ yaml: printed.replace('"********"', SECRET) }), config);
});

test('headers for a collector are secrets, whatever their names', () => {
  const otlp = (headers: string) => `telemetry: { otlp: { endpoint: "https://c", headers: { ${headers} } } }`;
  const config = configOf({ yaml: otlp(`authorization: "Bearer ${SECRET}", x-tenant: ${SECRET}`) });
  assert.equal(config.telemetry.otlp?.headers['x-tenant'], SECRET);
  const printed = printConfig(config);
  assert.ok(!printed.includes(SECRET));
  assert.match(printed, /x-tenant: "\*{8}"/);
  for (const wrong of [`host: ${SECRET}`, `"a b": ${SECRET}`, `x: "${SECRET}\\n"`, `x: [${SECRET}]`]) {
    const mistakes = mistakesOf({ yaml: otlp(wrong) });
    assert.ok(mistakes.length > 0 && !JSON.stringify(mistakes).includes(SECRET), renderMistakes(mistakes));
  }
});

test('the password of a URL is printed nowhere, and what stands around it is', () => {
  const url = `valkeys://gateway:${SECRET}@valkey-1:6380/2`;
  const printed = printConfig(configOf({ yaml: `counters: { url: "${url}" }` }));
  assert.ok(!printed.includes(SECRET));
  assert.ok(printed.includes('valkeys://gateway:********@valkey-1:6380/2'), printed);
  const byReference = configOf({ yaml: 'counters: { url: "rediss://:${env:S}@v" }', env: { S: SECRET } });
  assert.equal(byReference.counters.url, `rediss://:${SECRET}@v`);
  assert.ok(!printConfig(byReference).includes(SECRET));
  const wrong = mistakesOf({ yaml: `counters: { url: "redis://u:${SECRET}@valkey-1/x" }` });
  assert.ok(wrong.length === 1 && !renderMistakes(wrong).includes(SECRET));
});

test('the configuration is frozen at every depth and can cross threads', () => {
  const config = configOf();
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.listen.timeouts) && Object.isFrozen(config.upstreams[0]));
  assert.deepEqual(structuredClone(config), config);
});

for (const [listen, url] of [
  [{}, 'https://localhost:8443'],
  [{ host: '::' }, 'https://localhost:8443'],
  [{ host: '192.0.2.1' }, 'https://192.0.2.1:8443'],
  [{ host: '2001:db8::1' }, 'https://[2001:db8::1]:8443'],
  [{ host: 'llm.internal' }, 'https://llm.internal:8443'],
  [{ publicUrl: 'https://LLM.example.org/' }, 'https://llm.example.org'],
  [{ publicUrl: 'http://localhost:1' }, 'http://localhost:1'],
] as const)
  test(`the public URL of ${JSON.stringify(listen)} is ${url}`, () => {
    assert.equal(publicUrlOf(configOf({ overrides: { listen } }), 8443), url);
  });

test('no input makes the loader throw', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('${env:A}', '${file:x}', '30s', null, undefined, []));
  const section = fc.constantFrom('listen', 'upstreams', 'limits', 'dlp', 'workers', 'validation', 'x', '__proto__');
  const env = fc.dictionary(
    fc.stringMatching(/^SALLYPORT__(LISTEN|UPSTREAMS|LIMITS|X)(__([A-Z]{1,4}|[0-9]|PORT|URL)){0,2}$/),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.string(), env, fc.dictionary(section, value), (yaml, variables, overrides) => {
      const loaded = load({ yaml, env: variables, overrides });
      assert.ok(loaded.ok || loaded.mistakes.length > 0);
    }),
    { numRuns: 200 },
  );
});

suite('keyring.rootKey', () => {
  const secret = Buffer.alloc(32, 0xa7).toString('base64');
  for (const source of ['auto', 'env:ROOT_KEY', 'credential:root.key', 'passphrase:env:P', 'passphrase:credential:p'])
    test(`${source} is a source, and is printed as it is`, () => {
      const config = configOf({ yaml: `keyring: { rootKey: "${source}" }` });
      assert.equal(config.keyring.rootKey, source);
      assert.ok(printConfig(config).includes(`rootKey: ${source}`));
    });

  for (const word of ['file:', 'passphrase:file:'])
    test(`the path behind ${word} starts from the directory of the configuration, and may hold any bytes`, () => {
      const yaml = `keyring: { rootKey: "${word}root.key" }`;
      const key = { text: '\0', mode: 0o600 };
      const loaded = load({ yaml, files: { '/etc/sallyport/root.key': key } });
      assert.ok(loaded.ok);
      assert.equal(loaded.config.keyring.rootKey, `${word}/etc/sallyport/root.key`);
      assert.ok(loaded.filesNamed.includes('/etc/sallyport/root.key'));
      assert.match(onlyMistake({ yaml }).found, /no such file/);
      const open = onlyMistake({ yaml, files: { '/etc/sallyport/root.key': { ...key, mode: 0o640 } } });
      assert.match(open.hint, /chmod 600/);
    });

  test("a credential of systemd's folder must be there", () => {
    const setting = { yaml: 'keyring: { rootKey: "credential:root" }', env: { CREDENTIALS_DIRECTORY: '/run/c' } };
    assert.equal(onlyMistake(setting).path, 'keyring.rootKey');
    const loaded = load({ ...setting, files: { '/run/c/root': { text: 'x', mode: 0o440, uid: 0 } } });
    assert.ok(loaded.ok && loaded.filesNamed.includes('/run/c/root'));
  });

  for (const wrong of [
    secret,
    'correct horse battery staple',
    'passphrase:correct horse battery staple',
    'passphrase:auto',
    'passphrase:',
    'passphrase:passphrase:env:P',
    'env:',
    'env:NOT-A-NAME',
    'env:$X',
    'credential:../root.key',
    'credential:..',
    'credential:a/b',
    'file:',
    'vault:x',
    'Auto',
  ])
    test(`${JSON.stringify(wrong)} is none: what stands there is not shown, for it may be the secret`, () => {
      const mistake = onlyMistake({ yaml: `keyring: { rootKey: ${JSON.stringify(wrong)} }` });
      assert.equal(mistake.path, 'keyring.rootKey');
      assert.match(mistake.hint, /Give auto, file:PATH, env:NAME/);
      assert.ok(!JSON.stringify(mistake).includes(secret) && !JSON.stringify(mistake).includes('horse'));
    });
});
