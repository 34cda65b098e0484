import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { pathText } from './mistake.ts';
import { printConfig } from './print.ts';

const files = {
  read: () => 'text',
  stat: () => ({ isFile: true, mode: 0o600, uid: 0 }),
  uid: 0,
};

/** Paths of the mistakes that options on their defaults make together with these. */
function mistaken(overrides: object): string[] {
  const loaded = loadConfig({ env: {}, overrides, files });
  return loaded.ok ? [] : loaded.mistakes.map((one) => one.path);
}

const off = (listen: object, more: object = {}) => ({ listen: { ...listen, tls: { mode: 'off' } }, ...more });
const acme = (options: object, listen: object = {}) => ({
  listen: { ...listen, tls: { mode: 'acme', acme: options } },
});
const mtls = (options: object, listen: object = {}) => ({ listen, authentication: { mtls: options } });
const bans = (options: object) => ({ network: { bans: options } });
const upstream = (options: object) => ({ upstreams: [options] });

for (const [name, overrides, paths] of [
  ['TLS off on all addresses is a mistake', off({}), ['listen.tls.mode']],
  ['TLS off on a foreign address is a mistake', off({ host: '192.0.2.1' }), ['listen.tls.mode']],
  ['TLS off on 127.0.0.1 is accepted', off({ host: '127.0.0.1' }), []],
  ['TLS off on ::1 is accepted', off({ host: '::1' }), []],
  ['TLS off on localhost is accepted', off({ host: 'localhost' }), []],
  [
    'TLS off on a name that only begins like localhost is a mistake',
    off({ host: 'localhost.example' }),
    ['listen.tls.mode'],
  ],
  ['TLS off behind a trusted proxy is accepted', off({ trustedProxies: ['10.0.0.0/8'] }), []],
  [
    'TLS off with an admin listener for all is a mistake, trusted proxy or not',
    off({ trustedProxies: ['10.0.0.0/8'] }, { admin: { host: '0.0.0.0' } }),
    ['listen.tls.mode'],
  ],
  [
    'certificate files without their mode are mistakes',
    { listen: { tls: { certFile: 'c', keyFile: 'k' } } },
    ['listen.tls.certFile', 'listen.tls.keyFile'],
  ],
  [
    'the mode files without files is a mistake for each',
    { listen: { tls: { mode: 'files' } } },
    ['listen.tls.certFile', 'listen.tls.keyFile'],
  ],
  [
    'the mode files with both files is accepted',
    { listen: { tls: { mode: 'files', certFile: 'c', keyFile: 'k' } } },
    [],
  ],
  ['ACME without a name is a mistake', acme({}), ['listen.tls.acme.names']],
  ['ACME for an address is a mistake', acme({}, { publicUrl: 'https://192.0.2.1' }), ['listen.tls.acme.names']],
  ['ACME for localhost is a mistake', acme({}, { publicUrl: 'https://localhost' }), ['listen.tls.acme.names']],
  ['ACME for the host of the public URL is accepted', acme({}, { publicUrl: 'https://llm.example.org:8443' }), []],
  ['ACME for listed names is accepted', acme({ names: ['llm.example.org', 'api.example.org'] }), []],
  ['a wildcard without dns-01 is a mistake', acme({ names: ['*.example.org'] }), ['listen.tls.acme.challenge']],
  [
    'dns-01 without a hook is a mistake',
    acme({ names: ['*.example.org'], challenge: 'dns-01' }),
    ['listen.tls.acme.hook'],
  ],
  [
    'dns-01 with a folder for its records is accepted',
    acme({ names: ['*.example.org'], challenge: 'dns-01', hook: 'drop:/var/lib/records' }),
    [],
  ],
  [
    'names that no CA certifies, a directory in the clear and a hook by a relative path are mistakes',
    acme(
      { names: ['llm'], directory: 'http://ca.example.org/dir', hook: 'hook.sh' },
      { publicUrl: 'https://llm.example.org' },
    ),
    ['listen.tls.acme.directory', 'listen.tls.acme.names[0]', 'listen.tls.acme.hook'],
  ],
  ['options of ACME in another mode do no harm', { listen: { tls: { acme: { challenge: 'dns-01' } } } }, []],
  [
    'proxies that are all the world are mistakes',
    { listen: { trustedProxies: ['10.0.0.0/8', '0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96'] } },
    [1, 2, 3].map((index) => `listen.trustedProxies[${index}]`),
  ],
  ['counters on this machine need no TLS', { counters: { url: 'redis://127.0.0.1:6379' } }, []],
  ['counters on another machine by TLS are accepted', { counters: { url: 'valkeys://u:p@valkey-1/3' } }, []],
  [
    'counters on another machine in the clear are a mistake',
    { counters: { url: 'valkey://valkey-1' } },
    ['counters.url'],
  ],
  [
    'counters on another machine in the clear are accepted where that is said',
    { counters: { url: 'redis://valkey-1', plaintext: 'accepted' } },
    [],
  ],
  ...['http://valkey-1', 'redis:', 'redis://v/x', 'redis://v/1?db=2', 'redis://v/#a', 'postgres://v', ''].map(
    (url) => [`counters at "${url}" are a mistake`, { counters: { url } }, ['counters.url']] as const,
  ),
  ['the PROXY header without a proxy is a mistake', { listen: { proxyProtocol: 'v2' } }, ['listen.proxyProtocol']],
  [
    'the PROXY header of a trusted proxy is accepted',
    { listen: { proxyProtocol: 'v1', trustedProxies: ['10.0.0.7'] } },
    [],
  ],
  [
    'required client certificates without their CA are a mistake',
    mtls({ required: true }),
    ['authentication.mtls.required'],
  ],
  [
    'certificates for principals without their CA are a mistake',
    mtls({ principals: [{ san: 'a.example.org', key: 'abcdef' }] }),
    ['authentication.mtls.principals'],
  ],
  [
    'certificates for principals with their CA are accepted',
    mtls({ required: true, principals: [{ subject: 'a', key: 'abcdef' }] }, { tls: { clientCaFile: 'ca.pem' } }),
    [],
  ],
  [
    'a principal by both names, by none, and with a key that is none are mistakes',
    mtls(
      { principals: [{ san: 'a', subject: 'a', key: 'abcdef' }, { key: 'abcdef' }, { san: 'a', key: 'sp_abc' }] },
      { tls: { clientCaFile: 'ca.pem' } },
    ),
    [0, 1].map((i) => `authentication.mtls.principals[${i}]`).concat('authentication.mtls.principals[2].key'),
  ],
  [
    'a client CA without TLS is a mistake',
    mtls({}, { host: '127.0.0.1', tls: { mode: 'off', clientCaFile: 'ca.pem' } }),
    ['listen.tls.clientCaFile'],
  ],
  [
    'a first ban that is longer than the longest is a mistake',
    { network: { bans: { first: '2h' } } },
    ['network.bans.first'],
  ],
  ['bans that are all of one length are accepted', { network: { bans: { first: '1h', max: '1h' } } }, []],
  [
    'bans that are off, with a network that is never banned, are accepted',
    bans({ enabled: false, allow: ['10.0.0.0/8'] }),
    [],
  ],
  [
    'bans of no time, of longer than a month, and networks that are none are mistakes',
    bans({ first: '0s', max: '31d', allow: ['10.0.0.1/8', 'office'] }),
    ['network.bans.first', 'network.bans.max', 'network.bans.allow[0]', 'network.bans.allow[1]'],
  ],
  ['a ban of a second is accepted', bans({ first: '1s', max: '30d' }), []],
  ['a first ban of more than a day is a mistake', bans({ first: '2d', max: '3d' }), ['network.bans.first']],
  ['one port for both listeners is a mistake', { listen: { port: 9443 } }, ['admin.port']],
  ['one port on two addresses is accepted', { listen: { host: '192.0.2.1', port: 9443 } }, []],
  ['port 0 for both is accepted', { listen: { port: 0 }, admin: { port: 0 } }, []],
  ['open metrics on loopback are accepted', { telemetry: { prometheus: 'open' } }, []],
  [
    'open metrics elsewhere are a mistake',
    { telemetry: { prometheus: 'open' }, admin: { host: '10.0.0.1' } },
    ['telemetry.prometheus'],
  ],
  [
    'less memory for bodies than one body is a mistake',
    { listen: { maxBufferedBytes: '8388607' } },
    ['listen.maxBufferedBytes'],
  ],
  ['memory for just one body is accepted', { listen: { maxBufferedBytes: '8MiB' } }, []],
  ['two upstreams of one name are a mistake', { upstreams: [{}, {}] }, ['upstreams[1].name']],
  ['two upstreams of two names are accepted', { upstreams: [{}, { name: 'b' }] }, []],
  ['no upstream is a mistake', { upstreams: [] }, ['upstreams']],
  ['an upstream over https is accepted', upstream({ url: 'https://gpu-1:8000/' }), []],
  ['an upstream on a Unix socket is accepted', upstream({ url: 'unix:/run/vllm.sock' }), []],
  ['an upstream over http on 127.0.0.2 is accepted', upstream({ url: 'http://127.0.0.2:1' }), []],
  ['an upstream over http on [::1] is accepted', upstream({ url: 'http://[::1]:1' }), []],
  ['BR-08 an upstream over http elsewhere is a mistake', upstream({ url: 'http://gpu-1:8000' }), ['upstreams[0].url']],
  [
    'an upstream over http elsewhere is accepted where that is said',
    upstream({ url: 'http://gpu-1:8000', plaintext: 'accepted' }),
    [],
  ],
  [
    'an upstream over http is not loopback because its name begins so',
    upstream({ url: 'http://127.0.0.1.example' }),
    ['upstreams[0].url'],
  ],
  [
    'TLS options of an upstream without TLS are mistakes',
    upstream({ tls: { caFile: 'c', serverName: 'x' } }),
    ['upstreams[0].tls.caFile', 'upstreams[0].tls.serverName'],
  ],
  [
    'a client certificate without key is a mistake',
    upstream({ url: 'https://x', tls: { certFile: 'c' } }),
    ['upstreams[0].tls.keyFile'],
  ],
  [
    'a client key without certificate is a mistake',
    upstream({ url: 'https://x', tls: { keyFile: 'c' } }),
    ['upstreams[0].tls.certFile'],
  ],
  [
    'a client certificate with key is accepted',
    upstream({ url: 'https://x', tls: { certFile: 'c', keyFile: 'k' } }),
    [],
  ],
  ['a rule that reads a broken option says nothing', { listen: { tls: { mode: 'off' }, host: '' } }, ['listen.host']],
] as const)
  test(name, () => assert.deepEqual(mistaken(overrides), paths));

