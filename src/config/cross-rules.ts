import { isAnyAddress, isLoopbackHost } from '../kernel/host.ts';
import { formatBytes, formatDurationMs } from '../kernel/units.ts';
import type { Conflict } from './conflict.ts';
import { destinations } from './destination-rules.ts';
import type { Config } from './schema.ts';

/** Every rule between options that does not hold. Pure: files are checked elsewhere. */
export function conflictsOf(config: Config): Conflict[] {
  return [
    ...plainListeners(config),
    ...certificate(config),
    ...acme(config),
    ...proxies(config),
    ...clientCertificates(config),
    ...listeners(config),
    ...upstreams(config),
    ...counters(config),
    ...aliases(config),
    ...issuers(config),
    ...bans(config),
    ...destinations(config),
  ];
}

/** Without TLS whoever is on the way reads every key: only this machine and a proxy that ends TLS may ask. */
function plainListeners({ listen, admin }: Config): Conflict[] {
  if (listen.tls.mode !== 'off') return [];
  const path = ['listen', 'tls', 'mode'];
  const found: Conflict[] = [];
  if (!isLoopbackHost(listen.host) && listen.trustedProxies.length === 0) {
    const hint =
      'Without TLS listen on loopback (listen.host: 127.0.0.1), or name the proxy that ends TLS in listen.trustedProxies.';
    found.push({
      path,
      hint,
      reads: [
        ['listen', 'host'],
        ['listen', 'trustedProxies'],
      ],
    });
  }
  if (!isLoopbackHost(admin.host)) {
    const hint = 'Without TLS the admin listener must be on loopback: set admin.host to 127.0.0.1.';
    found.push({ path, hint, reads: [['admin', 'host']] });
  }
  return found;
}

function certificate({ listen: { tls } }: Config): Conflict[] {
  const found: Conflict[] = [];
  for (const name of ['certFile', 'keyFile'] as const) {
    const path = ['listen', 'tls', name];
    const reads = [['listen', 'tls', 'mode']];
    if (tls.mode === 'files' && tls[name] === undefined) {
      found.push({ path, hint: `tls.mode files needs ${name}: give the path of a PEM file.`, reads });
    }
    if (tls.mode !== 'files' && tls[name] !== undefined) {
      found.push({ path, hint: `${name} is used with tls.mode files only: set the mode, or leave it out.`, reads });
    }
  }
  return found;
}

/** Who may say for whom a connection is. */
function proxies({ listen }: Config): Conflict[] {
  const found: Conflict[] = [];
  for (const [i, network] of listen.trustedProxies.entries()) {
    // The second is every IPv4 address, as it is compared.
    if (!network.endsWith('/0') && network !== '::ffff:0:0/96') continue;
    // Then every caller chooses the address by which it is limited, banned and logged.
    const hint = 'This trusts the world: anybody could forge a client address. List the addresses of your proxies.';
    found.push({ path: ['listen', 'trustedProxies', i], hint, reads: [] });
  }
  if (listen.proxyProtocol !== 'off' && listen.trustedProxies.length === 0) {
    const hint = 'The PROXY header is believed of trusted proxies only: list their addresses in listen.trustedProxies.';
    found.push({ path: ['listen', 'proxyProtocol'], hint, reads: [['listen', 'trustedProxies']] });
  }
  return found;
}

/** Client certificates are judged by a CA, on TLS. */
function clientCertificates({ listen: { tls }, authentication: { mtls } }: Config): Conflict[] {
  const found: Conflict[] = [];
  const caFile = ['listen', 'tls', 'clientCaFile'];
  const at = ['authentication', 'mtls'];
  if (tls.clientCaFile !== undefined && tls.mode === 'off') {
    const hint = 'Client certificates come by TLS: leave this out, or set another listen.tls.mode.';
    found.push({ path: caFile, hint, reads: [['listen', 'tls', 'mode']] });
  }
  for (const option of ['required', 'principals'] as const) {
    const isUsed = option === 'required' ? mtls.required : mtls.principals.length > 0;
    if (!isUsed || tls.clientCaFile !== undefined) continue;
    const hint = 'This needs the CA that signs the certificates: give listen.tls.clientCaFile.';
    found.push({ path: [...at, option], hint, reads: [caFile] });
  }
  return found;
}

/** A CA certifies DNS names that it can be shown to lead here. */
function acme({ listen: { publicUrl, tls } }: Config): Conflict[] {
  if (tls.mode !== 'acme') return [];
  const { names, challenge, hook } = tls.acme;
  const at = ['listen', 'tls', 'acme'];
  const mode = ['listen', 'tls', 'mode'];
  const found: Conflict[] = [];
  const host = publicUrl === undefined ? '' : new URL(publicUrl).hostname;
  if (names.length === 0 && !/^[a-z0-9.-]+\.[a-z][a-z0-9-]*$/i.test(host)) {
    const hint = 'A CA certifies DNS names: set listen.publicUrl to https://NAME, or list the names here.';
    found.push({ path: [...at, 'names'], hint, reads: [mode, ['listen', 'publicUrl']] });
  }
  if (challenge !== 'dns-01' && names.some((name) => name.startsWith('*.'))) {
    const hint = 'A wildcard needs challenge: dns-01 (RFC 8555 asks it of every CA).';
    found.push({ path: [...at, 'challenge'], hint, reads: [mode, [...at, 'names']] });
  }
  if (challenge === 'dns-01' && hook === undefined) {
    const hint = 'dns-01 needs what publishes the record: hook: /path/of/program, or hook: drop:/folder.';
    found.push({ path: [...at, 'hook'], hint, reads: [mode, [...at, 'challenge']] });
  }
  return found;
}

