import { isIP } from 'node:net';
import * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { isLoopbackHost } from '../../kernel/host.ts';
import { choice, cidr, count, duration, group, list, size, text } from '../../kernel/option.ts';

const PUBLIC_URL_HINT = 'Give https://HOST or https://HOST:PORT without path (http only for a loopback host).';

/** A host to listen on: an IP address or a name. */
export const listenHost = () =>
  text(
    'Give an IP address such as 0.0.0.0, 127.0.0.1 or ::, or a host name.',
    (value) => isIP(value) > 0 || isName(value),
  );

/** A TCP port; 0 picks a free one. */
export const port = () => count(0, 65_535);

/** Time limits of a connection. Comes out in milliseconds: `headMs`, `bodyMs`, `idleMs`, `writeMs`. */
const timeouts = group({
  head: duration('100ms', '5m')
    .prefault('10s')
    .describe('From the TCP connection to the end of the head; covers the TLS handshake.'),
  body: duration('100ms', '1h').prefault('30s').describe('From the head to the end of the body.'),
  idle: duration('100ms', '1h').prefault('60s').describe('How long a connection may wait for its next request.'),
  write: duration('100ms', '1h')
    .prefault('60s')
    .describe('How long a caller may leave its answer unread before it is cut; also the window of minBodyRate for it.'),
})
  .prefault({})
  .transform(({ head, body, idle, write }) => ({ headMs: head, bodyMs: body, idleMs: idle, writeMs: write }));

const listener = group({
  host: listenHost().prefault('0.0.0.0').describe('Address of the public listener.'),
  port: port().prefault(8443).describe('Port of the public listener; 0 picks a free one.'),
  publicUrl: z
    .string({ error: PUBLIC_URL_HINT })
    .transform((value, context) => {
      const url = publicOrigin(value);
      if (url === undefined) context.issues.push({ code: 'custom', message: PUBLIC_URL_HINT, input: value });
      return url ?? z.NEVER;
    })
    .optional()
    .describe('The one name under which callers reach the gateway; certificate names and printed snippets follow it.'),
  hosts: list(
    text('Give a host with or without port, such as llm.example.org or llm.example.org:8443.', isHost).transform(
      (value) => value.toLowerCase(),
    ),
  )
    .prefault([])
    .describe('Accepted Host headers; an empty list accepts any well-formed one.'),
  trustedProxies: list(cidr()).prefault([]).describe('Proxies whose forwarded address is believed.'),
  cors: group({
    origins: list(text('Give an origin such as https://app.example.org, without path; * is not accepted.', isOrigin))
      .prefault([])
      .describe('Origins whose pages may call the gateway from a browser or an editor.'),
  }).prefault({}),
  sseKeepAlive: duration('1s', '10m')
    .prefault('15s')
    .describe('Silence of a stream after which a keep-alive goes out.'),
  timeouts,
  minBodyRate: size('0', '1GiB')
    .prefault('1KiB')
    .describe('Fewest bytes a second of a body, judged over 5 s windows, and of an answer that waits to be read.'),
  maxHeadBytes: size('1KiB', '256KiB').prefault('16KiB').describe('Largest head of a request.'),
  maxHeaders: count(8, 1000).prefault(64).describe('Most header fields of a request.'),
  maxConnections: count(1, 1_000_000).prefault(20_000).describe('Most open connections in all.'),
  maxBufferedBytes: size('64KiB', '1TiB')
    .prefault('256MiB')
    .describe('Memory for all bodies that are being read or sent.'),
  proxyProtocol: choice('off', 'v1', 'v2')
    .prefault('off')
    .describe(
      'Version of the PROXY header that every connection of a trusted proxy begins with; nobody else may connect.',
    ),
});

/** Options of the public listener without TLS, for `config/schema.ts` to complete. Rates are bytes per second. */
export const listenerOptions = listener.shape;

/** Gives `sseKeepAlive` its unit; the one name of the listener that has none. */
export function nameListenUnits<T extends { sseKeepAlive: number }>({ sseKeepAlive, ...rest }: T) {
  return { ...rest, sseKeepAliveMs: sseKeepAlive };
}

/** Options of the public listener as they come out, without TLS. */
export type ListenerConfig = DeepReadonly<ReturnType<typeof nameListenUnits<z.output<typeof listener>>>>;

function publicOrigin(value: string): string | undefined {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return undefined;
  if (url.pathname !== '/' || /[\s\\]/.test(value)) return undefined;
  if (url.protocol === 'http:') return isLoopbackHost(url.hostname) ? url.origin : undefined;
  return url.protocol === 'https:' ? url.origin : undefined;
}

/** Schemes of the network or the disk, of which no page and no application calls us. */
const NOT_OF_APPLICATIONS = /^(file|ftp|wss?):/;

function isOrigin(value: string): boolean {
  const url = URL.parse(value);
  if (url === null) return false;
  // A pattern would be a host to the parser, and no origin ever equal to it.
  if (url.protocol === 'https:' || url.protocol === 'http:') return url.origin === value && !value.includes('*');
  // An application made of pages has a scheme of its own, which it sends with its host alone: vscode-file://vscode-app.
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+$/.test(value) && !NOT_OF_APPLICATIONS.test(value);
}

function isHost(value: string): boolean {
  const bare = value.replace(/:\d{1,5}$/, '');
  if (bare.startsWith('[') && bare.endsWith(']')) return isIP(bare.slice(1, -1)) === 6;
  return isIP(bare) === 4 || isName(bare);
}

function isName(value: string): boolean {
  return /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(value);
}