for (const url of [
  'http://127.0.0.1:8000/v1',
  'https://u:p@x',
  'https://@x',
  'https://x?y',
  'https://x#y',
  'ftp://x',
  'x:8000',
  'unix:run/x',
  'unix://x',
  'unix:///run/x',
  'http:\\\\x',
  ' https://x',
  '',
])
  test(`${JSON.stringify(url)} is no upstream`, () =>
    assert.deepEqual(mistaken(upstream({ url })), ['upstreams[0].url']));

for (const publicUrl of [
  'http://x',
  'https://x/y',
  'https://x/?y',
  'https://u@x',
  'x',
  'ftp://x',
  'https://x\\y',
  'https:// x',
])
  test(`${publicUrl} is no public URL`, () =>
    assert.deepEqual(mistaken({ listen: { publicUrl } }), ['listen.publicUrl']));

for (const origin of [
  ...['*', 'null', 'https://x/', 'https://x/y', 'x', 'https://X', 'https://*.x'],
  ...['ftp://x', 'ws://x', 'wss://x', 'file://', 'file://x', 'app://', 'app://x/', 'app://*', 'App://x', 'data:x'],
])
  test(`${origin} is no origin`, () => {
    assert.deepEqual(mistaken({ listen: { cors: { origins: [origin] } } }), ['listen.cors.origins[0]']);
  });