function listeners({ listen, admin, telemetry, validation }: Config): Conflict[] {
  const found: Conflict[] = [];
  const meet = listen.host === admin.host || isAnyAddress(listen.host) || isAnyAddress(admin.host);
  if (listen.port === admin.port && listen.port !== 0 && meet) {
    const reads = [
      ['listen', 'port'],
      ['listen', 'host'],
      ['admin', 'host'],
    ];
    found.push({ path: ['admin', 'port'], hint: 'Give the admin listener another port than listen.port.', reads });
  }
  if (telemetry.prometheus === 'open' && !isLoopbackHost(admin.host)) {
    const hint = 'Metrics without credential are served on loopback only: give true, or set admin.host to 127.0.0.1.';
    found.push({ path: ['telemetry', 'prometheus'], hint, reads: [['admin', 'host']] });
  }
  const largest = validation.maxBodyBytes;
  if (listen.maxBufferedBytes < largest) {
    const hint = `Bodies of validation.maxBodyBytes would never fit: give at least ${formatBytes(largest)}.`;
    found.push({ path: ['listen', 'maxBufferedBytes'], hint, reads: [['validation', 'maxBodyBytes']] });
  }
  return found;
}

function bans({ network: { bans: spans } }: Config): Conflict[] {
  if (spans.firstMs <= spans.maxMs) return [];
  const hint = `The first ban would be longer than the longest: give at most ${formatDurationMs(spans.maxMs)}, or a longer max.`;
  const at = ['network', 'bans'];
  return [{ path: [...at, 'first'], hint, reads: [[...at, 'max']] }];
}

/** Each token must have one reading: of whom it is, and who is asked about it. */
function issuers({ authentication }: Config): Conflict[] {
  const found: Conflict[] = [];
  const at = ['authentication', 'issuers'];
  const asked = authentication.issuers.findIndex(({ introspection }) => introspection !== undefined);
  for (const [i, { issuer, introspection }] of authentication.issuers.entries()) {
    const first = authentication.issuers.findIndex((other) => other.issuer === issuer);
    if (first < i) {
      const hint = `authentication.issuers[${first}] is the same issuer: give each once.`;
      found.push({ path: [...at, i, 'issuer'], hint, reads: [[...at, first, 'issuer']] });
    }
    if (introspection !== undefined && asked < i) {
      // An opaque token does not say whose it is: to ask all would show each one's tokens to the others.
      const hint = `authentication.issuers[${asked}] is asked about opaque tokens already: only one issuer can be.`;
      found.push({ path: [...at, i, 'introspection'], hint, reads: [[...at, asked, 'introspection']] });
    }
  }
  return found;
}

function upstreams(config: Config): Conflict[] {
  const found: Conflict[] = [];
  const names = new Map<string, number>();
  for (const [i, { name, url, plaintext, tls }] of config.upstreams.entries()) {
    const at = ['upstreams', i];
    const first = names.get(name);
    if (first === undefined) names.set(name, i);
    else {
      const hint = `upstreams[${first}] has this name, too: give each its own.`;
      found.push({ path: [...at, 'name'], hint, reads: [['upstreams', first, 'name']] });
    }
    const isHttp = url.startsWith('http:');
    // Its key and every prompt would cross the network in the clear.
    if (isHttp && plaintext === 'refused' && !isLoopbackHost(URL.parse(url)?.hostname ?? '')) {
      const hint =
        'Use https:, unix:/path or loopback http:, or set plaintext: accepted beside it if the network is yours alone.';
      found.push({ path: [...at, 'url'], hint, reads: [[...at, 'plaintext']] });
    }
    for (const option of ['caFile', 'serverName', 'certFile', 'keyFile'] as const) {
      if (tls[option] === undefined || url.startsWith('https:')) continue;
      const hint = 'This is used with an https: url only: correct the url, or leave it out.';
      found.push({ path: [...at, 'tls', option], hint, reads: [[...at, 'url']] });
    }
    for (const [given, missing] of [
      ['certFile', 'keyFile'],
      ['keyFile', 'certFile'],
    ] as const) {
      if (tls[given] === undefined || tls[missing] !== undefined) continue;
      const hint = `A client certificate needs both files: give ${missing}, too.`;
      found.push({ path: [...at, 'tls', missing], hint, reads: [[...at, 'tls', given]] });
    }
  }
  return found;
}

/** Who is on the way could read the password, and set the counters. */
function counters({ counters: { url, plaintext } }: Config): Conflict[] {
  const isPlain = /^(redis|valkey):/.test(url);
  if (!isPlain || plaintext === 'accepted' || isLoopbackHost(URL.parse(url)?.hostname ?? '')) return [];
  const hint = 'Use rediss: or valkeys:, or set plaintext: accepted beside it if the network is yours alone.';
  return [{ path: ['counters', 'url'], hint, reads: [['counters', 'plaintext']] }];
}

/** One step only: what a name means is seen in its own line. */
function aliases({ models }: Config): Conflict[] {
  return Object.entries(models.aliases).flatMap(([alias, name]) =>
    Object.hasOwn(models.aliases, name)
      ? [
          {
            path: ['models', 'aliases', alias],
            hint: `${name} is an alias itself: give the name that vLLM serves.`,
            reads: [['models', 'aliases', name]],
          },
        ]
      : [],
  );
}