for (const origin of [
  'https://app.example.org',
  'http://localhost:3000',
  'vscode-file://vscode-app',
  'tauri://localhost',
])
  test(`${origin} is an origin`, () => {
    assert.deepEqual(mistaken({ listen: { cors: { origins: [origin] } } }), []);
  });

const shipTo = (options: object) => ({ auditLog: { ship: [{ name: 'siem', ...options }] } });
const copyTo = (options: object) => ({ auditLog: { copies: [{ name: 'second', ...options }] } });
const splunk = { type: 'splunk', url: 'https://splunk:8088/services/collector/event', token: 'secret-1' };
const s3 = { type: 's3', url: 'https://s3.example.org/logs', accessKeyId: 'AKID', accessKeySecret: 'secret-1' };

for (const [name, overrides, paths] of [
  ['Splunk by TLS', shipTo(splunk), []],
  ['a destination in the clear', shipTo({ ...splunk, url: 'http://splunk:8088/' }), ['auditLog.ship[0].url']],
  ['a destination on this machine in the clear', shipTo({ ...splunk, url: 'http://127.0.0.1:8088/' }), []],
  ['a password in a URL', shipTo({ ...splunk, url: 'https://u:p@splunk/' }), ['auditLog.ship[0].url']],
  ['Splunk without token', shipTo({ ...splunk, token: undefined }), ['auditLog.ship[0].token']],
  ['a token that breaks its header', shipTo({ ...splunk, token: 'a b' }), ['auditLog.ship[0].token']],
  ['a name that is a path', shipTo({ ...splunk, name: '../x' }), ['auditLog.ship[0].name']],
  ['a name of 32 characters', shipTo({ ...splunk, name: 'a'.repeat(32) }), []],
  ['a name of 33 characters', shipTo({ ...splunk, name: 'a'.repeat(33) }), ['auditLog.ship[0].name']],
  ['a type that is not known', shipTo({ type: 'kafka' }), ['auditLog.ship[0].type']],
  ['an option of another type', shipTo({ ...splunk, apiKey: 'x' }), ['auditLog.ship[0].apiKey']],
  ['syslog by TLS', shipTo({ type: 'syslog', url: 'tls://logs.example.org:6514' }), []],
  ['syslog in the clear', shipTo({ type: 'syslog', url: 'tcp://logs:601' }), ['auditLog.ship[0].url']],
  ['syslog on this machine', shipTo({ type: 'syslog', url: 'tcp://[::1]:601' }), []],
  ['syslog without port', shipTo({ type: 'syslog', url: 'tls://logs' }), ['auditLog.ship[0].url']],
  ['a certificate without its key', shipTo({ ...splunk, certFile: 'c' }), ['auditLog.ship[0].keyFile']],
  ['one name twice', { auditLog: { ship: [1, 2].map(() => ({ name: 'a', ...splunk })) } }, ['auditLog.ship[1].name']],
  ['a copy in a bucket', copyTo(s3), []],
  ['a prefix that leads elsewhere', copyTo({ ...s3, prefix: 'a/../b' }), ['auditLog.copies[0].prefix']],
  ['a copy each second', copyTo({ type: 'file', toFile: 'x', every: '1s' }), []],
  ['a copy each half second', copyTo({ type: 'file', toFile: 'x', every: '500ms' }), ['auditLog.copies[0].every']],
  [
    'a copy and a destination of one name',
    { auditLog: { ...shipTo(splunk).auditLog, copies: [{ ...s3, name: 'siem' }] } },
    ['auditLog.copies[0].name'],
  ],
  ['digests of what was said', { auditLog: { content: 'hash', contentSample: 0 } }, []],
  ['what was said', { auditLog: { content: 'full', contentSample: 1, contentMaxBytes: '1KiB' } }, []],
  ['another word for content', { auditLog: { content: 'all' } }, ['auditLog.content']],
  ['more than all requests', { auditLog: { contentSample: 1.01 } }, ['auditLog.contentSample']],
  ['less than no requests', { auditLog: { contentSample: -0.01 } }, ['auditLog.contentSample']],
  ['texts of 1023 bytes', { auditLog: { contentMaxBytes: 1023 } }, ['auditLog.contentMaxBytes']],
  ['texts of 16 MiB', { auditLog: { contentMaxBytes: '16MiB' } }, []],
  ['texts of 17 MiB', { auditLog: { contentMaxBytes: '17MiB' } }, ['auditLog.contentMaxBytes']],
  ['records kept for a day', { auditLog: { retention: '1d' } }, []],
  ['records kept for an hour', { auditLog: { retention: '1h' } }, ['auditLog.retention']],
] as const satisfies readonly (readonly [string, object, readonly string[]])[])
  test(`${name} is ${paths.length === 0 ? 'accepted' : 'a mistake'} of the audit log`, () => {
    assert.deepEqual(mistaken(overrides), paths);
  });

test('the secrets of destinations are masked where the configuration is printed', () => {
  const overrides = { auditLog: { ...shipTo(splunk).auditLog, copies: [{ name: 'second', ...s3 }] } };
  const loaded = loadConfig({ env: {}, overrides, files });
  assert.ok(loaded.ok);
  const printed = printConfig(loaded.config);
  assert.ok(!printed.includes('secret-1'), printed);
  assert.match(printed, /accessKeySecret: "?\*{8}"?/);
  assert.match(printed, /every: 1m$/m);
});

/** Each whole area that is not built, with a value that would need it. */
for (const [path, overrides] of Object.entries({
  'guards.rules[0]': { guards: { rules: [{}] } },
  'dlp.rules[0]': { dlp: { rules: [{}] } },
  'storage.url': { storage: { url: 'postgres://x' } },
  transport: { transport: 'lean' },
}))
  test(`${path} is accepted with its default only`, () => {
    const loaded = loadConfig({ env: {}, overrides, files });
    assert.ok(!loaded.ok);
    assert.equal(loaded.mistakes.length, 1);
    assert.equal(loaded.mistakes[0]?.path, path);
    assert.match(loaded.mistakes[0].hint, /not in this version/);
  });

test('a path is written as people write it', () => {
  assert.equal(pathText(['upstreams', 0, 'tls', 'a b']), 'upstreams[0].tls["a b"]');
});
